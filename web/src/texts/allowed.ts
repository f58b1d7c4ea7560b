// What an accommodation allows, in words, never why.

import type { Schemas } from "../lib/api";
import { count, texts } from "../lib/language";
import { words } from "./words";

const t = texts(
  {
    percent: (n: number) => `${n}% more time`,
    more: (n: number) => `${count(n, "minute", "minutes")} more`,
    rest: (n: number) => `${count(n, "minute", "minutes")} of rest breaks`,
    view: "in view",
    desk: "on the desk",
    silent: "not looked for",
    in_person: "identified in person",
    video_call: "identified in a video call",
    known_to_staff: "identified by somebody who knows them",
    allowed: (what: string) => `Allowed: ${what}.`,
    unseen: (what: string) => `Not looked for: ${what}.`,
  },
  {
    percent: (n: number) => `${n} % mehr Zeit`,
    more: (n: number) => `${count(n, "Minute", "Minuten")} mehr`,
    rest: (n: number) => `${count(n, "Minute", "Minuten")} Ruhepausen`,
    view: "im Bild",
    desk: "auf dem Tisch",
    silent: "nicht gesucht",
    in_person: "Identität vor Ort festgestellt",
    video_call: "Identität im Videoanruf festgestellt",
    known_to_staff: "Identität durch jemanden festgestellt, der sie kennt",
    allowed: (what: string) => `Erlaubt: ${what}.`,
    unseen: (what: string) => `Nicht gesucht: ${what}.`,
  },
);

type Accommodation = Schemas["Accommodation"];

function parts(one: Accommodation, objects: readonly string[]): string[] {
  const told = [
    one.extra_time_percent && t.percent(one.extra_time_percent),
    one.extra_time_minutes && t.more(one.extra_time_minutes),
    one.rest_break_minutes && t.rest(one.rest_break_minutes),
    one.people.length && `${t.view}: ${one.people.map(words).join(", ")}`,
    objects.length && `${t.desk}: ${objects.join(", ")}`,
    one.identity_route !== "photos" && t[one.identity_route],
  ];
  return told.filter((part) => typeof part === "string");
}

/** As planners grant it; "" for what allows nothing. */
export function allowedWords(one: Accommodation, objects: readonly string[] | null): string {
  const silent = one.muted.length ? [`${t.silent}: ${one.muted.map(words).join(", ")}`] : [];
  return [...parts(one, objects ?? []), ...silent].join("; ");
}

/** As it holds for a session: what is allowed, and which detectors stay silent, whatever the reason. "" for nothing. */
export function allowanceWords(allowed: Schemas["Allowance"] | null | undefined, muted: readonly string[]): string {
  const told = allowed ? parts(allowed.accommodation, allowed.objects?.split("\n") ?? []) : [];
  const silent = muted.map(words).sort();
  return [told.length ? t.allowed(told.join("; ")) : "", silent.length ? t.unseen(silent.join(", ")) : ""].filter(Boolean).join(" ");
}
