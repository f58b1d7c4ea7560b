import { expect, test } from "vitest";

import { alike, blind, bySeverity, gaps, judged, reviewer, tookPart, type Flag } from "./gradebook";

const flag = (severity: Flag["severity"], given: Partial<Flag> = {}): Flag => ({
  kind: "book", severity, at: "2026-01-01T10:00:00Z", by: "", verdicts: [], standing: "unjudged", ...given,
});

test("the severest incidents come first, and those there are none of are left out", () => {
  const groups = bySeverity({ incidents: { a: flag("info"), b: flag("high"), c: flag("info") } });
  expect(groups.map((one) => [one.severity, one.flags.length])).toEqual([["high", 1], ["info", 2]]);
});

test("flags that are alike are said once", () => {
  expect(alike(["book (unjudged)", "voice (unsure)", "book (unjudged)"])).toEqual(["2 × book (unjudged)", "voice (unsure)"]);
});

test("what nobody has judged is not looked at", () => {
  expect(judged({ incidents: { a: flag("info", { verdict: "unsure" }), b: flag("high") } })).toEqual({ judged: 1, all: 2 });
});

test("where nothing was seen, no flag is not clean", () => {
  const over = { clock: { ended_at: "2026-01-01T11:00:00Z" }, observed: { book: "", voice: "" }, coverage: {} };
  expect(blind({ ...over, coverage: { book: { taken: 9 } } })).toEqual({ kinds: ["voice"], all: false });
  expect(blind(over)).toEqual({ kinds: ["book", "voice"], all: true });
  expect(blind({ ...over, clock: {} })).toEqual({ kinds: [], all: false });
});

test("gaps of both tracks are counted", () => {
  const gap = { started_at: "2026-01-01T10:00:00Z", ended_at: "2026-01-01T10:00:04Z", why: "lost" as const };
  expect(gaps({ recordings: { camera: { gaps: [gap] }, screen: { gaps: [gap, gap] } } })).toEqual({ count: 3, seconds: 12 });
});

test("the reviewer is who decided, else who judged last", () => {
  const given = (by: string, at: string) => ({ verdict: "unsure" as const, by, at });
  const incidents = { a: flag("warn", { verdicts: [given("kim", "2026-01-03T10:00:00Z")] }), b: flag("warn", { verdicts: [given("jo", "2026-01-02T10:00:00Z")] }) };
  expect(reviewer({ incidents, decisions: [] })).toBe("kim");
  expect(reviewer({ incidents: {}, decisions: [] })).toBeNull();
});

test("whoever raised an incident, judged or decided took part", () => {
  const judge = { verdict: "unsure" as const, by: "kim", at: "2026-01-03T10:00:00Z" };
  const row = { incidents: { a: flag("warn", { by: "jo", verdicts: [judge] }) }, decisions: [] };
  expect(["jo", "kim", "ola", undefined].map((who) => tookPart(row, who))).toEqual([true, true, false, false]);
});
