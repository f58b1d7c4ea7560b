// One candidate's exam: what the server says of it, and what this page does with camera and screen. Nothing is guessed.

import { ok, Problem, type Api, type Schemas } from "../lib/api";
import { follow, type Standing } from "../lib/stream";
import { left } from "../lib/time";
import { contactWords } from "./contact.svelte";
import { coverOf, reached, type Intervention } from "./cover";
import type { Opened } from "./joining";
import { sender, type Sender, type Sending, type Track } from "./media/sending";
import { signals } from "./media/signals";
import { reading, type Message } from "./reading";
import { OVER, stepOf, type Clock, type Session } from "./steps";

export type Help = Schemas["api.candidate_view.Help"];
export type Identity = Schemas["api.candidate_view.Identity"];
type View = Schemas["View"];

const NOT_HERE: readonly string[] = ["not_live", "refused", "asking"];
const TICK_MS = 500;

export class Exam {
  readonly api: Api;
  readonly id: string;
  readonly title: string;
  readonly path: { session: string };

  session = $state.raw() as Session;
  clock = $state.raw() as Clock;
  messages: readonly Message[] = $state.raw([]);
  interventions: readonly Intervention[] = $state.raw([]);
  help: Help | null = $state.raw(null);
  identity: Identity | null = $state.raw(null);
  /** Whether another device asks to go on with this exam. */
  asked = $state(false);
  /** Whether it is taken on another device: nothing is shown or sent from here any more. */
  elsewhere = $state(false);

  /** How the stream of what happens is doing, and since when (ms) it is not heard. */
  standing: Standing | null = $state(null);
  lateSince = $state(0);
  now = $state(Date.now());
  /** What went wrong with something that nobody asked for. */
  problem: unknown = $state(null);

  camera: MediaStream | undefined = $state.raw();
  screen: MediaStream | undefined = $state.raw();
  /** Whether this page has what it needs to begin, or to go on. */
  startable = $state(false);
  /** Whether the exam was begun, or gone on with, in this page. */
  captured = $state(false);
  sending: Record<Track, Sending> = $state({ camera: { state: "none" }, screen: { state: "none" } });
  /** What the copy on this device says, during the exam and after it. */
  copy = $state({ during: "", after: "" });

  readonly step = $derived.by(() => stepOf(this.session.onboarding.next, this.clock, this.captured));
  readonly cover = $derived.by(() => coverOf(this.interventions, this.clock, this.step === "exam", this.now - this.api.skew()));
  /** Seconds on the clock; null where none runs. */
  readonly left = $derived.by(() => (OVER.includes(this.clock.phase) ? null : left(this.clock, this.api.skew(), this.now)));

  #sender: Sender;
  #telling: ReturnType<typeof signals> | null = null;
  #messages = reading(() => this.captured && !this.cover && !this.#gone, (message, stage) => void this.#tellRead(message, stage));
  #stopStream: () => void;
  #ticks: ReturnType<typeof setInterval>;
  #over = false;

  /** `session` as the server has told it. From now on this page hears what happens. */
  constructor({ api, joined }: Opened, session: Session) {
    this.api = api;
    this.id = joined.session;
    this.title = joined.title;
    this.path = { session: joined.session };
    this.session = session;
    const hears = {
      track: (track: Track, how: Sending) => (this.sending[track] = how),
      during: (text: string) => (this.copy.during = text),
      after: (text: string) => (this.copy.after = text),
    };
    this.#sender = sender(api, this.id, hears, contactWords);
    this.#ticks = setInterval(() => (this.now = Date.now()), TICK_MS);
    this.#take(session.clock);
    this.#stopStream = follow(api, `/api/v1/sessions/${this.id}/stream`, {
      on: (name, data) => this.#heard(name, data),
      state: (standing) => void this.#connection(standing),
    });
  }

  async refresh(): Promise<void> {
    this.session = await readSession(this.api, this.id);
    this.#take(this.session.clock);
  }

  async acknowledge(answer: "acknowledged" | "declined"): Promise<void> {
    const { policy_version, sha256 } = this.session.notice;
    await this.api.POST("/api/v1/sessions/{session}/notice", { params: { path: this.path }, body: { policy_version, sha256, answer } });
    await this.refresh();
  }

  async consent(purpose: Schemas["ConsentAsked"]["purpose"], agreed: boolean): Promise<void> {
    await this.api.POST("/api/v1/sessions/{session}/consents", { params: { path: this.path }, body: { purpose, agreed } });
    await this.refresh();
  }

  /** Camera and screen as the checks have opened them. Nothing stays open where the exam ended, or moved, meanwhile. */
  capture(camera: MediaStream | undefined, screen: MediaStream | undefined): void {
    [this.camera, this.screen] = [camera, screen];
    if (this.#gone) this.release();
  }

  release(): void {
    for (const media of [this.camera, this.screen]) media?.getTracks().forEach((track) => track.stop());
  }

  /** Begins the exam, or goes on with it after this page was loaded again. */
  async start(pin: string): Promise<void> {
    const body = pin.trim() ? { pin } : undefined;
    this.#take(await ok(this.api.POST("/api/v1/sessions/{session}/start", { params: { path: this.path }, body })));
    this.session = await readSession(this.api, this.id); // what holds for it from its start on; if this fails, the same button tries again
    if (this.#gone) return;
    this.captured = true;
    this.#messages.read();
    const media = { camera: this.camera, screen: this.screen };
    for (const track of this.session.tracks) this.#sender.send(track, media[track]);
    this.#telling = signals(this.api, this.id, this.session, media);
    this.#sender.telling(this.#telling.localCopy);
  }

  /** What can be known of the clipboard in the exam's frame. */
  clipboard(value: "watched" | "pasted"): void {
    this.#telling?.clipboard(value);
  }

  async submit(): Promise<void> {
    this.#take(await ok(this.api.POST("/api/v1/sessions/{session}/submit", { params: { path: this.path } })));
  }

  /** Does what the one button of a cover says. */
  async answer(tells: NonNullable<NonNullable<typeof this.cover>["ok"]>["tells"]): Promise<void> {
    if (tells === "back") await this.api.POST("/api/v1/sessions/{session}/breaks/return", { params: { path: this.path } });
    else await Promise.all(tells.interventions.map((one) => this.#progress(one, tells.stage)));
  }

  /** Whether nothing more is recorded here. */
  get #gone(): boolean {
    return this.#over || this.elsewhere;
  }

  #take(clock: Clock): void {
    this.clock = clock;
    const over = OVER.includes(clock.phase);
    if (this.#over && !over) return location.reload(); // somebody let them in again: cameras are asked for anew
    if (over && !this.#over) void this.#end();
  }

  async #end(): Promise<void> {
    this.#over = true;
    await this.#stopSending();
    this.#sender.finish(this.clock.ended_at);
  }

  async #stopSending(): Promise<void> {
    this.#telling?.stop();
    await this.#sender.stop();
    this.release();
  }

  async #leave(): Promise<void> {
    this.elsewhere = true;
    this.#stopStream();
    clearInterval(this.#ticks);
    await this.#stopSending();
  }

  async #connection(standing: Standing): Promise<void> {
    if (standing === "ended") {
      const mine = await ok(this.api.GET("/api/v1/sessions/{session}/devices/mine", { params: { path: this.path } })).catch(() => null);
      if (mine && NOT_HERE.includes(mine.standing)) return this.#leave();
    }
    if (standing === "live") this.problem = null; // what comes with the stream is done again
    if (standing === "late" && this.standing !== "late") this.lateSince = Date.now();
    this.standing = standing;
  }

  #heard(name: string, data: unknown): void {
    if (name === "snapshot") this.#all(data as View);
    else if (name === "session") void this.#changed(data as Clock);
    else if (name === "message") this.#message(data as Message);
    else if (name === "intervention") this.#intervention(data as Intervention);
    else if (name === "help") this.help = data as Help;
    else if (name === "identity") this.identity = data as Identity;
    else if (name === "devices") this.asked = Boolean((data as View["devices"]).asking);
    else if (name === "publish_again") this.#sender.again((data as { draining: boolean }).draining);
    this.#messages.read(); // where a cover has gone by it
  }

  #all(view: View): void {
    this.session = { ...this.session, onboarding: { ...this.session.onboarding, next: view.next } };
    view.messages.forEach((one) => this.#message(one));
    view.interventions.forEach((one) => this.#intervention(one));
    this.help = view.help;
    this.identity = view.identity;
    this.asked = Boolean(view.devices.asking);
    void this.#changed(view.session);
  }

  /** A check that was waived: who waited for it goes on without it. */
  async #changed(clock: Clock): Promise<void> {
    const waived = String(this.clock.waived) !== String(clock.waived);
    this.#take(clock);
    if (!waived) return;
    await this.refresh().catch((error: unknown) => (this.problem = error));
    if (this.clock.phase === "ready") this.startable = true;
  }

  #message(one: Message): void {
    this.messages = placed(this.messages, one, (other) => other.message);
    this.#messages.came(one);
  }

  #intervention(one: Intervention): void {
    this.interventions = placed(this.interventions, one, (other) => other.intervention);
    const stage = reached(one);
    if (stage) void this.#progress(one.intervention, stage).catch((error: unknown) => (this.problem = error));
  }

  async #progress(intervention: string, stage: "delivered" | "applied" | "acknowledged"): Promise<void> {
    const path = { ...this.path, intervention };
    await this.api.POST("/api/v1/sessions/{session}/interventions/{intervention}/progress", { params: { path }, body: { stage, where: "page" } });
  }

  async #tellRead(message: string, stage: "delivered" | "read"): Promise<void> {
    const path = { ...this.path, message };
    const told = stage === "read" ? this.api.POST("/api/v1/sessions/{session}/messages/{message}/read", { params: { path } }) : this.api.POST("/api/v1/sessions/{session}/messages/{message}/delivered", { params: { path } });
    await told.catch((error: unknown) => (this.problem = error));
  }
}

export async function readSession(api: Api, session: string): Promise<Session> {
  return ok(api.GET("/api/v1/sessions/{session}", { params: { path: { session } } }));
}

/** The receipt, as soon as there is one: a seal takes a moment. */
export async function receiptOf(exam: Exam): Promise<Schemas["Receipt"] | null> {
  for (let tries = 0; tries < 20; tries += 1) {
    try {
      return await ok(exam.api.GET("/api/v1/sessions/{session}/receipt", { params: { path: exam.path } }));
    } catch (error) {
      if (!(error instanceof Problem) || !AWAY.includes(error.status)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }
  return null;
}

/** What a later try may mend: nobody answers, or a front door that starts again. */
export const AWAY: readonly number[] = [0, 502, 503, 504];

/** The list with `one` in it: in the place of its former self, or at the end. */
function placed<T>(list: readonly T[], one: T, key: (of: T) => string): readonly T[] {
  const at = list.findIndex((other) => key(other) === key(one));
  return at < 0 ? [...list, one] : list.with(at, one);
}
