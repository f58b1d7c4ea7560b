// Stretches of the server's time, in ms.

import type { Schemas } from "../../lib/api";

export interface Stretch {
  from: number;
  to: number;
}

export const read = ({ started_at, ended_at }: Schemas["Part"]): Stretch => ({ from: Date.parse(started_at), to: Date.parse(ended_at) });

/** How long both last together, if the first lasts `more` at either end; below 0 they do not touch. */
export const overlap = (one: Stretch, other: Stretch, more = 0): number => Math.min(one.to + more, other.to) - Math.max(one.from - more, other.from);

/** How much of `whole` the parts cover. They are in order of their start, and may overlap. */
export function covered(whole: Stretch, parts: readonly Stretch[]): number {
  let ms = 0;
  let until = whole.from;
  for (const part of parts) {
    const from = Math.max(part.from, until);
    const to = Math.min(part.to, whole.to);
    if (to <= from) continue;
    ms += to - from;
    until = to;
  }
  return ms;
}

/** What is left of some without what is gone. */
export function without(some: readonly Stretch[], gone: Stretch): Stretch[] {
  const rest = some.flatMap(({ from, to }) => [
    { from, to: Math.min(to, gone.from) },
    { from: Math.max(from, gone.to), to },
  ]);
  return rest.filter(({ from, to }) => to > from);
}
