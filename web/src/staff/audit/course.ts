// The course of an exam, as its chart draws it and as a sentence tells it.

import type { Schemas } from "../../lib/api";
import type { Span } from "./asof";

type Point = Schemas["Point"];

export interface Counts {
  sitting: number;
  away: number;
  incidents: number;
}

/** Times in seconds, and beside each what holds from then on. */
export type Columns = [at: number[], sitting: number[], away: number[], incidents: number[]];

/** What held at a moment (ms): what the last point at or before it says. */
export function countsAt(points: readonly Point[], moment: number): Counts {
  const last = points.findLast((point) => Date.parse(point.at) <= moment);
  return last ?? { sitting: 0, away: 0, incidents: 0 };
}

/** From the beginning of a span to its end, also where nothing happened. */
export function columns(points: readonly Point[], { from, to }: Span): Columns {
  const within = points.map((point) => ({ ...point, ms: Date.parse(point.at) })).filter(({ ms }) => ms > from && ms < to);
  const rows = [{ ms: from, ...countsAt(points, from) }, ...within, { ms: to, ...countsAt(points, to) }];
  return [
    rows.map((row) => row.ms / 1000),
    rows.map((row) => row.sitting),
    rows.map((row) => row.away),
    rows.map((row) => row.incidents),
  ];
}

/** The highest of a column, and the moment (ms) at which it was reached first. */
export function peak(at: readonly number[], column: readonly number[]): { most: number; at: number } {
  const most = Math.max(...column);
  return { most, at: (at[column.indexOf(most)] ?? 0) * 1000 };
}
