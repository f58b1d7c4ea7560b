// How much could not be kept on this device, also when the page is loaded again.

import type { Track } from "./track";

/** Seconds of each track. */
export type Seconds = Partial<Record<Track, number>>;

export interface NotKept {
  all(): Seconds;
  add(track: Track, seconds: number): void;
}

/** What could not be kept of one session. */
export function notKept(session: string): NotKept {
  const name = `vigil-not-kept-${session}`;
  let seconds: Seconds = {};
  try {
    seconds = JSON.parse(sessionStorage.getItem(name) ?? "{}") as Seconds;
  } catch {
    // a browser that keeps nothing
  }

  function add(track: Track, more: number): void {
    seconds = { ...seconds, [track]: (seconds[track] ?? 0) + more };
    try {
      sessionStorage.setItem(name, JSON.stringify(seconds));
    } catch {
      // it is known while this page is open
    }
  }

  return { all: () => seconds, add };
}
