// What a reviewer asks of the gradebook, and how it stands in the address. The server sorts and filters.

import type { Schemas } from "../../lib/api";
import { SEVERITIES, type Severity } from "./gradebook";

export const SORTS = ["priority", "name", "state", "decision"] as const;
export const DECISIONS = ["none", "clear", "referred", "void"] as const satisfies readonly ("none" | Schemas["Decision"]["outcome"])[];

type Decided = (typeof DECISIONS)[number];

export interface Wanted {
  sort: (typeof SORTS)[number];
  q: string;
  severity: "" | Severity;
  decision: "" | Decided;
  unjudged: boolean;
}

export interface Query {
  sort?: Wanted["sort"];
  q?: string;
  severity?: Severity[];
  decision?: Decided[];
  unjudged?: boolean;
}

/** What is sent: of what was not asked for, nothing. */
export function query({ sort, q, severity, decision, unjudged }: Wanted): Query {
  return {
    ...(sort === "priority" ? {} : { sort }),
    ...(q ? { q } : {}),
    ...(severity ? { severity: [severity] } : {}),
    ...(decision ? { decision: [decision] } : {}),
    ...(unjudged ? { unjudged } : {}),
  };
}

/** "?sort=name&q=Ola", for the address of the page and of its files; "" where nothing was asked for. */
export function search(wanted: Wanted): string {
  const asked = new URLSearchParams(Object.entries(query(wanted)).map(([name, value]) => [name, String(value)]));
  return asked.size ? `?${asked}` : "";
}

/** The same read. What an address says that nobody could have asked for counts for nothing. */
export function read(search: string): Wanted {
  const asked = new URLSearchParams(search);
  const one = <T extends string>(name: string, of: readonly T[]): T | undefined => of.find((value) => value === asked.get(name));
  return {
    sort: one("sort", SORTS) ?? "priority",
    q: asked.get("q") ?? "",
    severity: one("severity", SEVERITIES) ?? "",
    decision: one("decision", DECISIONS) ?? "",
    unjudged: asked.get("unjudged") === "true",
  };
}
