// Shows one track of a session live, by WHEP (draft-ietf-wish-whep).

import type { Api } from "../../lib/api";
import { keepConnected } from "../../lib/rtc";

const FOLLOWS_MS = 1200; // a picture, where the candidate has connected anew to the media process that we watch at

export type TrackName = "camera" | "screen";
export type How = "waiting" | "live" | "lost";

export interface View {
  stop(): void;
  /**
   * For who knows that the candidate has connected anew: where no picture follows they are with another media process,
   * and we go there before the browser notices.
   */
  connectedAnew(): void;
}

/** Plays the track in `video`, sound included if it is wanted. Live is what shows a picture. */
export function watch(api: Api, session: string, track: TrackName, video: HTMLVideoElement, sound: boolean, state: (how: How, why?: string) => void): View {
  let playing: MediaStream | null = null;

  const prepare = (peer: RTCPeerConnection) => {
    const shown = (playing = new MediaStream());
    video.srcObject = shown;
    peer.ontrack = (event) => {
      shown.addTrack(event.track);
      video.play().catch(() => {}); // one with sound does not begin by itself everywhere; its controls stay
    };
    video.requestVideoFrameCallback(() => playing === shown && state("live"));
    for (const kind of sound && track === "camera" ? ["video", "audio"] : ["video"]) peer.addTransceiver(kind, { direction: "recvonly" });
  };
  const resource = `/api/v1/sessions/${session}/whep/${track}`;
  const connection = keepConnected(api, session, resource, prepare, (how, why) => {
    if (how !== "live") state(how === "lost" ? how : "waiting", why);
  });

  async function pictures(): Promise<number | null> {
    for (const one of (await connection.stats())?.values() ?? []) if (one.type === "inbound-rtp" && one.kind === "video") return one.framesDecoded as number;
    return null;
  }

  async function connectedAnew(): Promise<void> {
    const before = await pictures();
    setTimeout(async () => {
      if (before !== null && (await pictures()) === before) connection.again("the candidate is with another media process");
    }, FOLLOWS_MS);
  }

  return {
    connectedAnew: () => void connectedAnew(),
    stop: () => {
      playing = null;
      video.srcObject = null;
      void connection.stop();
    },
  };
}
