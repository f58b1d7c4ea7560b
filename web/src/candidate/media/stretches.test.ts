import { expect, test } from "vitest";

import { covered, overlap, without } from "./stretches";

const stretch = (from: number, to: number) => ({ from, to });

test("how long two stretches last together", () => {
  expect(overlap(stretch(0, 10), stretch(6, 20))).toBe(4);
  expect(overlap(stretch(0, 10), stretch(12, 20))).toBe(-2);
  expect(overlap(stretch(0, 10), stretch(12, 20), 3)).toBe(1);
});

test("what several parts cover is counted once", () => {
  expect(covered(stretch(10, 50), [stretch(0, 20), stretch(18, 30), stretch(19, 25), stretch(45, 60)])).toBe(25);
  expect(covered(stretch(10, 50), [])).toBe(0);
});

test("what is left without a part of it", () => {
  expect(without([stretch(0, 10), stretch(20, 30), stretch(40, 50)], stretch(5, 42))).toEqual([stretch(0, 5), stretch(42, 50)]);
  expect(without([stretch(0, 30)], stretch(10, 20))).toEqual([stretch(0, 10), stretch(20, 30)]);
});
