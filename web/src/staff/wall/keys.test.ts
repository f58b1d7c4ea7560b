import { expect, test } from "vitest";

import { USUAL, clashes, kept, named } from "./keys";

test("each key does one thing", () => {
  expect(named(USUAL, "d")).toBe("aside");
  expect(named(USUAL, "z")).toBe(null);
  expect(clashes(USUAL)).toEqual([]);
  expect(clashes({ on: true, keys: { ...USUAL.keys, warn: "n" } })).toEqual(["next", "warn"]);
});

test("a key that was taken away clashes with nothing", () => {
  expect(clashes({ on: true, keys: { ...USUAL.keys, warn: "", pause: "" } })).toEqual([]);
});

test("where nothing is kept they are the usual ones", () => {
  expect(kept()).toEqual(USUAL);
});
