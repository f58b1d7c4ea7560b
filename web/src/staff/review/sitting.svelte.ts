// All that is read of one session for its record.

import { all, ok, type Schemas } from "../../lib/api";
import { api } from "../me.svelte";
import type { Told } from "./lanes";

export class Reading {
  told: Schemas["RecordRead"] | null = $state(null);
  plan: Schemas["ScheduleRead"] | null = $state(null);
  incidents: Schemas["Incident"][] = $state([]);
  recordings: Schemas["RecordingRead"][] = $state([]);
  messages: Schemas["ChatMessage"][] = $state([]);
  interventions: Schemas["InterventionRead"][] = $state([]);
  holds: Schemas["Holds"] | null = $state(null);
  /** The next session of the schedule with an incident that nobody has judged. */
  onward: string | null = $state(null);

  constructor(readonly session: string) {}

  get zone(): string | undefined {
    return this.plan?.window?.time_zone;
  }

  /** Everything, once. */
  async open(): Promise<void> {
    const params = { path: { session: this.session } };
    const [recordings, messages, interventions] = await Promise.all([
      ok(api.GET("/api/v1/sessions/{session}/recordings", { params })),
      all((after) => api.GET("/api/v1/sessions/{session}/messages", { params: { ...params, query: { after } } }), (page) => page.messages),
      ok(api.GET("/api/v1/sessions/{session}/interventions", { params })),
      this.again(),
    ]);
    this.messages = messages;
    this.interventions = interventions.interventions;
    this.recordings = recordings.recordings;
  }

  /** What people here change. A recording that plays goes on. */
  async again(): Promise<void> {
    const params = { path: { session: this.session } };
    const [told, incidents, holds] = await Promise.all([
      ok(api.GET("/api/v1/sessions/{session}/record", { params })),
      all((after) => api.GET("/api/v1/sessions/{session}/incidents", { params: { ...params, query: { after } } }), (page) => page.incidents),
      ok(api.GET("/api/v1/sessions/{session}/record/holds", { params })),
    ]);
    const { schedule } = told.record;
    const at = { path: { schedule } };
    this.plan ??= await ok(api.GET("/api/v1/schedules/{schedule}", { params: at }));
    const open = await ok(api.GET("/api/v1/schedules/{schedule}/gradebook", { params: { ...at, query: { unjudged: true, limit: 2 } } }));
    this.onward = open.records.find((row) => row.session !== this.session)?.session ?? null;
    this.incidents = incidents.sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
    this.holds = holds;
    this.told = told;
  }

  get lanes(): Told {
    const { incidents, messages, interventions, recordings } = this;
    return { incidents, faults: this.told?.record.faults ?? [], messages, interventions, recordings };
  }
}
