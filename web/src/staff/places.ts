// Where the main menu leads, and for whom.

import { texts } from "../lib/language";
import type { Role } from "./me.svelte";

interface Place {
  at: string;
  name: string;
  roles: readonly Role[];
}

const EVERYBODY: readonly Role[] = ["admin", "auditor", "data_protection_officer", "invigilator", "lead_invigilator", "planner", "reviewer"];

const t = texts({ schedules: "Schedules" }, { schedules: "Termine" });

export const PLACES: readonly Place[] = [{ at: "/schedules", name: t.schedules, roles: EVERYBODY }];
