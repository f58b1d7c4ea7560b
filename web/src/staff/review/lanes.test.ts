import { expect, test } from "vitest";

import { grouped, lanes, type Mark } from "./lanes";

const at = (from: number): Mark => ({ id: String(from), from, to: from, text: "", tone: "plain" });

test("marks that would lie on one another are one button", () => {
  expect(grouped([at(0), at(5), at(9), at(12), at(40)], 10).map((group) => group.length)).toEqual([3, 1, 1]);
});

test("a lane with nothing in it is not there, and a fault is no finding", () => {
  const fault = { what: "camera", why: "lost", began_at: "2026-01-01T10:00:00Z", ended_at: null };
  const found = lanes({ incidents: [], faults: [fault], messages: [], interventions: [], recordings: [] });
  expect(found.map((lane) => [lane.name, lane.marks[0]?.text])).toEqual([["Faults", "camera: lost, no finding"]]);
});
