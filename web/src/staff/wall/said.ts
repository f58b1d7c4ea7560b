// A live row in words.

import { texts } from "../../lib/language";
import { clockTime, duration, left, stands } from "../../lib/time";
import { words } from "../../texts/words";
import { RUNNING, type Live, type Risk } from "./order";

const t = texts(
  {
    erased: "(erased)", by: (who: string) => ` by ${who}`, left: (kind: string, time: string) => `${kind}, ${time} left`,
    over: (kind: string, time: string) => `${kind}, ${time} over`, wish: (kind: string) => `asks for a ${kind} break`,
    lost: (track: string) => `${track} lost (a fault)`, standing: " (stands)", minutes: (n: number) => `${n} min`,
    instead: (what: string, how: string) => `${what} (instead: ${how})`, waived: (what: string) => `Waived: ${what}.`,
    no: (what: string) => `Did not agree that ${what}.`, or: ", or that ", objects: (what: string) => `Objects: ${what}`,
    flags: "a program points things out", face: "their face is measured", device: "asks to go on with another device",
  },
  {
    erased: "(gelöscht)", by: (who: string) => ` von ${who}`, left: (kind: string, time: string) => `${kind}, noch ${time}`,
    over: (kind: string, time: string) => `${kind}, seit ${time} vorbei`, wish: (kind: string) => `bittet um eine Pause (${kind})`,
    lost: (track: string) => `${track} verloren (eine Störung)`, standing: " (steht)", minutes: (n: number) => `${n} min`,
    instead: (what: string, how: string) => `${what} (stattdessen: ${how})`, waived: (what: string) => `Erlassen: ${what}.`,
    no: (what: string) => `Hat nicht zugestimmt, dass ${what}.`, or: ", oder dass ", objects: (what: string) => `Widerspricht: ${what}`,
    flags: "ein Programm auf etwas hinweist", face: "das Gesicht vermessen wird", device: "will auf einem anderen Gerät weitermachen",
  },
);

/** Severity in shape and word; the colour says it only once more. */
export const RISKS: Record<Risk, { shape: string; word: string; tone: string }> = {
  high: { shape: "▲▲", word: texts({ a: "high" }, { a: "hoch" }).a, tone: "bad" },
  warn: { shape: "▲", word: texts({ a: "warning" }, { a: "Warnung" }).a, tone: "warn" },
  info: { shape: "·", word: texts({ a: "note" }, { a: "Hinweis" }).a, tone: "quiet" },
  none: { shape: "", word: "", tone: "quiet" },
};

export function nameOf(row: Pick<Live, "name" | "number">): string {
  return row.name ?? row.number ?? t.erased;
}

const LOOKS = ["identity_check", "room_scan", "return_look"];

/** What was done last, and how far it came; nothing once it is over and has nothing to say. */
function asked(row: Live, who: (user: string) => string): string {
  const one = Object.values(row.interventions).sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);
  if (!one || (one.stage === "applied" && !one.result)) return "";
  const how = one.result ? words(one.result) : `${words(one.stage)}${one.why ? `, ${one.why}` : ""}`;
  return `(${words(one.kind)}: ${how})${one.kind === "return_look" ? "" : t.by(who(one.by))}`;
}

/** What goes on beside the state: who acts, a break and how long, a wish for one. `at` is now by the server's clock. */
export function goingOn(row: Live, who: (user: string) => string, at: number): string {
  const { on_break: taken, break_asked: wish } = row.clock;
  const said = [asked(row, who)];
  if (row.phase === "on_break" && taken) {
    const seconds = (Date.parse(taken.until) - at) / 1000;
    said.push(seconds < 0 ? t.over(words(taken.kind), duration(-seconds)) : t.left(words(taken.kind), duration(seconds)));
  }
  if (wish) said.push(t.wish(words(wish.kind)));
  if (Object.keys(row.devices.asking).length && !row.clock.ended_at) said.push(t.device);
  return said.filter(Boolean).join(" · ");
}

/** What is left on the clock; by the minute until the last five. Nothing while nobody sits. */
export function leftWords(row: Live, at: number): string {
  if (!RUNNING.includes(row.phase)) return "";
  const seconds = left(row.clock, Date.now() - at);
  if (seconds === null) return "";
  const resting = stands(row.clock) && row.clock.on_break && at < Date.parse(row.clock.on_break.until);
  const halted = row.phase === "paused" || row.phase === "locked" || resting;
  return (seconds > 300 ? t.minutes(Math.ceil(seconds / 60)) : duration(seconds)) + (halted ? t.standing : "");
}

/** What was lost or cannot be seen, as the faults that they are. Empty while all is well. */
export function troubles(row: Live): string[] {
  const tracks = RUNNING.includes(row.phase) ? Object.entries(row.tracks).filter(([, { up }]) => !up).map(([track]) => t.lost(words(track))) : [];
  return [...tracks, ...Object.entries(row.faults).map(([what, fault]) => `${words(what)}: ${fault.why}`)];
}

const ASKED: Record<string, string> = { ai_flags: t.flags, face_geometry: t.face };

/** What was waived, what was not agreed to, and what they object to. */
export function agreedWords({ waived, consents, objection }: Pick<Live, "waived" | "consents" | "objection">): string {
  const without = Object.entries(waived).map(([check, instead]) => t.instead(words(check), words(instead)));
  const no = Object.entries(consents).filter(([, one]) => one.answer !== "given").map(([purpose]) => ASKED[purpose] ?? words(purpose));
  const told = [without.length ? t.waived(without.join(", ")) : "", no.length ? t.no(no.join(t.or)) : ""];
  if (objection !== "") told.push(t.objects(objection ?? t.erased));
  return told.filter(Boolean).join(" ");
}

/** How far an intervention came, in words: requested, delivered, seen, applied, or failed and why. */
export function progress(one: { kind: string; stage: string; result?: string | null; why: string }): string {
  if (one.stage === "failed") return `${words("failed")}: ${one.why}`;
  if (one.result) return words(one.result);
  if (one.stage === "acknowledged") return LOOKS.includes(one.kind) ? words("done_by_the_candidate") : words("seen");
  return words(one.stage);
}

export { LOOKS, clockTime };
