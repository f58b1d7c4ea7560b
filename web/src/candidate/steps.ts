// Which part of the page is shown, from what the server knows and from whether this page has camera and screen.

import type { Schemas } from "../lib/api";

export type Session = Schemas["SessionRead"];
export type Clock = Session["clock"];
export type Next = Session["onboarding"]["next"];
export type Step = "notice" | "consent" | "checks" | "exam" | "end";

export const OVER: readonly Clock["phase"][] = ["submitted", "terminated", "no_show", "declined", "ended_in_fault"];

/** `captured`: camera and screen were opened in this page, and the exam was begun or gone on with here. */
export function stepOf(next: Next, clock: Pick<Clock, "phase" | "started_at">, captured: boolean): Step {
  if (OVER.includes(clock.phase)) return "end";
  if (clock.started_at) return captured ? "exam" : "checks";
  return next === "notice" || next === "consent" ? next : "checks";
}
