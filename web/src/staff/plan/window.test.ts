import { expect, test } from "vitest";

import { changes, moved, timesOf, usual, windowOf } from "./window";

const WINDOW = {
  opens_at: "2026-11-28T08:00:17Z",
  last_entry_at: "2026-11-28T09:00:00Z",
  closes_at: "2026-11-28T11:00:00Z",
  time_zone: "Europe/Vienna",
};

test("a new exam is tomorrow at nine where it is held", () => {
  const times = usual(Date.parse("2026-11-27T23:30:00Z"), "Europe/Vienna");
  expect(times).toMatchObject({ opens: "2026-11-29T09:00", lastEntry: "2026-11-29T10:00", closes: "2026-11-29T12:00", minutes: 120 });
});

test("what was not touched goes back as it came", () => {
  const times = timesOf(WINDOW, 3600);
  expect(times.opens).toBe("2026-11-28T09:00");
  expect(windowOf(times, WINDOW)).toEqual(WINDOW);
});

test("another zone means other moments for the same times of day", () => {
  const there = windowOf({ ...timesOf(WINDOW, 3600), zone: "America/New_York" }, WINDOW);
  expect(there.opens_at).toBe("2026-11-28T14:00:00.000Z");
});

test("what comes after the opening moves along with it", () => {
  const times = moved(timesOf(WINDOW, 3600), "2026-11-29T10:30");
  expect(times).toMatchObject({ opens: "2026-11-29T10:30", lastEntry: "2026-11-29T11:30", closes: "2026-11-29T13:30" });
});

test("only what was touched is sent", () => {
  const known = { title: "Anatomy", window: WINDOW, duration_s: 3600 };
  expect(changes(known, { ...known, window: windowOf(timesOf(WINDOW, 3600), WINDOW), title: "Anatomy II" })).toEqual({ title: "Anatomy II" });
});
