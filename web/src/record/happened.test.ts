import { expect, test } from "vitest";

import { happened } from "./happened";

test("acts, faults and breaks stand in order of time, and a fault says that it is not held against anybody", () => {
  const told = happened({
    interventions: [{ kind: "extra_time", at: "2026-11-28T09:30:00Z", stage: "applied", minutes: 5, why: "the alarm rang" }],
    faults: [],
    breaks: [{ kind: "rest", began_at: "2026-11-28T09:10:00Z", until: "2026-11-28T09:20:00Z", ended_at: null, stopped_s: 0, over_s: 0 }],
  });
  expect(told.map((one) => one.text)).toEqual(["rest break", "extra time, 5 minutes: applied, the alarm rang"]);
});
