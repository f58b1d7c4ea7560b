// What a reviewer asks of the gradebook. The server sorts and filters.

import type { Schemas } from "../../lib/api";

export interface Wanted {
  sort: "priority" | "name" | "state" | "decision";
  q: string;
  severity: "" | Schemas["Flag"]["severity"];
  decision: "" | "none" | Schemas["Decision"]["outcome"];
  unjudged: boolean;
}

export interface Query {
  sort: Wanted["sort"];
  q?: string;
  severity?: Schemas["Flag"]["severity"][];
  decision?: ("none" | Schemas["Decision"]["outcome"])[];
  unjudged?: boolean;
}

/** What is sent: of what was not asked for, nothing. */
export function query({ sort, q, severity, decision, unjudged }: Wanted): Query {
  return {
    sort,
    ...(q ? { q } : {}),
    ...(severity ? { severity: [severity] } : {}),
    ...(decision ? { decision: [decision] } : {}),
    ...(unjudged ? { unjudged } : {}),
  };
}
