// The timeline of a session: a lane for each kind of incident, for faults, chat, interventions, and what is missing of the recordings.

import type { Schemas } from "../../lib/api";
import { texts } from "../../lib/language";
import { words } from "../../texts/words";
import { RISKS } from "../wall/said";

export interface Mark {
  id: string;
  /** In ms since 1970; `to` is `from` for a moment. */
  from: number;
  to: number;
  text: string;
  tone: "high" | "warn" | "info" | "fault" | "plain";
}

export interface Lane {
  name: string;
  marks: Mark[];
}

export interface Told {
  incidents: readonly Schemas["Incident"][];
  faults: readonly Schemas["projections.gradebook_row.Fault"][];
  messages: readonly Schemas["ChatMessage"][];
  interventions: readonly Schemas["InterventionRead"][];
  recordings: readonly Schemas["RecordingRead"][];
}

const t = texts(
  {
    faults: "Faults", chat: "Chat", acts: "Interventions", gaps: "Gaps", held: "no finding", candidate: "candidate", invigilator: "invigilator", erased: "(erased)",
    missing: (track: string, why: string) => `${track}: nothing came (${why}). No finding.`, standing: "nobody has judged it",
  },
  {
    faults: "Störungen", chat: "Chat", acts: "Eingriffe", gaps: "Lücken", held: "kein Befund", candidate: "Kandidat/in", invigilator: "Aufsicht", erased: "(gelöscht)",
    missing: (track: string, why: string) => `${track}: nichts kam an (${why}). Kein Befund.`, standing: "niemand hat es beurteilt",
  },
);

const mark = (id: string, from: string, to: string | null | undefined, text: string, tone: Mark["tone"]): Mark => ({ id, from: Date.parse(from), to: Date.parse(to ?? from), text, tone });

/** The lanes that have something in them, in a fixed order. */
export function lanes({ incidents, faults, messages, interventions, recordings }: Told): Lane[] {
  const kinds = [...new Set(incidents.map((one) => one.kind))].sort();
  const flagged = kinds.map((kind) => ({
    name: words(kind),
    marks: incidents
      .filter((one) => one.kind === kind)
      .map((one) => mark(one.incident, one.started_at, one.ended_at, `${words(kind)} (${RISKS[one.severity].word}): ${words(one.verdicts.at(-1)?.verdict) || t.standing}`, one.severity)),
  }));
  const rest = [
    { name: t.faults, marks: faults.map((one, n) => mark(`fault ${n}`, one.began_at, one.ended_at, `${words(one.what)}: ${words(one.why)}, ${t.held}`, "fault")) },
    { name: t.chat, marks: messages.map((one) => mark(one.message, one.at, null, `${t[one.side]}: ${one.text ?? t.erased}`, "plain")) },
    { name: t.acts, marks: interventions.map((one) => mark(one.intervention, one.at, null, `${words(one.kind)}, ${words(one.stage)}${one.reason ? `: ${one.reason}` : ""}`, "plain")) },
    { name: t.gaps, marks: recordings.flatMap((track) => track.gaps.map((gap, n) => mark(`${track.track} ${n}`, gap.started_at, gap.ended_at, t.missing(words(track.track), words(gap.why)), "fault"))) },
  ];
  return [...flagged, ...rest].filter((lane) => lane.marks.length).map((lane) => ({ ...lane, marks: lane.marks.sort((a, b) => a.from - b.from) }));
}

/** Marks that would lie nearer together than `apart` (ms) as one group, so that every button is large enough. */
export function grouped(marks: readonly Mark[], apart: number): Mark[][] {
  const groups: Mark[][] = [];
  for (const one of marks) {
    const last = groups.at(-1);
    if (last?.[0] && one.from - last[0].from < apart) last.push(one);
    else groups.push([one]);
  }
  return groups;
}
