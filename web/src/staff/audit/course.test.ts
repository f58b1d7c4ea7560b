import { expect, test } from "vitest";

import { columns, countsAt, peak } from "./course";

const at = (time: string) => Date.parse(`2026-11-28T${time}Z`);
const point = (time: string, sitting: number, away: number, incidents: number) => ({ at: `2026-11-28T${time}Z`, sitting, away, incidents });

const points = [point("08:59:00", 0, 0, 1), point("09:05:00", 30, 0, 1), point("09:40:00", 30, 30, 2), point("11:30:00", 0, 0, 2)];
const taken = { from: at("09:00:00"), to: at("11:00:00") };

test("at a moment there holds what the last point before it says", () => {
  expect(countsAt(points, at("08:00:00"))).toEqual({ sitting: 0, away: 0, incidents: 0 });
  expect(countsAt(points, at("09:05:00"))).toMatchObject({ sitting: 30, away: 0, incidents: 1 });
  expect(countsAt(points, at("10:00:00"))).toMatchObject({ sitting: 30, away: 30, incidents: 2 });
});

test("a chart goes from the opening to the end, with what held there", () => {
  expect(columns(points, taken)).toEqual([
    [at("09:00:00"), at("09:05:00"), at("09:40:00"), at("11:00:00")].map((ms) => ms / 1000),
    [0, 30, 30, 30],
    [0, 0, 30, 30],
    [1, 1, 2, 2],
  ]);
  expect(columns([], taken)[1]).toEqual([0, 0]);
});

test("a peak is told with the moment at which it was reached first", () => {
  const [times, sitting, away] = columns(points, taken);
  expect(peak(times, sitting)).toEqual({ most: 30, at: at("09:05:00") });
  expect(peak(times, away)).toEqual({ most: 30, at: at("09:40:00") });
});
