import { expect, test } from "vitest";

import { belowWords, coverOf, reached, type Intervention } from "./cover";
import type { Clock } from "./steps";

const AT = Date.parse("2026-11-28T09:10:00Z");
let number = 0;

function asked(action: Intervention["action"], more: Partial<Intervention> = {}): Intervention {
  number += 1;
  return { kind: "intervention", intervention: `i${number}`, action, at: "2026-11-28T09:00:00Z", reason_code: "", text: null, minutes: null, stage: "delivered", break_kind: null, platform: false, ...more };
}

function clock(phase: Clock["phase"], more: Partial<Clock> = {}): Clock {
  return {
    kind: "session", phase, checked: true, started_at: "2026-11-28T09:00:00Z", due_at: null, end_at: null, stopped_since: null, stopped_s: 0, extra_s: 0, duration_s: 3600,
    ended_at: null, faults: [], guidance: "", rest_left_s: 0, muted: [], waived: [], consents: {}, ...more,
  };
}

test("nothing covers an exam of which nothing is asked", () => {
  expect(coverOf([], clock("in_progress"), true, AT)).toBeNull();
});

test("a warning comes first, one at a time, on any step, and waits until it is read", () => {
  const [one, other] = [asked("warn", { text: "Please look at the screen" }), asked("warn", { text: "And again" })];
  const cover = coverOf([asked("pause"), one, other], clock("paused"), false, AT);
  expect(cover?.text).toBe("Please look at the screen");
  expect(cover?.ok?.tells).toEqual({ interventions: [one.intervention], stage: "applied" });
  expect(coverOf([{ ...one, stage: "applied" }, other], clock("in_progress"), true, AT)?.text).toBe("And again");
});

test("a look is asked for once, however often it was asked, but not of who is on a break", () => {
  const looks = [asked("room_scan"), asked("room_scan", { text: "The desk, please" })];
  const cover = coverOf(looks, clock("in_progress"), true, AT);
  expect(cover?.view).toBe(true);
  expect(cover?.text).toContain("The desk, please");
  expect(cover?.ok?.tells).toEqual({ interventions: looks.map((one) => one.intervention), stage: "acknowledged" });
  expect(coverOf(looks, clock("on_break"), true, AT)).toBeNull();
});

test("a pause says that the clock has stopped and that it is no accusation, and has no button", () => {
  const cover = coverOf([asked("pause", { text: "Somebody is at the door", stage: "applied" })], clock("paused"), true, AT);
  expect(cover).toMatchObject({ head: "Your exam is paused", text: "Somebody is at the door" });
  expect(cover?.more).toContain("This is not an accusation.");
  expect(cover?.more).toContain("The clock of your exam platform may go on");
  expect(cover?.ok).toBeUndefined();
  expect(coverOf([asked("pause", { platform: true })], clock("paused"), true, AT)?.more).not.toContain("platform");
});

test("a break counts down, and then says since when it is over, while the clock runs again", () => {
  const until = (moment: string) => clock("on_break", { on_break: { kind: "rest", since: "2026-11-28T09:05:00Z", until: moment, granted: false } });
  const during = coverOf([], until("2026-11-28T09:12:30Z"), true, AT);
  expect(during?.text).toBe("0:02:30 left of your break.");
  expect(during?.more).toContain("The clock of your exam stands.");
  expect(during?.ok?.tells).toBe("back");
  const after = coverOf([], until("2026-11-28T09:09:00Z"), true, AT);
  expect(after?.text).toBe("Your break is over since 0:01:00.");
  expect(after?.more).toContain("The clock of your exam runs.");
});

test("beside the checks only a line says that the exam stands", () => {
  expect(coverOf([asked("pause")], clock("paused"), false, AT)).toBeNull();
  expect(belowWords(clock("paused"))).toContain("its clock has stopped");
  expect(belowWords(clock("in_progress"))).toBe("");
});

test("what takes effect by being shown is applied at once; what waits for the candidate is delivered", () => {
  expect(reached(asked("pause", { stage: "requested" }))).toBe("delivered");
  expect(reached(asked("pause", { stage: "delivered" }))).toBe("applied");
  expect(reached(asked("warn", { stage: "delivered" }))).toBeNull();
  expect(reached(asked("pause", { stage: "applied" }))).toBeNull();
});
