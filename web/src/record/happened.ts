// What an invigilator did in a session, what did not work and which breaks there were, as one list in order of time.

import { texts } from "../lib/language";
import { words } from "../texts/words";
import type { Seen } from "./opened";

const t = texts(
  {
    act: (kind: string, minutes: string, stage: string, why: string) => `${kind}${minutes && `, ${minutes} minutes`}: ${stage}${why && `, ${why}`}`,
    fault: (what: string, why: string) => `fault, not held against you: ${what}, ${why}`,
    comfort: "comfort break",
    rest: "rest break",
  },
  {
    act: (kind: string, minutes: string, stage: string, why: string) => `${kind}${minutes && `, ${minutes} Minuten`}: ${stage}${why && `, ${why}`}`,
    fault: (what: string, why: string) => `Störung, die Ihnen nicht angelastet wird: ${what}, ${why}`,
    comfort: "kurze Pause",
    rest: "Ruhepause",
  },
);

export interface Happened {
  at: string;
  text: string;
}

export function happened(seen: Pick<Seen, "interventions" | "faults" | "breaks">): Happened[] {
  const acts = seen.interventions.map((one) => {
    const minutes = one.minutes ? String(one.minutes) : "";
    return { at: one.at, text: t.act(words(one.kind), minutes, words(one.stage), one.why) };
  });
  const faults = seen.faults.map((one) => ({ at: one.began_at, text: t.fault(words(one.what), words(one.why)) }));
  const breaks = seen.breaks.map((one) => ({ at: one.began_at, text: t[one.kind] }));
  return [...acts, ...faults, ...breaks].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
