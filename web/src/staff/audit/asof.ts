// Moments of an exam, for the list as it was at one of them.

import { fromZone, inZone } from "../../lib/zones";

export const STEP_S = 5;

const POSITION = /^\d{1,18}$/;

/** The time that an exam takes, in ms. */
export interface Span {
  from: number;
  to: number;
}

/** From when it opens until it closes, or until now; null before that. */
export function span(window: { opens_at: string; closes_at: string } | null | undefined, now: number): Span | null {
  const from = Date.parse(window?.opens_at ?? "");
  const to = Math.min(Date.parse(window?.closes_at ?? ""), now);
  return to >= from ? { from, to } : null;
}

/** The moment that an address asks for, in ms; null where it names a position of the ledger, or nothing that is a time. */
export function momentOf(asOf: string): number | null {
  const moment = POSITION.test(asOf) ? NaN : Date.parse(asOf);
  return Number.isNaN(moment) ? null : moment;
}

/** "2026-11-28T09:42:07Z": a moment as an address has it, to the second, never later than it is. */
export function addressOf(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 19)}Z`;
}

/** A moment as the clocks of a zone show it, to the second: what a field for a time holds. */
export function typedOf(moment: number, zone: string): string {
  return `${inZone(moment, zone)}:${new Date(moment).toISOString().slice(17, 19)}`;
}

/** The moment (ms) that was typed, if it is one, and no later than now. */
export function momentTyped(local: string, zone: string, now: number): number | null {
  const moment = Date.parse(fromZone(local, zone));
  return Number.isNaN(moment) ? null : Math.min(moment, now);
}

/** Where the slider stands, in seconds since the exam opened: a whole step, within the time that the exam takes. */
export function stepAt(moment: number, { from, to }: Span): number {
  const steps = Math.round((moment - from) / 1000 / STEP_S);
  return Math.max(0, Math.min(steps, stepsIn({ from, to }))) * STEP_S;
}

/** How many whole steps an exam has had. */
export const stepsIn = ({ from, to }: Span): number => Math.floor((to - from) / 1000 / STEP_S);

export const within = (moment: number, { from, to }: Span): number => Math.max(from, Math.min(moment, to));
