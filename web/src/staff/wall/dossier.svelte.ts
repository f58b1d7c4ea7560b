// What is known of the candidate in focus beside their row: the log, the chat, and what was done. Looked up when the row
// says that it changed, and the chat by and by: what colleagues write, and what was read, the row does not tell.

import { all, ok, type Schemas } from "../../lib/api";
import { api } from "../me.svelte";
import type { Live } from "./order";
import { log } from "./room.svelte";

const CHAT_EVERY_MS = 4000;
const SOON_MS = 1500; // at a beginning the first picture follows, at an end the last

export class Dossier {
  incidents: Schemas["Incident"][] = $state.raw([]);
  messages: Schemas["ChatMessage"][] = $state.raw([]);
  interventions: Schemas["InterventionRead"][] = $state.raw([]);
  log_error: unknown = $state(null);
  chat_error: unknown = $state(null);
  private row: Live | null = null;
  private soon: ReturnType<typeof setTimeout> | undefined;
  private readonly again: ReturnType<typeof setInterval>;

  constructor(
    readonly session: string,
    private readonly watcher: boolean,
  ) {
    this.again = setInterval(() => {
      void this.chat();
      if (this.log_error) void this.log();
    }, CHAT_EVERY_MS);
  }

  close(): void {
    clearInterval(this.again);
    clearTimeout(this.soon);
  }

  /** Called whenever the row may have changed. */
  see(row: Live): void {
    const before = this.row;
    this.row = row;
    if (!before || row.unread !== before.unread) void this.chat();
    if (!this.watcher) return;
    if (!before || row.interventions !== before.interventions) void this.acts();
    if (before && row.open === before.open && row.incidents === before.incidents && row.verdicts === before.verdicts && row.triage === before.triage) return;
    void this.log();
    clearTimeout(this.soon);
    this.soon = setTimeout(() => void this.log(), SOON_MS);
  }

  async log(): Promise<void> {
    try {
      this.incidents = (await log(this.session)).reverse();
      this.log_error = null;
    } catch (problem) {
      this.log_error = problem;
    }
  }

  async chat(): Promise<void> {
    const { session } = this;
    try {
      const found = await all((after) => api.GET("/api/v1/sessions/{session}/messages", { params: { path: { session }, query: { after } } }), (page) => page.messages);
      if (JSON.stringify(found) !== JSON.stringify(this.messages)) this.messages = found;
      this.chat_error = null;
      if (!this.watcher || document.hidden) return;
      for (const { message, side, read } of found) if (side === "candidate" && !read) await api.POST("/api/v1/sessions/{session}/messages/{message}/read", { params: { path: { session, message } } });
    } catch (problem) {
      this.chat_error = problem;
    }
  }

  private async acts(): Promise<void> {
    const { session } = this;
    const found = await ok(api.GET("/api/v1/sessions/{session}/interventions", { params: { path: { session } } })).catch(() => null);
    if (found) this.interventions = found.interventions;
  }
}
