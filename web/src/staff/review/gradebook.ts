// What a row of the gradebook says, out of the account of a session.

import type { Schemas } from "../../lib/api";

export type Account = Schemas["Observed"];
export type Flag = Schemas["Flag"];
type Seen = Pick<Account, "observed"> & { clock: Pick<Account["clock"], "ended_at">; coverage: Record<string, Pick<Schemas["Coverage"], "taken">> };
type Taped = { recordings: Record<string, Pick<Schemas["Recording"], "gaps">> };
type Flagged = Pick<Account, "incidents">;
export type Severity = Flag["severity"];

export const SEVERITIES: readonly Severity[] = ["high", "warn", "info"];

/** How many incidents there are of each severity, the severest first; those that there are none of are left out. */
export function bySeverity(row: Flagged): { severity: Severity; flags: Flag[] }[] {
  const flags = Object.values(row.incidents);
  return SEVERITIES.map((severity) => ({ severity, flags: flags.filter((flag) => flag.severity === severity) })).filter(
    (group) => group.flags.length > 0,
  );
}

/** "3 × several people (unjudged)": what is said several times is said once, so that forty flags are few lines. */
export function alike(flags: readonly string[]): string[] {
  const many = new Map<string, number>();
  for (const said of flags) many.set(said, (many.get(said) ?? 0) + 1);
  return [...many].map(([said, n]) => (n > 1 ? `${n} × ${said}` : said));
}

/** How many incidents somebody has judged, of all. */
export function judged(row: Flagged): { judged: number; all: number } {
  const flags = Object.values(row.incidents);
  return { judged: flags.filter((flag) => flag.verdict).length, all: flags.length };
}

/**
 * The kinds of which nothing at all could be seen in a session that is over: no flag of them counts as clean. `all` is
 * whether that is everything that was to be looked for.
 */
export function blind(row: Seen): { kinds: string[]; all: boolean } {
  if (!row.clock.ended_at) return { kinds: [], all: false };
  const watched = Object.keys(row.observed);
  const kinds = watched.filter((kind) => !row.coverage[kind]?.taken);
  return { kinds, all: kinds.length === watched.length };
}

/** How many gaps the recordings have, and how many seconds they last. */
export function gaps(row: Taped): { count: number; seconds: number } {
  const found = Object.values(row.recordings).flatMap((track) => track.gaps);
  const seconds = found.reduce((sum, gap) => sum + (Date.parse(gap.ended_at) - Date.parse(gap.started_at)) / 1000, 0);
  return { count: found.length, seconds };
}

/** Who decided last, else who judged last; null where nobody has looked yet. */
export function reviewer(row: Flagged & Pick<Account, "decisions">): string | null {
  const decision = row.decisions.at(-1);
  if (decision) return decision.by;
  const given = Object.values(row.incidents).flatMap((flag) => flag.verdicts);
  return given.sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1)?.by ?? null;
}

/** Whether somebody raised an incident, judged or decided here: an appeal is answered by somebody else. */
export function tookPart(row: Flagged & Pick<Account, "decisions">, who: string | undefined): boolean {
  const flags = Object.values(row.incidents);
  return [...flags, ...flags.flatMap((flag) => flag.verdicts), ...row.decisions].some((one) => one.by === who);
}

export const appealWaits = (row: Pick<Account, "appeals">): boolean => row.appeals.some((one) => one.state === "open");
