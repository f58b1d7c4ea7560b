// What covers the exam: what an invigilator asked of the candidate, and breaks. At most one thing at a time, and nothing but
// the exam: checks and recording go on below it.

import type { Schemas } from "../lib/api";
import { texts } from "../lib/language";
import { duration } from "../lib/time";
import type { Clock } from "./steps";

export type Intervention = Schemas["api.candidate_view.Intervention"];
type Look = "identity_check" | "room_scan" | "return_look";

const t = texts(
  {
    warning: "A word from your invigilator", answer: "You can answer in the chat.", read: "I have read this",
    identity_check: ["Please show who you are", "Look into your camera and hold your identity document beside your face, long enough to be read."],
    room_scan: ["Please show your room", "Take your camera and turn it slowly once around: the desk, below it, the walls, the door."],
    return_look: ["Welcome back", "Sit down and look into your camera for a moment, so that it is seen that it is you."],
    goesOn: "Your exam goes on already.", done: "I have done this",
    sayWhen: "This is not an accusation. Say when you have done it; an invigilator looks at it.",
    rest: "You are on a rest break", comfort: "You are on a break", back: "I am back",
    over: (time: string) => `Your break is over since ${time}.`, left: (time: string) => `${time} left of your break.`,
    runs: "The clock of your exam runs.", stands: "The clock of your exam stands.", uncounted: "Nothing that is seen meanwhile counts.",
    platform: "The clock of your exam platform may go on; your invigilator knows.",
    paused: "Your exam is paused", locked: "Your exam is locked for the moment",
    halted: "The clock has stopped. This is not an accusation.", itself: "It goes on by itself here.",
    belowBreak: "You are on a break. Run the checks, go back to the exam, and say there that you are back.",
    below: (head: string) => `${head}, and its clock has stopped. You can run the checks meanwhile.`,
  },
  {
    warning: "Ein Wort Ihrer Aufsicht", answer: "Sie können im Chat antworten.", read: "Ich habe das gelesen",
    identity_check: ["Bitte weisen Sie sich aus", "Schauen Sie in Ihre Kamera und halten Sie Ihren Ausweis neben Ihr Gesicht, bis man ihn lesen konnte."],
    room_scan: ["Bitte zeigen Sie Ihren Raum", "Nehmen Sie Ihre Kamera und drehen Sie sie langsam einmal herum: Tisch, unter dem Tisch, Wände, Tür."],
    return_look: ["Willkommen zurück", "Setzen Sie sich und schauen Sie kurz in Ihre Kamera, damit man sieht, dass Sie es sind."],
    goesOn: "Ihre Prüfung läuft schon weiter.", done: "Ich habe das getan",
    sayWhen: "Das ist kein Vorwurf. Sagen Sie, wenn Sie es getan haben; eine Aufsicht schaut es an.",
    rest: "Sie haben Ruhepause", comfort: "Sie haben Pause", back: "Ich bin zurück",
    over: (time: string) => `Ihre Pause ist seit ${time} vorbei.`, left: (time: string) => `Noch ${time} Pause.`,
    runs: "Die Uhr Ihrer Prüfung läuft.", stands: "Die Uhr Ihrer Prüfung steht.", uncounted: "Nichts, was inzwischen zu sehen ist, zählt.",
    platform: "Die Uhr Ihrer Prüfungsplattform läuft vielleicht weiter; Ihre Aufsicht weiß das.",
    paused: "Ihre Prüfung ist angehalten", locked: "Ihre Prüfung ist gerade gesperrt",
    halted: "Die Uhr steht. Das ist kein Vorwurf.", itself: "Es geht hier von selbst weiter.",
    belowBreak: "Sie haben Pause. Testen Sie die Geräte, gehen Sie zurück zur Prüfung und sagen Sie dort, dass Sie zurück sind.",
    below: (head: string) => `${head}, und ihre Uhr steht. Die Geräte können Sie inzwischen testen.`,
  },
);

export interface Cover {
  head: string;
  text: string;
  more: string;
  /** Whether the candidate sees their own camera in it. */
  view: boolean;
  /** The one button, if it waits for the candidate, and what that tells the server. */
  ok?: { label: string; tells: { interventions: string[]; stage: "applied" | "acknowledged" } | "back" };
}

const LOOKS: readonly Look[] = ["identity_check", "room_scan", "return_look"];
const NOT_YET: readonly Intervention["stage"][] = ["requested", "delivered"];
const STANDS: Partial<Record<Clock["phase"], { head: string; action: Intervention["action"] }>> = {
  paused: { head: t.paused, action: "pause" },
  locked: { head: t.locked, action: "lock" },
};

/** A warning and a look wait for the candidate; everything else takes effect as it is shown. What to tell the server now. */
export function reached(one: Intervention): "delivered" | "applied" | null {
  if (one.stage === "requested") return "delivered";
  const waits = one.action === "warn" || LOOKS.some((look) => look === one.action);
  return one.stage === "delivered" && !waits ? "applied" : null;
}

/** `asked` in order of time; `sitting`: the exam itself is shown; `at` is now, in ms by the server's clock. */
export function coverOf(asked: readonly Intervention[], clock: Clock, sitting: boolean, at: number): Cover | null {
  return warning(asked) ?? (sitting ? (look(asked, clock) ?? rest(asked, clock, at) ?? stands(asked, clock)) : null);
}

/** Beside the checks: that the exam stands, so that nobody hurries. */
export function belowWords(clock: Clock): string {
  if (clock.phase === "on_break") return t.belowBreak;
  const standing = STANDS[clock.phase];
  return standing ? t.below(standing.head) : "";
}

const waiting = (asked: readonly Intervention[], action: string) => asked.filter((one) => one.action === action && NOT_YET.includes(one.stage));
const platform = (asked: readonly Intervention[], action: string) => (asked.findLast((one) => one.action === action)?.platform ? "" : t.platform);
const sentences = (...some: string[]) => some.filter(Boolean).join(" ");

function warning(asked: readonly Intervention[]): Cover | null {
  const [one] = waiting(asked, "warn");
  if (!one) return null;
  return { head: t.warning, text: one.text ?? "", more: t.answer, view: false, ok: { label: t.read, tells: { interventions: [one.intervention], stage: "applied" } } };
}

function look(asked: readonly Intervention[], clock: Clock): Cover | null {
  if (clock.phase === "on_break") return null;
  for (const action of LOOKS) {
    const all = waiting(asked, action);
    if (!all.length) continue;
    const returned = action === "return_look";
    const [head = "", how] = t[action];
    const text = [how, all.at(-1)?.text].filter(Boolean).join("\n");
    const interventions = all.map((one) => one.intervention);
    const tells = { interventions, stage: returned ? ("applied" as const) : ("acknowledged" as const) };
    return { head, text, more: returned ? t.goesOn : t.sayWhen, view: true, ok: { label: t.done, tells } };
  }
  return null;
}

function rest(asked: readonly Intervention[], clock: Clock, at: number): Cover | null {
  const taken = clock.on_break;
  if (clock.phase !== "on_break" || !taken) return null;
  const seconds = (Date.parse(taken.until) - at) / 1000;
  const runs = taken.kind === "comfort" || seconds < 0;
  const text = seconds < 0 ? t.over(duration(-seconds)) : t.left(duration(seconds));
  const more = sentences(runs ? t.runs : t.stands, runs ? "" : platform(asked, "break"), t.uncounted);
  return { head: taken.kind === "rest" ? t.rest : t.comfort, text, more, view: true, ok: { label: t.back, tells: "back" } };
}

function stands(asked: readonly Intervention[], clock: Clock): Cover | null {
  const standing = STANDS[clock.phase];
  if (!standing) return null;
  const one = asked.findLast((other) => other.action === standing.action);
  return { head: standing.head, text: one?.text ?? "", more: sentences(t.halted, platform(asked, standing.action), t.itself), view: false };
}
