// A schedule live: its rows as the server tells them, each tile's own, and what follows from all of them.

import { all, ok, type Schemas } from "../../lib/api";
import { follow, type Standing } from "../../lib/stream";
import { api, me } from "../me.svelte";
import { counted, type Live } from "./order";
import { learn, queue, recall, same, type Group, type Known } from "./queue";

type Snapshot = Schemas["Snapshot"];
type Change = { key: string; set: Partial<Live> };

const SOON_MS = 1500; // in which what belongs to a beginning or an end has been told
const AT_ONCE = 3; // logs that are read at the same time

/** One candidate. Only what shows this one is drawn again when it changes. */
export class Seat {
  row: Live = $state.raw({} as Live);
  stale = $state(false);

  constructor(
    readonly key: string,
    row: Live,
  ) {
    this.row = row;
  }
}

export class Room {
  /** Raised with each batch of changes: what is derived from all rows looks at it. */
  beat = $state(0);
  standing: Standing | "" = $state("");
  late_since = $state(0); // ms, 0 while the stream is live
  unseen = $state(0); // candidates who cannot be shown at all
  /** By our clock, in ms, once a second. */
  now = $state(Date.now());
  owed: string[] = $state.raw([]); // names of candidates whose earlier incidents could not be read yet

  readonly seats = new Map<string, Seat>();
  readonly lead = me.is("lead_invigilator");
  readonly watcher = me.is("invigilator", "lead_invigilator");
  readonly actor = me.now?.actor ?? "";

  private readonly known = new Map<string, Known>();
  private readonly asking = new Map<string, string>(); // sessions whose log is to be read -> key of their row
  private reading = 0;
  private last: Group[] = [];
  private readonly stop: () => void;
  private readonly clock: ReturnType<typeof setInterval>;

  readonly rows: ReadonlyMap<string, Live> = $derived.by(() => {
    void this.beat;
    return new Map([...this.seats].map(([key, seat]) => [key, seat.row]));
  });
  readonly counts = $derived(counted(this.rows.values()));
  readonly queue = $derived.by(() => {
    void this.beat;
    return (this.last = same(this.last, queue(this.known.values(), this.actor, this.lead)));
  });
  /** Who waits for help, the longest first. */
  readonly help = $derived(
    [...this.rows].filter(([, row]) => row.help && !row.withdrawn && !["submitted", "terminated", "declined"].includes(row.phase)).sort(([, a], [, b]) => Date.parse(a.help?.at ?? "") - Date.parse(b.help?.at ?? "")),
  );

  constructor(readonly schedule: string) {
    this.stop = follow(api, `/api/v1/schedules/${schedule}/live/stream`, {
      state: (now) => this.stand(now),
      on: (name, data) => {
        if (name === "snapshot") this.whole(data as Snapshot);
        else if (name === "change") this.change(data as Change[]);
      },
    });
    this.clock = setInterval(() => this.tick(), 1000);
  }

  close(): void {
    this.stop();
    clearInterval(this.clock);
    this.asking.clear();
  }

  seat(key: string | null): Seat | undefined {
    void this.beat;
    return key === null ? undefined : this.seats.get(key);
  }

  /** When we are by the server's clock, in ms. */
  get at(): number {
    return this.now - api.skew();
  }

  private whole({ rows, stale }: Snapshot): void {
    for (const key of this.seats.keys()) if (!(key in rows)) this.seats.delete(key);
    for (const [key, row] of Object.entries(rows)) this.put(key, row, stale.includes(key));
    this.unseen = stale.filter((key) => !(key in rows)).length;
    this.beat += 1;
  }

  private change(changes: readonly Change[]): void {
    for (const { key, set } of changes) this.put(key, { ...(this.seats.get(key)?.row ?? ({} as Live)), ...set }, this.seats.get(key)?.stale ?? false);
    this.beat += 1;
  }

  private put(key: string, row: Live, stale: boolean): void {
    const seat = this.seats.get(key);
    if (seat) {
      seat.row = row;
      seat.stale = stale;
    } else this.seats.set(key, new Seat(key, row));
    if (learn(this.known, key, row) && this.watcher && !this.asking.has(row.session)) {
      this.asking.set(row.session, key);
      setTimeout(() => void this.read(), this.known.size ? SOON_MS : 0);
    }
  }

  /** Reads the logs of those of whom more is counted than known, a few at a time; one that cannot be had, again and again. */
  private async read(): Promise<void> {
    if (this.reading >= AT_ONCE) return;
    this.reading += 1;
    for (let next = this.asking.entries().next(); !next.done; next = this.asking.entries().next()) {
      const [session, key] = next.value;
      this.asking.delete(session);
      try {
        recall(this.known, key, await log(session));
        this.owed = this.owed.filter((one) => one !== key);
        this.beat += 1;
      } catch {
        this.owed = [...new Set([...this.owed, key])];
      }
    }
    this.reading -= 1;
  }

  private stand(now: Standing): void {
    this.standing = now;
    this.late_since = now === "live" ? 0 : this.late_since || Date.now();
  }

  private tick(): void {
    this.now = Date.now();
    if (!this.owed.length || Math.floor(this.now / 1000) % 4) return;
    for (const key of this.owed) this.asking.set(this.seats.get(key)?.row.session ?? "", key);
    void this.read();
  }
}

/** Every incident of a session, with what it rests on. */
export function log(session: string): Promise<Schemas["Incident"][]> {
  return all((after) => api.GET("/api/v1/sessions/{session}/incidents", { params: { path: { session }, query: { after } } }), (page) => page.incidents);
}

type Intervention = Schemas["NewIntervention"];

const USUAL = { reason_code: "", move_end: false, break_kind: "comfort", confirm_name: "" } as const;

/** What is done to one candidate. */
export function intervene(session: string, one: Pick<Intervention, "kind"> & Partial<Intervention>): Promise<Schemas["InterventionMade"]> {
  return ok(api.POST("/api/v1/sessions/{session}/interventions", { params: { path: { session } }, body: { ...USUAL, ...one } }));
}

/** The same to many; each answers by itself. */
export async function interveneAll(schedule: string, sessions: string[], one: Pick<Intervention, "kind"> & Partial<Intervention>): Promise<Schemas["Answer"][]> {
  const { answers } = await ok(api.POST("/api/v1/schedules/{schedule}/interventions", { params: { path: { schedule } }, body: { ...USUAL, ...one, sessions } }));
  return answers;
}
