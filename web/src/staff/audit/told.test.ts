import { expect, test } from "vitest";

import { textOf, told, type Detail } from "./told";

const hash = "f44344d44c52e2583af27a6c8442100ab27b4210ae5a6596afabdc5381e18d4e";
const reading = { zone: "Europe/Vienna", known: new Map([["u1", "Kim"]]) };

/** As an indented list, for comparing. */
function listed(details: readonly Detail[], indent = ""): string[] {
  return details.flatMap((one) => [`${indent}${one.name}: ${one.value}`.trimEnd(), ...listed(one.inside, `${indent}  `)]);
}
const lines = (body: Record<string, unknown>) => listed(told(body, reading));

test("names have spaces, people their names, moments the exam's zone, and durations a unit", () => {
  expect(lines({ at: "2026-03-04T05:06:07Z", by: "u1", move_end: false, reason_code: "invigilator", opens_in: "tab" })).toEqual([
    "by: Kim", "move end: no", "reason code: invigilator", "opens in: tab",
  ]);
  expect(lines({ end_at: "2026-03-04T05:06:07.5Z" })[0]).toMatch(/^end at: .*6:06:07/);
  expect(lines({ duration_s: 3600, stopped_s: 0.5, skew_ms: -3, bytes: 12 })).toEqual(["duration: 1:00:00", "stopped for: 0.5 s", "skew: -3 ms", "bytes: 12"]);
});

test("what somebody wrote stays as it is", () => {
  const text = "second_screen";
  expect(lines({ text, reason: hash, note: "2026-03-04T05:06:07Z" })).toEqual([`text: ${text}`, `reason: ${hash}`, "note: 2026-03-04T05:06:07Z"]);
  expect(lines({ kind: text, severity: "warn" })).toEqual(["kind: second screen", "severity: warning"]);
});

test("what only machines read is short, and whole on request", () => {
  expect(told({ sha256: hash }, reading)).toEqual([{ name: "SHA-256", value: "f44344d44c52…", whole: hash, inside: [] }]);
  expect(told({ object_key: `main/evidence/${hash}/several.jpg` }, reading)[0]?.value).toBe("…/several.jpg");
  expect(told({ checkpoint: `vigil\n33\n${hash}/x=\n` }, reading)[0]?.value).toBe("vigil…");
  expect(told({ intervention: `${hash.slice(0, 24)}.q5ed64s4faccc4wo3gpehs3u` }, reading)[0]?.value).toBe("q5ed64s4facc…");
});

test("what lies inside is indented, and a list stands in one line where that is all of it", () => {
  const policy = { camera: true, bases: {}, detectors: [{ kind: "out_of_view", threshold: null }, { kind: "book", threshold: null }] };
  expect(lines({ policy })).toEqual(["policy:", "  camera: yes", "  detectors: out of view, book"]);
  expect(lines({ checks: [{ name: "camera", found: "", passed: true }, { name: "screen", found: "", passed: false }] })).toEqual([
    "checks:", "  1: name camera, passed yes", "  2: name screen, passed no",
  ]);
  expect(lines({ evidence: [{ sha256: hash, raw_score: 0.9 }] })).toEqual(["evidence:", "  1:", "    SHA-256: f44344d44c52…", "    raw score: 0.9"]);
  expect(lines({ kinds: ["pasted", "book"], lost: [] })).toEqual(["kinds: pasted, book"]);
});

test("what is null is said by its name: it was not given, or is erased", () => {
  expect(lines({ kind: "warn", text: null, break_kind: null })).toEqual(["kind: warn", "not given, or erased: text, break kind"]);
});

test("all of it can be searched", () => {
  expect(textOf(told({ policy: { sha256: hash, full_screen: true } }, reading))).toContain(hash);
});
