import { expect, test } from "vitest";

import { learn, open, queue, same, type Known } from "./queue";
import { a_row } from "./rows.test-data";

const at = (minute: number) => `2026-01-01T10:${String(minute).padStart(2, "0")}:00Z`;
const one = (kind: string, severity: Known["severity"], minute: number) => ({ kind, severity, started_at: at(minute), picture: null });

test("incidents of one kind of one candidate are one entry, the gravest first and then the oldest", () => {
  const known = new Map<string, Known>();
  learn(known, "a", a_row("a", { incidents: 3, open: { 1: one("voice", "info", 1), 2: one("voice", "info", 3), 3: one("book", "high", 9) } }));
  learn(known, "b", a_row("b", { incidents: 1, open: { 4: one("book", "high", 5) } }));
  const found = queue(known.values(), "me", false);
  expect(found.map((group) => [group.key, group.kind, group.incidents.length])).toEqual([["b", "book", 1], ["a", "book", 1], ["a", "voice", 2]]);
  expect([found[2]?.since, found[2]?.last]).toEqual([at(1), at(3)]);
});

test("what is over by itself stays until somebody has judged it or set it aside", () => {
  const known = new Map<string, Known>();
  learn(known, "a", a_row("a", { incidents: 1, open: { 1: one("book", "high", 1) } }));
  learn(known, "a", a_row("a", { incidents: 1 }));
  expect(queue(known.values(), "me", false)[0]?.open).toBe(false);
  learn(known, "a", a_row("a", { incidents: 1, triage: { 1: { set_aside_by: "me" } } }));
  expect(queue(known.values(), "me", false)).toEqual([]);
  learn(known, "a", a_row("a", { incidents: 1, verdicts: { 1: "dismissed" } }));
  expect(queue(known.values(), "me", false)).toEqual([]);
});

test("a row that counts more than is known says so", () => {
  expect(learn(new Map(), "a", a_row("a", { incidents: 2, open: { 1: one("book", "high", 1) } }))).toBe(true);
});

test("what others have comes last, and is theirs", () => {
  const known = new Map<string, Known>();
  learn(known, "a", a_row("a", { incidents: 1, open: { 1: one("book", "high", 1) }, triage: { 1: { taken_by: "kim" } } }));
  learn(known, "b", a_row("b", { incidents: 1, open: { 2: one("book", "info", 2) } }));
  const [mine, theirs] = queue(known.values(), "me", false);
  expect([mine?.key, theirs?.key]).toEqual(["b", "a"]);
  expect(theirs && open(theirs, "me", false)).toEqual({ take: false, release: false, aside: false, escalate: false });
  expect(theirs && open(theirs, "me", true)).toMatchObject({ release: true, aside: true });
});

test("what was escalated waits for a lead", () => {
  const known = new Map<string, Known>();
  learn(known, "a", a_row("a", { incidents: 1, open: { 1: one("book", "high", 1) }, triage: { 1: { escalated_by: "me" } } }));
  const [group] = queue(known.values(), "me", false);
  expect(group && open(group, "me", false)).toMatchObject({ take: false, aside: false });
  expect(group && open(group, "kim", true)).toMatchObject({ take: true, aside: true });
});

test("an entry that has not changed stays the very same", () => {
  const known = new Map<string, Known>();
  learn(known, "a", a_row("a", { incidents: 1, open: { 1: one("book", "high", 1) } }));
  const before = queue(known.values(), "me", false);
  learn(known, "b", a_row("b", { incidents: 1, open: { 2: one("book", "high", 2) } }));
  const now = same(before, queue(known.values(), "me", false));
  expect(now[0]).toBe(before[0]);
  expect(now.length).toBe(2);
});
