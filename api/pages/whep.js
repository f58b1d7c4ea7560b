// Shows one track of a session live, by WHEP (draft-ietf-wish-whep).

import { keepConnected } from "/assets/rtc.js";

/**
 * Plays the `track` of the session at `at` in `video`, sound included. Returns `stop`. `state("waiting" | "live" | "lost",
 * why)` tells how it goes; live is what shows a picture.
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
  const { stop } = keepConnected(call, at, `${at}/whep/${track}`, prepare, (how, why) => {
    if (how !== "live") state(how === "lost" ? how : "waiting", why);
  });
  return () => {
    video.srcObject = null;
    return stop();
  };
}
