import { expect, test } from "vitest";

import { counted, hold, need, ordered, shown, type Held, type Live } from "./order";
import { a_row } from "./rows.test-data";

const rows = (...all: Live[]) => new Map(all.map((row) => [row.session, row]));

test("who needs a look rises at once and sinks after ten seconds", () => {
  let held: Held = hold(undefined, 6, 0);
  held = hold(held, 0, 1000);
  expect(held.need).toBe(0);
  held = hold(held, 6, 2000);
  expect(held.need).toBe(0);
  held = hold(held, 6, 11_900);
  expect(held.need).toBe(0);
  held = hold(held, 6, 12_000);
  expect(held.need).toBe(6);
});

test("a hand lifts who has nothing else, and not above what is grave", () => {
  const hand = a_row("a", { help: { help: "h", topic: "question", at: "2026-01-01T00:00:00Z", taken_by: "" } });
  expect(need(hand)).toBeLessThan(need(a_row("b", {})));
  expect(need({ ...hand, risk: "high" })).toBe(need(a_row("b", { risk: "high" })));
});

test("tiles stand by need, name or seat, and what is pinned comes first", () => {
  const all = rows(a_row("a", { name: "Zoe", number: "2" }), a_row("b", { name: "Ana", number: "10" }));
  const held = new Map([["a", { need: 0, sinks_at: Infinity }], ["b", { need: 6, sinks_at: Infinity }]]);
  expect(ordered(all, "look", held, new Set())).toEqual(["a", "b"]);
  expect(ordered(all, "name", held, new Set())).toEqual(["b", "a"]);
  expect(ordered(all, "seat", held, new Set())).toEqual(["a", "b"]);
  expect(ordered(all, "look", held, new Set(["b"]))).toEqual(["b", "a"]);
});

test("whoever has an incident is shown, whatever is wished for", () => {
  const wish = { search: "zoe", phases: new Set<string>(), mine: null };
  expect(shown(a_row("b", { name: "Ana" }), wish)).toBe(false);
  expect(shown(a_row("b", { name: "Ana", risk: "info" }), wish)).toBe(true);
  expect(shown(a_row("b", { name: "Ana" }), { search: "", phases: new Set(["paused"]), mine: null })).toBe(false);
  expect(shown(a_row("b", { name: "Ana" }), { search: "", phases: new Set(), mine: new Set(["a"]) })).toBe(false);
});

test("who was withdrawn counts nowhere", () => {
  expect(counted([a_row("a", {}), a_row("b", {}), a_row("c", { withdrawn: true })])).toEqual([["in_progress", 2]]);
});
