import { expect, test } from "vitest";

import { USUAL, has, pointing, tidy } from "./policy";

test("a kind is switched on and off where it belongs, once", () => {
  const with_voice = pointing(pointing(USUAL, "voice", true), "voice", true);
  expect(with_voice.detectors.filter((one) => one.kind === "voice")).toHaveLength(1);
  expect(has(with_voice, "voice")).toBe(true);
  expect(has(pointing(with_voice, "voice", false), "voice")).toBe(false);
  expect(pointing(USUAL, "pasted", true).browser.at(-1)).toEqual({ kind: "pasted", after_s: null });
});

test("a reason goes with what it was for", () => {
  const reasoned = { ...USUAL, reasons: { voice: "An oral exam", room_scan: "At home" }, room_scan: true };
  expect(tidy(reasoned).reasons).toEqual({ room_scan: "At home" });
});
