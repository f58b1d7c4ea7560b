// A live row for unit tests: somebody who sits an exam and of whom nothing is told.

import type { Live } from "./order";

export function a_row(session: string, more: Partial<Live>): Live {
  return {
    session, schedule: "s", subject: "p", name: "Ana", number: "1", withdrawn: false, phase: "in_progress",
    clock: { duration_s: 3600, extra_s: 0, stopped_s: 0 }, tracks: {}, faults: {}, open: {}, risk: "none", incidents: 0,
    verdicts: {}, triage: {}, unread: [], interventions: {}, help: null, outages: {},
    identity: { standing: "none", pictures: {}, by: "", taken_by: "" }, devices: { live: "", asking: {}, refused: [] },
    muted: {}, waived: {}, consents: {}, objection: "", position: 0, ...more,
  };
}
