import { expect, test } from "vitest";

import { leads, sorted } from "./leads";

const one = (name: string, phase: string, day: number) => ({
  name,
  phase,
  window: { opens_at: `2026-11-${day}T08:00:00Z`, closes_at: `2026-11-${day}T11:00:00Z` },
});

test("the next exam comes first, and what is over last, the newest first", () => {
  const all = [one("b", "draft", 29), one("old", "closed", 20), one("a", "active", 28), one("missed", "draft", 21)];
  const { coming, over } = sorted(all, Date.parse("2026-11-28T09:00:00Z"));
  expect(coming.map((s) => s.name)).toEqual(["a", "b"]);
  expect(over.map((s) => s.name)).toEqual(["missed", "old"]);
});

test("each role is led to its own work first", () => {
  const first = (role: string) => leads("1", (...roles) => (roles as string[]).includes(role))[0]?.name;
  expect([first("planner"), first("invigilator"), first("auditor"), first("admin")]).toEqual(["Plan", "Live Proctoring", "Gradebook", undefined]);
});
