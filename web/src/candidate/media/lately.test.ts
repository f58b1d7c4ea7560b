import { expect, test } from "vitest";

import { batch, since, type Seen } from "./lately";

const focus = (at: number, value: Seen["value"] = "here"): Seen => ({ signal: "focus", value, at });
const times = (samples: Seen[]) => samples.map(({ at }) => at);

test("what held at a moment or later is of late, and the last holds still", () => {
  expect(times(since([focus(10), focus(20), focus(30)], 25))).toEqual([20, 30]);
  expect(times(since([focus(10), focus(20)], 20))).toEqual([10, 20]);
  expect(times(since([focus(10)], 1000))).toEqual([10]);
});

test("a batch holds how each thing stands, and the newest of what was before", () => {
  const many = Array.from({ length: 500 }, (_, n) => focus(n));
  const camera: Seen = { signal: "camera", value: "live", at: 0 };
  const sent = batch([[camera], many]);
  expect(sent.length).toBe(200);
  expect(sent.slice(0, 2)).toEqual([camera, focus(499)]);
  expect(Math.min(...times(sent.slice(2)))).toBe(499 - 198);
});

test("of nothing there is an empty batch", () => {
  expect(batch([])).toEqual([]);
});
