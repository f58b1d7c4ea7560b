// Times of day in an IANA zone and back, for fields that know of no zone ("2026-11-28T09:00", as datetime-local has it).

import { dayTime } from "./time";

/** The zone of this browser. */
export const here: string = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const zones: readonly string[] = [...new Set([here, "UTC", ...Intl.supportedValuesOf("timeZone")])];

export function isZone(name: string): boolean {
  try {
    return Boolean(name && new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/** A moment as the clocks of a zone show it, to the minute. */
export function inZone(moment: string | number, zone: string): string {
  const shape = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" } as const;
  return new Date(moment).toLocaleString("sv-SE", { ...shape, timeZone: zone }).replace(" ", "T");
}

/** The moment (ISO, UTC) at which the clocks of a zone show this; "" for what is no time. */
export function fromZone(local: string, zone: string): string {
  const shown = Date.parse(`${local}Z`);
  if (Number.isNaN(shown) || !isZone(zone)) return "";
  const ahead = (at: number) => Date.parse(`${inZone(at, zone)}Z`) - Math.floor(at / 60_000) * 60_000;
  const near = shown - ahead(shown);
  return new Date(shown - ahead(near)).toISOString(); // once more: clocks may have been put on or back in between
}

/** A moment in the zone of an exam, which is named, and in that of this browser where it is another one. */
export function inBoth(moment: string, zone: string, yours: string): string {
  const there = `${dayTime(moment, zone)} (${zone})`;
  return inZone(moment, zone) === inZone(moment, here) ? there : `${there}; ${yours} ${dayTime(moment, here)} (${here})`;
}
