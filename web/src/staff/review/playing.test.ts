import { expect, test } from "vitest";

import { around, deed, neighbour, offset, onward, read } from "./playing";

test("incidents that touch are played as one", () => {
  expect(around([{ from: 50_000, to: 52_000 }, { from: 20_000, to: 35_000 }, { from: 200_000, to: 200_000 }])).toEqual([
    { from: 10_000, to: 62_000 },
    { from: 190_000, to: 210_000 },
  ]);
});

test("between incidents the player goes on at the next one, and after the last it ends", () => {
  const spans = [{ from: 10, to: 20 }, { from: 40, to: 50 }];
  expect([0, 15, 20, 45, 50].map((at) => onward(spans, at))).toEqual([10, 15, 40, 45, null]);
});

test("a neighbour is not the moment one is at", () => {
  const moments = [1_000, 9_000, 20_000];
  expect([neighbour(moments, 9_100, 1), neighbour(moments, 9_100, -1), neighbour(moments, 21_000, 1)]).toEqual([20_000, 1_000, undefined]);
});

test("the moment in an address is read as it was written", () => {
  expect(offset(2_467_900)).toBe("00:41:07");
  expect([read("00:41:07"), read("0:1:2"), read(null)]).toEqual([2_467_000, null, null]);
});

test("keys", () => {
  expect(deed("ArrowRight", true)).toEqual({ do: "by", s: 30 });
  expect(deed("ArrowLeft", false)).toEqual({ do: "by", s: -5 });
  expect(deed("x", false)).toBeNull();
});
