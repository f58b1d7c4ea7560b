// A candidate's own log of their exam, from what their page was told.

import { count, texts } from "../lib/language";
import { words } from "../texts/words";
import type { Intervention } from "./cover";
import type { Clock } from "./steps";

const t = texts(
  {
    started: "You began.", ended: (how: string) => `Your exam was ${how}.`, act: (what: string, minutes: string, text: string) => `An invigilator: ${what}${minutes}${text ? `: ${text}` : "."}`,
    minutes: (n: number) => `, ${count(n, "minute", "minutes")}`, chat: (n: number) => `${count(n, "message", "messages")} in the chat.`, look: "You were asked to look into the camera after a break.",
  },
  {
    started: "Sie haben begonnen.", ended: (how: string) => `Ihre Prüfung wurde ${how}.`, act: (what: string, minutes: string, text: string) => `Eine Aufsicht: ${what}${minutes}${text ? `: ${text}` : "."}`,
    minutes: (n: number) => `, ${count(n, "Minute", "Minuten")}`, chat: (n: number) => `${count(n, "Nachricht", "Nachrichten")} im Chat.`, look: "Sie wurden nach einer Pause gebeten, in die Kamera zu schauen.",
  },
);

export interface Line {
  at: string;
  text: string;
}

/** In order of time; `messages` is how many were written in the chat, which is said at the end. */
export function happened(clock: Pick<Clock, "started_at" | "ended_at" | "phase">, interventions: readonly Intervention[], messages: number): Line[] {
  const lines = interventions.map((one) => ({ at: one.at, text: act(one) }));
  if (clock.started_at) lines.push({ at: clock.started_at, text: t.started });
  lines.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  if (clock.ended_at && messages) lines.push({ at: clock.ended_at, text: t.chat(messages) });
  if (clock.ended_at) lines.push({ at: clock.ended_at, text: t.ended(words(clock.phase)) });
  return lines;
}

function act(one: Intervention): string {
  if (one.action === "return_look") return t.look;
  return t.act(words(one.action), one.minutes ? t.minutes(one.minutes) : "", one.text ?? "");
}
