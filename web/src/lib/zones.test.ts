import { describe, expect, test } from "vitest";

import { fromZone, inZone, isZone } from "./zones";

describe("zones", () => {
  test("a moment is shown as the clocks of a zone have it", () => {
    expect(inZone("2026-11-28T08:00:00Z", "Europe/Vienna")).toBe("2026-11-28T09:00");
    expect(inZone("2026-06-01T23:30:00Z", "Asia/Kolkata")).toBe("2026-06-02T05:00");
    expect(inZone("2026-06-01T00:05:00Z", "UTC")).toBe("2026-06-01T00:05");
  });

  test("and comes back from there, in summer and in winter", () => {
    for (const moment of ["2026-11-28T08:00:00.000Z", "2026-06-01T08:00:00.000Z", "2026-10-25T03:00:00.000Z"]) {
      for (const zone of ["Europe/Vienna", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"]) {
        expect(fromZone(inZone(moment, zone), zone)).toBe(moment);
      }
    }
  });

  test("a time that the clocks skip lies behind the jump or before it, never elsewhere", () => {
    expect(["2026-03-29T00:30:00.000Z", "2026-03-29T01:30:00.000Z"]).toContain(fromZone("2026-03-29T02:30", "Europe/Vienna"));
  });

  test("what is no time or no zone gives nothing", () => {
    expect(fromZone("", "Europe/Vienna")).toBe("");
    expect(fromZone("2026-11-28T09:00", "Vienna")).toBe("");
    expect(isZone("")).toBe(false);
  });
});
