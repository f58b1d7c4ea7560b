// Where the main menu leads, and for whom.

import { texts } from "../lib/language";
import type { Role } from "./me.svelte";

interface Place {
  at: string;
  name: string;
  roles: readonly Role[];
}

const t = texts(
  {
    schedules: "Schedules", appeals: "Appeals", templates: "Policy templates", texts: "Texts", people: "People", detectors: "Detectors",
    tokens: "Tokens", system: "System", requests: "Requests", holds: "Holds", exports: "Exports", proofs: "Proofs",
  },
  {
    schedules: "Termine", appeals: "Widersprüche", templates: "Vorlagen", texts: "Texte", people: "Personen", detectors: "Erkennung",
    tokens: "Zugänge", system: "System", requests: "Anfragen", holds: "Sperren", exports: "Exporte", proofs: "Beweise",
  },
);

/** In the order of the menu; the bare address leads to the first that somebody may open. */
export const PLACES = [
  { at: "/schedules", name: t.schedules, roles: ["planner", "invigilator", "lead_invigilator", "reviewer", "auditor"] },
  { at: "/appeals", name: t.appeals, roles: ["reviewer"] },
  { at: "/templates", name: t.templates, roles: ["planner"] },
  { at: "/texts", name: t.texts, roles: ["planner", "lead_invigilator"] },
  { at: "/people", name: t.people, roles: ["admin", "planner", "lead_invigilator"] },
  { at: "/detectors", name: t.detectors, roles: ["admin", "planner", "lead_invigilator", "reviewer", "auditor"] },
  { at: "/requests", name: t.requests, roles: ["data_protection_officer", "admin"] },
  { at: "/holds", name: t.holds, roles: ["data_protection_officer", "auditor"] },
  { at: "/exports", name: t.exports, roles: ["auditor", "data_protection_officer"] },
  { at: "/proofs", name: t.proofs, roles: ["auditor", "reviewer", "data_protection_officer"] },
  { at: "/tokens", name: t.tokens, roles: ["admin"] },
  { at: "/system", name: t.system, roles: ["admin"] },
] as const satisfies readonly Place[];
