import { expect, test } from "vitest";

import { due, inOrder, overdue } from "./due";

const now = Date.parse("2026-06-10T12:00:00Z");
const at = (due_at: string, answered_at: string | null = null) => ({ due_at, answered_at });

test("what is due is said in words", () => {
  expect(due(at("2026-06-07T13:00:00Z"), now)).toBe("3 days overdue");
  expect(due(at("2026-06-10T20:00:00Z"), now)).toBe("due today");
  expect(due(at("2026-06-22T12:00:00Z"), now)).toBe("due in 12 days");
  expect(due(at("2026-06-07T13:00:00Z", "2026-06-08T00:00:00Z"), now)).toBe("");
});

test("what is overdue comes first, what is answered last", () => {
  const rows = [at("2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z"), at("2026-06-22T00:00:00Z"), at("2026-06-07T00:00:00Z")];
  expect(inOrder(rows).map((row) => row.due_at.slice(8, 10))).toEqual(["07", "22", "01"]);
  expect(rows.map((row) => overdue(row, now))).toEqual([false, false, true]);
});
