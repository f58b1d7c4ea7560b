import { expect, test } from "vitest";

import { toHex, leafOf } from "./proof";
import { asStored, by, check, chosen, pause, peopleOf, type Shown } from "./timeline";

const event: Shown = {
  position: 9, tag: "session.paused", stream: "t/session/s", recorded_at: "2026-03-04T05:06:07.890123Z", occurred_at: null,
  actor: "user/kim", actor_name: "Kim", body: { reason: "A word with you", intervention: "i1" },
};
const sealed = { subject: "x", session: "s", class: "notes", sealed: "AA", commitment: "AA" };
const state = (body: object, actor = "user/kim") =>
  btoa(JSON.stringify({ envelope: { actor, causation: 7 }, event: { type: "session.paused", ...body } }));

test("what is shown is compared with what is stored, but for what is sealed", () => {
  expect(asStored(event, state({ intervention: "i1", reason: sealed }))).toEqual({ same: true, causation: 7 });
  expect(asStored(event, state({ intervention: "i2", reason: sealed })).same).toBe(false);
  expect(asStored(event, state({ intervention: "i1" }, "user/ola")).same).toBe(false);
});

test("an event is under the checkpoint only as it is shown", async () => {
  const stored = { stream: event.stream, version: 3, tag: event.tag, recorded_at: event.recorded_at, state: state({ intervention: "i1" }) };
  const hash = toHex(await leafOf(stored));
  const proof = { ...stored, position: 9, index: 0, hash, path: [] };
  const head = { size: 1, root: hash };
  expect(await check(event, proof, head)).toEqual({ holds: true, causation: 7 });
  expect((await check({ ...event, recorded_at: "2026-03-04T05:06:07.890124Z" }, proof, head)).holds).toBe(false);
  expect((await check(event, { ...proof, version: 4 }, head)).holds).toBe(false);
  expect((await check(event, proof, { size: 1, root: "00" })).holds).toBe(false);
  expect((await check(event, { ...proof, state: "" }, head)).holds).toBe(null);
});

test("people are named, and Vigil is where it acted by itself", () => {
  expect(by(event)).toBe("Kim");
  expect(by({ ...event, actor: "system/react", actor_name: null })).toBe("Vigil (react)");
  expect(by({ ...event, actor: "u1", actor_name: null })).toBe("u1");
  expect(peopleOf([event]).get("user/kim")).toBe("Kim");
});

test("events are found by kind, by actor and by text", () => {
  const other = { ...event, position: 10, tag: "chat.message_sent", actor: "candidate/ola", actor_name: null };
  const all = [event, other];
  const reading = { zone: "UTC", known: peopleOf(all) };
  expect(chosen(all, { kind: "chat", actor: "", text: "" }, reading)).toEqual([other]);
  expect(chosen(all, { kind: "", actor: "user/kim", text: "" }, reading)).toEqual([event]);
  expect(chosen(all, { kind: "", actor: "", text: "word with" }, reading)).toEqual(all);
  expect(chosen(all, { kind: "", actor: "", text: "MESSAGE sent" }, reading)).toEqual([other]);
});

test("a replay never stands for long", () => {
  const later = { ...event, recorded_at: "2026-03-04T06:06:07Z" };
  expect(pause(event, later, 1)).toBe(4000);
  expect(pause(event, event, 8)).toBe(60);
});
