// The window of an exam as a form holds it: times of day in a zone, the exam itself in minutes.

import type { Schemas } from "../../lib/api";
import { fromZone, inZone } from "../../lib/zones";

export interface Times {
  opens: string;
  lastEntry: string;
  closes: string;
  zone: string;
  minutes: number;
}

const HOUR = 3_600_000;

/** For a new exam: tomorrow at nine, an hour to come in, two hours to sit it. */
export function usual(now: number, zone: string): Times {
  const opens = `${inZone(now + 24 * HOUR, zone).slice(0, 10)}T09:00`;
  return { opens, lastEntry: later(opens, 60, zone), closes: later(opens, 180, zone), zone, minutes: 120 };
}

export function timesOf(window: Schemas["Window"], duration_s: number): Times {
  const { opens_at, last_entry_at, closes_at, time_zone: zone } = window;
  const [opens = "", lastEntry = "", closes = ""] = [opens_at, last_entry_at, closes_at].map((moment) => inZone(moment, zone));
  return { opens, lastEntry, closes, zone, minutes: Math.round(duration_s / 60) };
}

/** What the API takes. A time that was not changed stays what it was, to the second. */
export function windowOf(times: Times, before?: Schemas["Window"] | null): Schemas["Window"] {
  const moment = (local: string, old: string | undefined) =>
    old && before?.time_zone === times.zone && inZone(old, times.zone) === local ? old : fromZone(local, times.zone);
  return {
    opens_at: moment(times.opens, before?.opens_at),
    last_entry_at: moment(times.lastEntry, before?.last_entry_at),
    closes_at: moment(times.closes, before?.closes_at),
    time_zone: times.zone,
  };
}

/** The same exam with another opening: what comes after it moves along. */
export function moved(times: Times, opens: string): Times {
  const [from, to] = [fromZone(times.opens, times.zone), fromZone(opens, times.zone)];
  if (!from || !to) return { ...times, opens };
  const by = (Date.parse(to) - Date.parse(from)) / 60_000;
  return { ...times, opens, lastEntry: later(times.lastEntry, by, times.zone), closes: later(times.closes, by, times.zone) };
}

function later(local: string, minutes: number, zone: string): string {
  const moment = fromZone(local, zone);
  return moment ? inZone(Date.parse(moment) + minutes * 60_000, zone) : local;
}

/** What of it is not as it was known: a field that nobody touched takes back nothing that somebody else has changed. */
export function changes<T extends object>(known: { [Field in keyof T]?: T[Field] | null }, wanted: T): Partial<T> {
  const same = (key: keyof T) => JSON.stringify(known[key]) === JSON.stringify(wanted[key]);
  const touched = (Object.keys(wanted) as (keyof T)[]).filter((key) => !same(key));
  return Object.fromEntries(touched.map((key) => [key, wanted[key]])) as Partial<T>;
}
