// What an invigilator has in front of them: who is in focus, what is picked, how the tiles stand, and what was done last.

import { SvelteSet } from "svelte/reactivity";

import type { Schemas } from "../../lib/api";
import { api } from "../me.svelte";
import { Shift } from "./duty.svelte";
import { hold, need, ordered, shown, type Held, type Sort } from "./order";
import { open, type Group } from "./queue";
import { Room, intervene } from "./room.svelte";

export type Tab = "incidents" | "help" | "waiting" | "duty" | "day";
export type Size = 1 | 2 | 3 | 4;

const SETTLES_MS = 5000; // tiles change places no more often than this
const LIVE_TILES = 2; // tiles that show live video: those pinned, and those most at risk

export class Desk {
  focus: string | null = $state(null); // the key of a row
  picked: string | null = $state(null); // the id of a group in the queue
  clip: string | null = $state(null); // the incident whose moments are to be opened with the focus
  tab: Tab = $state("incidents");
  size: Size = $state(2);
  sort: Sort = $state("look");
  search = $state("");
  mine = $state(false);
  warning = $state(false); // whether the dialog to warn is open
  undo: { what: string; back: () => Promise<unknown> } | null = $state.raw(null);
  done = $state(""); // what a key has just done, for who cannot see it
  error: unknown = $state(null);
  order: string[] = $state.raw([]);
  readonly phases = new SvelteSet<string>();
  readonly pinned = new SvelteSet<string>();
  readonly chosen = new SvelteSet<string>(); // keys of the tiles that are ticked

  readonly room: Room;
  readonly shift: Shift;
  private readonly held = new Map<string, Held>();
  private settled = 0;

  readonly wish = $derived.by(() => ({ search: this.search, phases: this.phases, mine: this.mine ? this.shift.mine : null }));
  /** The keys of the tiles that are shown, in their order. */
  readonly tiles: readonly string[] = $derived.by(() => {
    const { rows } = this.room;
    return this.order.filter((key) => {
      const row = rows.get(key);
      return row && (shown(row, this.wish) || this.pinned.has(key));
    });
  });
  /** Whose tile shows live video. */
  readonly moving: ReadonlySet<string> = $derived.by(() => {
    const { rows } = this.room;
    const sees = (key: string) => key !== this.focus && rows.get(key)?.tracks["camera"]?.up;
    const grave = this.tiles.filter((key) => rows.get(key)?.risk === "high" && !this.pinned.has(key));
    return new Set([...this.tiles.filter((key) => this.pinned.has(key)), ...grave].filter(sees).slice(0, LIVE_TILES));
  });
  readonly group: Group | undefined = $derived.by(() => this.room.queue.find((one) => one.id === this.picked));

  constructor(
    readonly schedule: string,
    readonly plan: Schemas["ScheduleRead"],
  ) {
    this.room = new Room(schedule);
    this.shift = new Shift(schedule);
  }

  close(): void {
    this.room.close();
    this.shift.close();
  }

  /** Puts the tiles in order: not under a pointer or a focus, and not too often, except at once for those who are new. */
  settle(busy: boolean, at_once = false): void {
    const { rows } = this.room;
    const now = performance.now();
    for (const [key, row] of rows) this.held.set(key, hold(this.held.get(key), need(row), now));
    const known = new Set(this.order);
    const changed = rows.size !== known.size || [...rows.keys()].some((key) => !known.has(key));
    if (changed && this.order.length && busy) {
      this.order = [...this.order.filter((key) => rows.has(key)), ...[...rows.keys()].filter((key) => !known.has(key))];
      return;
    }
    if (!changed && (busy || now - this.settled < SETTLES_MS) && !at_once) return;
    this.settled = now;
    const wanted = ordered(rows, this.sort, this.held, this.pinned);
    if (wanted.some((key, n) => key !== this.order[n])) this.order = wanted;
  }

  look(key: string | null): void {
    this.focus = key;
    this.clip = null;
  }

  /** The next in the queue that nobody else has: the candidate comes into focus, and what led to it is played. */
  next(): void {
    const waiting = this.room.queue.filter((group) => {
      const may = open(group, this.room.actor, this.room.lead);
      return may.take || may.aside;
    });
    const at = waiting.findIndex((group) => group.id === this.picked);
    const group = waiting[at + 1] ?? waiting[0];
    this.tab = "incidents";
    if (!group) return;
    this.pick(group);
  }

  pick(group: Group): void {
    this.picked = group.id;
    this.focus = group.key;
    this.clip = group.incidents.at(-1)?.incident ?? null;
  }

  /** Takes, gives back, sets aside or escalates all of a group. */
  async tend(group: Group, what: "take" | "release" | "set-aside" | "escalate", note = ""): Promise<void> {
    const each = group.incidents.map(({ session, incident }) => ({ path: { session, incident } }));
    for (const params of each) {
      if (what === "set-aside") await api.POST("/api/v1/sessions/{session}/incidents/{incident}/set-aside", { params, body: { note } });
      else if (what === "escalate") await api.POST("/api/v1/sessions/{session}/incidents/{incident}/escalate", { params, body: { note } });
      else await api.POST(`/api/v1/sessions/{session}/incidents/{incident}/${what}`, { params });
    }
    // What was set aside comes back when somebody takes it; what was escalated waits for a lead.
    const back = { take: "release", release: "take", "set-aside": "take", escalate: null }[what] as "take" | "release" | null;
    this.undo = back ? { what, back: () => this.tend(group, back) } : null;
  }

  /** Pauses whoever is in focus, or lets them go on. */
  async pause(): Promise<void> {
    const row = this.room.seat(this.focus)?.row;
    const kind = row && GOES_ON[row.phase];
    if (!row || !kind) return;
    const { session } = row;
    await intervene(session, { kind, reason_code: "wall" });
    if (kind === "pause") this.undo = { what: kind, back: () => intervene(session, { kind: "resume", reason_code: "wall" }) };
    else this.undo = null;
  }

  async takeBack(): Promise<void> {
    const last = this.undo;
    this.undo = null;
    await last?.back();
  }
}

/** What the one button of a candidate does, by their state. */
export const GOES_ON: Partial<Record<string, "pause" | "resume" | "unlock">> = { in_progress: "pause", paused: "resume", locked: "unlock", on_break: "resume" };
