import { expect, test } from "vitest";

import { standing } from "./appealing";
import type { Seen } from "./opened";

type Appeal = Seen["appeals"][number];
type Decision = Seen["decisions"][number];

const NOW = Date.parse("2026-11-28T09:00:00Z");
const closes = { appeals_close_at: "2026-12-28T09:00:00Z" };
const decision: Decision = { number: 1, outcome: "referred", ground: null, reason: "", at: "2026-11-27T09:00:00Z", seal: 1 };
const made = (state: Appeal["state"], against: number): Appeal => ({
  appeal: "a1", text: "", at: "2026-11-27T10:00:00Z", decision: against, incident: "", state, attached: [], reason: null, ended_at: null,
});

test("one may appeal once for each decision, while there is time", () => {
  expect(standing({ ...closes, appeals: [], decisions: [] }, NOW)).toBe("may");
  expect(standing({ ...closes, appeals: [made("open", 1)], decisions: [decision] }, NOW)).toBe("waits");
  expect(standing({ ...closes, appeals: [made("rejected", 1)], decisions: [decision] }, NOW)).toBe("answered");
  expect(standing({ ...closes, appeals: [made("upheld", 1)], decisions: [decision, { ...decision, number: 2 }] }, NOW)).toBe("may");
  expect(standing({ ...closes, appeals: [made("withdrawn", 1)], decisions: [decision] }, NOW)).toBe("may");
  expect(standing({ appeals_close_at: "2026-11-28T09:00:00Z", appeals: [], decisions: [] }, NOW)).toBe("closed");
});
