// The queue: what was flagged and nobody has dealt with yet, grouped by candidate and kind. Nothing that was opened is
// lost: what is over by itself stays until somebody has judged it or set it aside.

import type { Schemas } from "../../lib/api";
import type { Live } from "./order";

export type Severity = Schemas["Incident"]["severity"];

/** One incident, as far as the queue knows it. */
export interface Known {
  incident: string;
  key: string; // of the row
  session: string;
  kind: string;
  severity: Severity;
  started_at: string;
  open: boolean;
  triage: Schemas["Triage"];
  verdict: string | null;
}

/** What belongs together: incidents of one kind of one candidate. `id` is the same as long as there is one of them. */
export interface Group {
  id: string;
  key: string;
  session: string;
  kind: string;
  severity: Severity;
  since: string; // when the first of them began
  last: string; // when the last of them began
  open: boolean; // whether one goes on
  incidents: Known[];
  taken_by: string | null;
  escalated_by: string | null;
}

const RANK: Record<Severity, number> = { high: 0, warn: 1, info: 2 };

/** Takes over what a row tells of its incidents. Gives whether it tells of more than is known: then the log knows. */
export function learn(known: Map<string, Known>, key: string, row: Live): boolean {
  for (const [incident, { kind, severity, started_at }] of Object.entries(row.open))
    known.set(incident, { incident, key, session: row.session, kind, severity, started_at, open: true, triage: {}, verdict: null });
  let own = 0;
  for (const one of known.values()) {
    if (one.session !== row.session) continue;
    own += 1;
    known.set(one.incident, { ...one, open: one.incident in row.open, triage: row.triage[one.incident] ?? {}, verdict: row.verdicts[one.incident] ?? null });
  }
  return own < row.incidents;
}

/** The same from the log of a session, which knows of all. */
export function recall(known: Map<string, Known>, key: string, log: readonly Schemas["Incident"][]): void {
  for (const one of log) {
    const { incident, session, kind, severity, started_at, taken_by, escalated_by, set_aside_by } = one;
    const triage = { taken_by, escalated_by, set_aside_by };
    known.set(incident, { incident, key, session, kind, severity, started_at, open: !one.ended_at && !one.raised_by, triage, verdict: one.verdicts.at(-1)?.verdict ?? null });
  }
}

/** What waits: the gravest first, then the oldest. Somebody's own and what nobody has come before what others have. */
export function queue(known: Iterable<Known>, me: string, lead: boolean): Group[] {
  const groups = new Map<string, Group>();
  for (const one of known) {
    if (one.verdict !== null || one.triage.set_aside_by) continue;
    const id = `${one.session} ${one.kind}`;
    const group = groups.get(id);
    if (!group) {
      const { taken_by = null, escalated_by = null } = one.triage;
      const { key, session, kind, severity, started_at, open } = one;
      groups.set(id, { id, key, session, kind, severity, since: started_at, last: started_at, open, incidents: [one], taken_by, escalated_by });
      continue;
    }
    group.incidents.push(one);
    if (RANK[one.severity] < RANK[group.severity]) group.severity = one.severity;
    if (one.started_at < group.since) group.since = one.started_at;
    if (one.started_at > group.last) group.last = one.started_at;
    group.open ||= one.open;
    group.taken_by ??= one.triage.taken_by ?? null;
    group.escalated_by ??= one.triage.escalated_by ?? null;
  }
  const others = (group: Group) => Number((group.taken_by !== null && group.taken_by !== me) || (group.escalated_by !== null && !group.taken_by && !lead));
  const rank = (group: Group) => others(group) * 10 + RANK[group.severity];
  return [...groups.values()].sort((a, b) => rank(a) - rank(b) || Date.parse(a.since) - Date.parse(b.since));
}

/** The entries as they are now, and those that have not changed the very same as before: only what changed is drawn. */
export function same(before: readonly Group[], now: readonly Group[]): Group[] {
  const known = new Map(before.map((group) => [group.id, group]));
  return now.map((group) => {
    const old = known.get(group.id);
    return old && JSON.stringify(old) === JSON.stringify(group) ? old : group;
  });
}

/** What may be done with a group by whoever is signed in. */
export function open(group: Group, me: string, lead: boolean): { take: boolean; release: boolean; aside: boolean; escalate: boolean } {
  const free = group.taken_by === null || group.taken_by === me || lead;
  const escalated = group.escalated_by !== null;
  return {
    take: group.taken_by === null && (!escalated || lead),
    release: free && (group.taken_by !== null || (escalated && lead)),
    aside: free && (!escalated || lead),
    escalate: free && !escalated,
  };
}
