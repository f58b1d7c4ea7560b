// What of the signals goes into one batch: how each stands, and what has changed of late.

import type { Schemas } from "../../lib/api";

const MOST = 200;

/** A signal has this value since `at`, by this device's even clock. */
export interface Seen extends Pick<Schemas["Sample"], "signal" | "value"> {
  at: number;
}

/** Of the samples of one signal, in order, those that held after `from`; the last holds still. */
export const since = (samples: readonly Seen[], from: number): Seen[] =>
  samples.filter((sample, n) => sample.at >= from || (samples[n + 1]?.at ?? Infinity) >= from);

/** Of the samples of several signals the last of each, and of the others as many of the newest as there is room for. */
export function batch(signals: readonly (readonly Seen[])[]): Seen[] {
  const last = signals.flatMap((samples) => samples.slice(-1));
  const rest = signals.flatMap((samples) => samples.slice(0, -1)).sort((a, b) => b.at - a.at);
  return [...last, ...rest.slice(0, MOST - last.length)];
}
