import { expect, test } from "vitest";

import { addressOf, momentOf, momentTyped, span, stepAt, stepsIn, typedOf, within } from "./asof";

const at = (time: string) => Date.parse(`2026-11-28T${time}Z`);
const window = { opens_at: "2026-11-28T09:00:00Z", closes_at: "2026-11-28T11:00:00Z" };

test("an exam takes from its opening to its end, or to now, and none before it opens", () => {
  expect(span(window, at("08:59:59"))).toBeNull();
  expect(span(null, at("10:00:00"))).toBeNull();
  expect(span(window, at("10:00:00"))).toEqual({ from: at("09:00:00"), to: at("10:00:00") });
  expect(span(window, at("15:00:00"))).toEqual({ from: at("09:00:00"), to: at("11:00:00") });
});

test("an address holds a moment, or a position of the ledger", () => {
  expect(momentOf("2026-11-28T09:42:07Z")).toBe(at("09:42:07"));
  expect(addressOf(at("09:42:07") + 900)).toBe("2026-11-28T09:42:07Z");
  expect([momentOf("1234"), momentOf(""), momentOf("tea time")]).toEqual([null, null, null]);
});

test("a time is typed as the clocks of the exam's zone show it, and never lies ahead", () => {
  expect(typedOf(at("09:42:07"), "Europe/Vienna")).toBe("2026-11-28T10:42:07");
  expect(momentTyped("2026-11-28T10:42:07", "Europe/Vienna", at("12:00:00"))).toBe(at("09:42:07"));
  expect(momentTyped("2026-11-28T15:00:00", "Europe/Vienna", at("12:00:00"))).toBe(at("12:00:00"));
  expect(momentTyped("", "Europe/Vienna", at("12:00:00"))).toBeNull();
});

test("the slider stands on whole steps, and never ahead of now", () => {
  const taken = { from: at("09:00:00"), to: at("09:01:04") };
  expect(stepsIn(taken)).toBe(12);
  expect(stepAt(at("09:00:11"), taken)).toBe(10);
  expect(stepAt(at("09:01:04"), taken)).toBe(60);
  expect(stepAt(at("08:00:00"), taken)).toBe(0);
  expect(within(at("08:00:00"), taken)).toBe(taken.from);
  expect(within(at("10:00:00"), taken)).toBe(taken.to);
});
