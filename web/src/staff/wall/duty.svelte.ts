// Who is on duty for whom, looked up by and by; and what colleagues are called.

import { ok, type Schemas } from "../../lib/api";
import { texts } from "../../lib/language";
import { api, me } from "../me.svelte";

const EVERY_MS = 4000;

const t = texts({ you: "you", somebody: "somebody else", erased: "(erased)" }, { you: "Ihnen", somebody: "jemand anderem", erased: "(gelöscht)" });

export class Shift {
  now: Schemas["api.duty.OnDuty"] | null = $state.raw(null);
  error: unknown = $state(null);
  private readonly again: ReturnType<typeof setInterval>;

  constructor(readonly schedule: string) {
    void this.look();
    this.again = setInterval(() => void this.look(), EVERY_MS);
  }

  close(): void {
    clearInterval(this.again);
  }

  async look(): Promise<void> {
    try {
      this.now = await ok(api.GET("/api/v1/schedules/{schedule}/duty", { params: { path: { schedule: this.schedule } } }));
      this.error = null;
    } catch (problem) {
      this.error = problem;
    }
  }

  /** What an account is called, after "by". */
  name(user: string | null | undefined): string {
    if (user === me.now?.actor) return t.you;
    const found = this.now?.invigilators.find((one) => one.user === user);
    return found ? (found.name ?? t.erased) : t.somebody;
  }

  /** The sessions for which whoever is signed in answers. */
  get mine(): ReadonlySet<string> {
    return new Set(this.now?.invigilators.find((one) => one.user === me.now?.actor)?.sessions);
  }
}
