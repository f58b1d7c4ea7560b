// What each part of the page of a schedule is given.

import type { Schemas } from "../../lib/api";

export interface Part {
  schedule: Schemas["ScheduleRead"];
  /** Nothing of it changes any more. */
  frozen: boolean;
  /** Reads the schedule again after a change. */
  changed: () => Promise<void>;
}
