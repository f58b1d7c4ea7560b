// Which pictures of an incident are shown.

import type { Schemas } from "../../lib/api";

type Picture = Schemas["Picture"];

/** The first picture that shows it, the clearest and the last, in the order in which they were taken. */
export function three(evidence: readonly Picture[]): Picture[] {
  const kept = (role: Picture["role"]) => evidence.findLast((one) => one.role === role);
  return [kept("first"), kept("best") ?? kept(null), kept("last")].filter((one) => one !== undefined).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
