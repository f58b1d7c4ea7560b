// In which order the tiles stand, and which of them are shown.

import type { Schemas } from "../../lib/api";

export type Live = Schemas["Live"];
export type Risk = Live["risk"];
export type Sort = "look" | "name" | "seat";

export const RUNNING: readonly Live["phase"][] = ["in_progress", "paused", "locked", "on_break"]; // somebody sits an exam
export const OVER: readonly Live["phase"][] = ["submitted", "terminated", "declined", "no_show", "ended_in_fault"];

const LINGERS_MS = 10_000; // who needed a look a moment ago does not sink at once
const RANK: Record<Risk, number> = { high: 0, warn: 2, info: 4, none: 6 };

/** How much somebody needs a look: less is more. A hand or a message lifts those who have nothing else. */
export function need(row: Live): number {
  const asks = row.help || row.unread.length || row.clock.break_asked || Object.keys(row.devices.asking).length;
  const rank = asks ? Math.min(RANK[row.risk], 3) : RANK[row.risk];
  return OVER.includes(row.phase) && rank === RANK.none ? rank + 1 : rank;
}

/** What a tile stands by, and since when it would stand lower. */
export interface Held {
  need: number;
  sinks_at: number;
}

/** It rises at once, and sinks when it has needed less for ten seconds. `now` in ms. */
export function hold(before: Held | undefined, now_needs: number, now: number): Held {
  if (!before || now_needs <= before.need) return { need: now_needs, sinks_at: Infinity };
  const sinks_at = Math.min(before.sinks_at, now + LINGERS_MS);
  return now >= sinks_at ? { need: now_needs, sinks_at: Infinity } : { need: before.need, sinks_at };
}

/** The keys of the rows in order: what is pinned first, whatever they are sorted by. */
export function ordered(rows: ReadonlyMap<string, Live>, sort: Sort, held: ReadonlyMap<string, Held>, pinned: ReadonlySet<string>): string[] {
  const by = (key: string): (number | string)[] => {
    const row = rows.get(key);
    const name = row?.name ?? "";
    const first = pinned.has(key) ? 0 : 1;
    if (sort === "name") return [first, name, key];
    if (sort === "seat") return [first, seat(row?.number), name, key];
    return [first, held.get(key)?.need ?? RANK.none, name, key];
  };
  return [...rows.keys()].map((key) => [key, by(key)] as const).sort(([, a], [, b]) => compare(a, b)).map(([key]) => key);
}

/** Seats 2 and 10 in the order of their numbers. */
function seat(number: string | null | undefined): string {
  return (number ?? "").replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [n, one] of a.entries()) {
    const other = b[n] ?? "";
    if (one < other) return -1;
    if (one > other) return 1;
  }
  return 0;
}

export interface Wish {
  search: string;
  phases: ReadonlySet<string>;
  mine: ReadonlySet<string> | null; // sessions, or null for all
}

/** Whether a row is shown. Whoever has an incident that goes on is, whatever is wished for. */
export function shown(row: Live, { search, phases, mine }: Wish): boolean {
  if (row.withdrawn) return false;
  if (row.risk !== "none") return true;
  const wanted = search.trim().toLowerCase();
  if (wanted && !`${row.name ?? ""} ${row.number ?? ""}`.toLowerCase().includes(wanted)) return false;
  return (!phases.size || phases.has(row.phase)) && (!mine || mine.has(row.session));
}

/** How many there are in each state, most of them first. */
export function counted(rows: Iterable<Live>): [Live["phase"], number][] {
  const counts = new Map<Live["phase"], number>();
  for (const row of rows) if (!row.withdrawn) counts.set(row.phase, (counts.get(row.phase) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
