// Shows one track of a session live, by WHEP (draft-ietf-wish-whep).

import { keepConnected } from "/assets/rtc.js";

const FOLLOWS_MS = 1200; // a picture, where the candidate has connected anew to the media process that we watch at

/**
 * Plays the `track` of the session at `at` in `video`, sound included. `state("waiting" | "live" | "lost", why)` tells how
 * it goes; live is what shows a picture. Returns `stop`, and `connectedAnew`, for who knows that the candidate has: where
 * no picture follows they are with another media process, and we go there before the browser notices.
 */
export function watch(call, at, track, video, state) {
  const prepare = (peer) => {
    const shown = (video.srcObject = new MediaStream());
    peer.ontrack = (event) => {
      shown.addTrack(event.track);
      video.play().catch(() => {}); // one with sound does not begin by itself everywhere; its controls stay
    };
    video.requestVideoFrameCallback(() => video.srcObject === shown && state("live"));
    for (const kind of track === "camera" ? ["video", "audio"] : ["video"]) peer.addTransceiver(kind, { direction: "recvonly" });
  };
  const { stop, again, stats } = keepConnected(call, at, `${at}/whep/${track}`, prepare, (how, why) => {
    if (how !== "live") state(how === "lost" ? how : "waiting", why);
  });

  async function pictures() {
    for (const one of (await stats())?.values() ?? []) if (one.type === "inbound-rtp" && one.kind === "video") return one.framesDecoded;
    return null;
  }

  async function connectedAnew() {
    const before = await pictures();
    const look = async () => before !== null && (await pictures()) === before && again("the candidate is with another media process");
    setTimeout(look, FOLLOWS_MS);
  }

  return {
    connectedAnew,
    stop: () => {
      video.srcObject = null;
      return stop();
    },
  };
}
