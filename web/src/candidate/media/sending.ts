// All that is done with camera and screen while the exam runs: they are published, copied, and stills stand in for them.

import type { Api } from "../../lib/api";
import { copySaid } from "./copySaid";
import { filling } from "./filling";
import { localCopy } from "./localCopy";
import { stills, type Stills } from "./stills";
import type { Track } from "./track";
import { publish, type Published } from "./whip";

export type { Track };

/** How it stands with what is sent of one track. `pictures`: stills stand in for video; `ended`: the person or browser stopped it; `none`: not captured. */
export type Sending = { state: "none" | "connecting" | "live" | "lost" | "pictures" | "ended"; why?: string };

export interface Hears {
  track(track: Track, how: Sending): void;
  /** The line about the copy on this device, during the exam; "" for nothing to say. */
  during(text: string): void;
  /** The same after the end. */
  after(text: string): void;
}

export interface Sender {
  /** Sends a track, and tells how that goes. */
  send(track: Track, media: MediaStream | undefined): void;
  /** The server knows that connections are lost, or that they soon will be. */
  again(draining: boolean): void;
  /** `how` is told of the copy from now on. */
  telling(how: (standing: "kept" | "full") => void): void;
  /** Nothing more is recorded here. */
  stop(): Promise<void>;
  /** The exam is over: what is missing of its recording is sent. */
  finish(endedAt: string | null): void;
}

/** For one session, also when its page is loaded again. `contact` is what follows a line about a lost connection, or "". */
export function sender(api: Api, session: string, hears: Hears, contact: () => string): Sender {
  const sent: { track: Track; published: Published; instead: Stills }[] = [];
  let tell: (standing: "kept" | "full") => void = () => {};
  const copy = localCopy(api, session, () => {
    said.room();
    telling(tell);
  });
  const said = copySaid(copy, hears, contact);
  const missing = filling(api, session, copy, said.filling);

  function send(track: Track, media: MediaStream | undefined): void {
    const video = media?.getVideoTracks()[0];
    if (!media || !video) return hears.track(track, { state: "none" });
    let how: Sending = { state: "connecting" };
    let still = false;
    const shown = () => hears.track(track, video.readyState === "ended" ? { state: "ended" } : still ? { state: "pictures" } : how);
    video.addEventListener("ended", shown);
    const pictures = (on: boolean) => {
      still = on;
      shown();
    };
    const instead = stills(api, session, track, video, () => published.pictures(), pictures);
    const published = publish(api, session, track, media, (state, why) => {
      how = { state, why };
      for (const one of [copy, missing]) one.stands(track, state === "live");
      instead.stands(state === "live");
      shown();
    });
    copy.record(track, media);
    sent.push({ track, published, instead });
  }

  function again(draining: boolean): void {
    for (const { published } of sent) draining ? published.move() : published.again();
  }

  function telling(how: (standing: "kept" | "full") => void): void {
    tell = how;
    const standing = copy.standing(); // of a copy that this browser cannot make nothing is told
    if (standing) tell(standing);
  }

  async function stop(): Promise<void> {
    const all = sent.splice(0);
    for (const { track, instead } of all) {
      instead.stop();
      missing.stands(track, false);
    }
    await Promise.all([copy.stop(), ...all.map(({ published }) => published.stop())]);
  }

  return { send, again, telling, stop, finish: missing.finish };
}
