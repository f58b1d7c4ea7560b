// Where a schedule leads whoever is signed in, in the words by which exam officers know the way.

import { texts } from "../../lib/language";
import type { Role } from "../me.svelte";

export interface Lead {
  name: string;
  to: string;
}

const t = texts(
  { plan: "Plan", live: "Live Proctoring", gradebook: "Gradebook", as_of: "As it was" },
  { plan: "Planung", live: "Live-Aufsicht", gradebook: "Notenbuch", as_of: "Wie es war" },
);

const LEADS: readonly { name: string; to: (schedule: string) => string; roles: readonly Role[] }[] = [
  { name: t.plan, to: (schedule) => `/schedules/${schedule}`, roles: ["planner"] },
  { name: t.live, to: (schedule) => `/schedules/${schedule}/live`, roles: ["invigilator", "lead_invigilator", "planner"] },
  { name: t.gradebook, to: (schedule) => `/schedules/${schedule}/gradebook`, roles: ["reviewer", "auditor"] },
  { name: t.as_of, to: (schedule) => `/schedules/${schedule}/as-of`, roles: ["planner", "invigilator", "lead_invigilator", "reviewer", "auditor"] },
];

/** The first is the one that their work begins with. */
export function leads(schedule: string, is: (...roles: Role[]) => boolean): Lead[] {
  return LEADS.filter((lead) => is(...lead.roles)).map((lead) => ({ name: lead.name, to: lead.to(schedule) }));
}

/** What is over comes after what is to come, and the newest of it first. */
export function sorted<S extends { phase: string; window: { opens_at: string; closes_at: string } | null }>(
  schedules: readonly S[],
  now: number,
): { coming: S[]; over: S[] } {
  const past = (one: S) => one.phase === "closed" || one.phase === "cancelled" || Date.parse(one.window?.closes_at ?? "") < now;
  const at = (one: S) => Date.parse(one.window?.opens_at ?? "") || 0;
  return {
    coming: schedules.filter((one) => !past(one)).sort((a, b) => at(a) - at(b)),
    over: schedules.filter(past).sort((a, b) => at(b) - at(a)),
  };
}
