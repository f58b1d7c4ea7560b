// Shows one track of a session live, by WHEP (draft-ietf-wish-whep).

import type { Api } from "../../lib/api";
import { texts } from "../../lib/language";
import { keepConnected } from "../../lib/rtc";

const FOLLOWS_MS = 1200; // a picture, where the candidate has connected anew to the media process that we watch at

const t = texts(
  { elsewhere: "the candidate is with another media process" },
  { elsewhere: "der Kandidat oder die Kandidatin ist bei einem anderen Medienprozess" },
);

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
      if (before !== null && (await pictures()) === before) connection.again(t.elsewhere);
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
