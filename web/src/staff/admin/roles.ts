// The roles there are for staff, those that most have first.

import type { Schemas } from "../../lib/api";

export type StaffRole = Schemas["User"]["roles"][number];

export const ROLES: readonly StaffRole[] = [
  "invigilator", "lead_invigilator", "planner", "reviewer", "auditor", "data_protection_officer", "admin",
];
