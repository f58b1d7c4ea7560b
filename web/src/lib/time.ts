// Moments and durations as people read them. Of an exam in the exam's own time zone, which is named.

import { locale } from "./language";

/** "28 Nov 2026, 09:42" in the given IANA zone, else in that of this browser. */
export function dayTime(moment: string | number, zone?: string): string {
  return new Date(moment).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
}

/** "28 Nov 2026, 09:42:07". */
export function secondTime(moment: string | number, zone?: string): string {
  return new Date(moment).toLocaleString(locale, { dateStyle: "medium", timeStyle: "medium", timeZone: zone });
}

/** "09:42:07". */
export function clockTime(moment: string | number, zone?: string): string {
  return new Date(moment).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: zone });
}

/** "09:42". */
export function hourTime(moment: string | number, zone?: string): string {
  return new Date(moment).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", timeZone: zone });
}

/** "1:02:07". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part, n) => (n ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** The clock of a session, as the live list and the candidate's own page tell it. */
export interface SessionClock {
  started_at?: string | null;
  due_at?: string | null;
  ended_at?: string | null;
  stopped_since?: string | null;
  duration_s: number;
  extra_s: number;
  stopped_s: number;
  on_break?: { kind: string; until: string } | null;
}

/** Whether somebody is on a break for which the clock has been stopped. */
export function stands(clock: SessionClock): boolean {
  return clock.on_break?.kind === "rest" && Boolean(clock.stopped_since);
}

/**
 * What is left on a session's clock, in seconds; null before the start. `skew` is our clock minus the server's, and
 * `now` this moment by ours, in ms. On a rest break it stands until that is over, and what is due lies as much later.
 */
export function left(clock: SessionClock, skew = 0, now = Date.now()): number | null {
  if (!clock.started_at) return null;
  const until = stands(clock) && clock.on_break ? Date.parse(clock.on_break.until) : 0;
  if (clock.due_at) return (Date.parse(clock.due_at) - Math.max(until, now - skew)) / 1000;
  const given = clock.duration_s + clock.extra_s + clock.stopped_s;
  const last = Date.parse(clock.stopped_since ?? clock.ended_at ?? clock.started_at);
  return given - (last - Date.parse(clock.started_at)) / 1000;
}
