import { expect, test } from "vitest";

import { stepOf, type Clock } from "./steps";

const clock = (phase: Clock["phase"], started: string | null = null) => ({ phase, started_at: started });

test("before the start the server says what comes next", () => {
  expect(stepOf("notice", clock("expected"), false)).toBe("notice");
  expect(stepOf("consent", clock("checking"), false)).toBe("consent");
  expect(stepOf("system_check", clock("checking"), false)).toBe("checks");
  expect(stepOf("start", clock("ready"), false)).toBe("checks");
});

test("a page that was loaded again in the middle opens camera and screen first", () => {
  expect(stepOf("exam", clock("in_progress", "2026-11-28T09:00:00Z"), false)).toBe("checks");
  expect(stepOf("exam", clock("paused", "2026-11-28T09:00:00Z"), true)).toBe("exam");
});

test("what is over is over, whatever this page has open", () => {
  expect(stepOf("over", clock("submitted", "2026-11-28T09:00:00Z"), true)).toBe("end");
  expect(stepOf("notice", clock("declined"), false)).toBe("end");
});
