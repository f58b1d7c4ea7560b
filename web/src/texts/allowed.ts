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
  },
);

/** As invigilators see it; "" for what allows nothing. */
export function allowedWords(one: Schemas["Accommodation"], objects: readonly string[] | null): string {
  const told = [
    one.extra_time_percent && t.percent(one.extra_time_percent),
    one.extra_time_minutes && t.more(one.extra_time_minutes),
    one.rest_break_minutes && t.rest(one.rest_break_minutes),
    one.people.length && `${t.view}: ${one.people.map(words).join(", ")}`,
    objects?.length && `${t.desk}: ${objects.join(", ")}`,
    one.identity_route !== "photos" && t[one.identity_route],
    one.muted.length && `${t.silent}: ${one.muted.map(words).join(", ")}`,
  ];
  return told.filter(Boolean).join("; ");
}
