import { expect, test } from "vitest";

import { clockWords, lightOf, luma } from "./looks";

const picture = (...rgb: [number, number, number]) => new Uint8ClampedArray([...rgb, 255, ...rgb, 255]);

test("how bright a picture is", () => {
  expect(luma(picture(0, 0, 0))).toBe(0);
  expect(luma(picture(255, 255, 255))).toBeCloseTo(255);
  expect(luma(picture(0, 255, 0))).toBeCloseTo(0.587 * 255);
  expect(lightOf(20)[0]).toBe(false);
  expect(lightOf(120)[0]).toBe(true);
  expect(lightOf(240)[0]).toBe(false);
});

test("a wrong clock is named, and that it does not matter", () => {
  expect(clockWords(800)[0]).toBe(true);
  expect(clockWords(-61_000)).toEqual([false, "your device's clock is 0:01:01 slow; the server's counts, and you need not do anything"]);
});
