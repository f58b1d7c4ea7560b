import { describe, expect, test } from "vitest";

import { duration, left } from "./time";

const RUNNING = { started_at: "2026-11-28T09:00:00Z", duration_s: 3600, extra_s: 0, stopped_s: 0 };

describe("left", () => {
  test("nothing is told before the start", () => {
    expect(left({ ...RUNNING, started_at: null })).toBeNull();
  });

  test("a clock that is stopped stands, whatever time it is", () => {
    expect(left({ ...RUNNING, stopped_since: "2026-11-28T09:10:00Z" })).toBe(3000);
  });

  test("what has been given is added", () => {
    expect(left({ ...RUNNING, extra_s: 300, stopped_s: 60, stopped_since: "2026-11-28T09:10:00Z" })).toBe(3360);
  });
});

test("a duration has hours, and two digits for the rest", () => {
  expect(duration(3727.9)).toBe("1:02:07");
  expect(duration(-5)).toBe("0:00:00");
});
