import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { copySaid } from "./copySaid";
import type { Progress } from "./filling";
import type { Seconds } from "./notKept";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function page(lost: Seconds = {}) {
  const shown = { during: "", after: [] as string[], full: false };
  const said = copySaid(
    { full: () => shown.full, lost: () => lost },
    { during: (text) => (shown.during = text), after: (text) => shown.after.push(text) },
    () => " Call 555.",
  );
  const during = (state: Progress["state"], owed: Seconds = {}) => said.filling({ state, owed, over: false });
  const after = (state: Progress["state"], owed: Seconds = {}) => said.filling({ state, owed, over: true });
  return { shown, said, during, after };
}

test("during the exam only what is owed is said, and for a while that it was sent", () => {
  const { shown, during } = page();
  during("quiet");
  expect(shown.during).toBe("");
  during("sending", { camera: 4 });
  expect(shown.during).toContain("Your device sends it now");
  during("quiet");
  expect(shown.during).toBe("What was missing in your recording has been sent.");
  vi.advanceTimersByTime(16_000);
  expect(shown.during).toBe("");
});

test("a full copy is said beside what is owed, until there is room again", () => {
  const { shown, said, during } = page();
  during("sending", { screen: 1 });
  shown.full = true;
  said.room();
  expect(shown.during).toMatch(/no more room.*go on with your exam\. A part of your recording/);
  shown.full = false;
  said.room();
  expect(shown.during).toMatch(/^A part of your recording/);
});

test("after an exam of which everything has arrived nothing is said", () => {
  const { shown, after } = page();
  after("quiet");
  after("done");
  expect(shown.after).toEqual([]);
});

test("after the exam it is said what is still being sent, whom to call when nothing gets through, and when the page may go", () => {
  const { shown, after } = page();
  after("sending", { screen: 1.2, camera: 4 });
  after("away", { camera: 4 });
  after("checking");
  after("done");
  expect(shown.after).toEqual([
    "Still being sent: 4 s of your camera and 2 s of your screen; please leave this page open.",
    "Still being sent: 4 s of your camera; at the moment nothing gets through. It goes on by itself; please leave this page open. Call 555.",
    "It is being checked whether all of your recording has arrived; please leave this page open.",
    "All that your device held of your recording has arrived. You can close this page.",
  ]);
});

test("what could not be kept is said as a fault of the device", () => {
  const { shown, after } = page({ camera: 12 });
  after("unwanted");
  expect(shown.after).toEqual([
    "Nothing more of your recording is being sent. Your device could not keep 12 s of your camera; that is a technical fault and is not held against you. You can close this page.",
  ]);
});

test("the same is not said again at once, with other numbers", () => {
  const { shown, after } = page();
  after("sending", { camera: 9 });
  after("sending", { camera: 8 });
  vi.advanceTimersByTime(5000);
  after("sending", { camera: 3 });
  expect(shown.after.map((text) => text.slice(0, 22))).toEqual(["Still being sent: 9 s ", "Still being sent: 3 s "]);
});
