// Sends the server what it does not have of a recording, out of the local copy: just the pieces that lie in its gaps, one
// at a time and behind the live video, until nothing is missing that is held here. It goes on after any interruption.

import type { Api, Schemas } from "../../lib/api";
import { evenly } from "../../lib/clock";
import { LIMITS } from "./limits";
import type { LocalCopy } from "./localCopy";
import type { Seconds } from "./notKept";
import type { Held } from "./pieces";
import { ticking, written } from "./ticking";
import type { Track } from "./track";

const AT_THE_END_MS = 2000;
const PATIENCE_MS = 180_000; // after the end; a server that has not told by then how far it has come wants nothing
const LONGEST_MS = 60_000;
const TAKEN = [200, 201, 409]; // the last says that nothing is missing there
const DROP = [400, 413, 415, 422];
const UNWANTED = [401, 403, 404];

/** `away`: it is tried again. `done`: nothing is owed. `unwanted`: the server asks for nothing more. */
export type State = "quiet" | "sending" | "checking" | "away" | "done" | "unwanted";

export interface Progress {
  state: State;
  owed: Seconds;
  /** Whether the exam is. */
  over: boolean;
}

export interface Filling {
  /** How the connection of a track stands. While one does not, nothing is sent that would be in its way. */
  stands(track: Track, isLive: boolean): void;
  /** The exam is over: what is missing yet is sent without haste for anything else. */
  finish(endedAt: string | null): void;
}

interface Answer<Body> {
  status: number;
  /** What the server asks to wait, in ms. */
  wait: number;
  body: Body | null;
}

/** `said` is told how it stands. */
export function filling(api: Api, session: string, copy: LocalCopy, said: (how: Progress) => void): Filling {
  const live = new Map<Track, boolean>(); // of each track that is published
  const settled = new Map<Track, number>();
  let due = Infinity;
  let busy = false;
  let failures = 0;
  let endedAt = 0; // by the server's clock
  let overSince = 0;
  let uploading: AbortController | null = null;

  const ready = () => overSince > 0 || (live.size > 0 && [...live.values()].every(Boolean));

  async function tick(): Promise<void> {
    if (busy || evenly() < due || !ready()) return;
    busy = true;
    due = Infinity;
    const wait = await pass().catch(() => LIMITS.askMs);
    due = Math.min(due, evenly() + wait); // it may have become urgent meanwhile
    busy = false;
  }

  /** Asks, or sends one piece. Gives how long to wait then, in ms. */
  async function pass(): Promise<number> {
    await copy.ready;
    const [piece] = copy.wanted();
    if (piece) return send(piece);
    for (const track of copy.tracks()) {
      const answer = await ask<Schemas["Missing"]>("GET", track, 10_000);
      if (UNWANTED.includes(answer.status)) return unwanted();
      if (!answer.body) return again(answer.wait);
      failures = 0;
      settled.set(track, Date.parse(answer.body.settled_until ?? "") || 0);
      await copy.learn(track, answer.body);
    }
    if (copy.wanted().length) return tell("sending", 0);
    if (!overSince) return tell("quiet", LIMITS.askMs);
    if (copy.tracks().every(isSettled)) {
      for (const track of copy.tracks()) await copy.forget(copy.held(track));
      return tell("done", Infinity);
    }
    return evenly() - overSince > PATIENCE_MS ? unwanted() : tell("checking", AT_THE_END_MS);
  }

  /** Whether the server has told of all of a track that is held, up to the end of the exam. */
  const isSettled = (track: Track) => (settled.get(track) ?? 0) + 1000 >= Math.min(copy.held(track).at(-1)?.to ?? 0, endedAt || Infinity);

  async function send(piece: Held): Promise<number> {
    tell("sending", 0);
    const began = evenly();
    const media = await copy.read(piece).catch(() => undefined);
    if (!media) return drop(piece);
    const sha256 = hex(await crypto.subtle.digest("SHA-256", await media.arrayBuffer()));
    const when = { started_at: written(piece.started), ended_at: written(piece.ended), skew_ms: String(piece.skew) };
    const answer = await ask<Schemas["Kept"]>("PUT", `${piece.track}/${sha256}?${new URLSearchParams(when)}`, LONGEST_MS, media);
    if (UNWANTED.includes(answer.status)) return unwanted();
    if (DROP.includes(answer.status)) return drop(piece);
    if (!TAKEN.includes(answer.status)) return again(answer.wait);
    failures = 0;
    copy.answered(piece);
    copy.filled(piece.track, answer.body?.filled ?? []);
    return overSince ? 0 : Math.max(LIMITS.restMs, 2 * (evenly() - began));
  }

  /** It cannot be taken, and that is counted. */
  async function drop(piece: Held): Promise<number> {
    copy.count(piece);
    await copy.forget([piece]);
    return LIMITS.restMs;
  }

  function again(wait: number): number {
    failures += 1;
    return tell("away", wait || Math.min(LONGEST_MS, 1000 * 2 ** failures));
  }

  const unwanted = () => tell("unwanted", Infinity);

  function tell(state: State, wait: number): number {
    said({ state, owed: copy.owed(), over: overSince > 0 });
    return wait;
  }

  async function ask<Body>(method: "GET" | "PUT", path: string, patience: number, media?: Blob): Promise<Answer<Body>> {
    const ends = new AbortController();
    const late = setTimeout(() => ends.abort(), patience);
    if (media) uploading = ends;
    const headers = { Authorization: `Bearer ${api.token}`, ...(media && { "Content-Type": "video/webm" }) };
    try {
      const request: RequestInit = { method, headers, body: media, priority: "low", signal: ends.signal };
      const response = await fetch(`/api/v1/sessions/${session}/late/${path}`, request);
      const wait = 1000 * Number(response.headers.get("Retry-After") ?? 0);
      return { status: response.status, wait, body: response.ok ? ((await response.json().catch(() => null)) as Body | null) : null };
    } catch {
      return { status: 0, wait: 0, body: null };
    } finally {
      clearTimeout(late);
      uploading = null;
    }
  }

  function stands(track: Track, isLive: boolean): void {
    if (live.get(track) === isLive) return;
    live.set(track, isLive);
    if (overSince) return;
    if (!isLive) uploading?.abort();
    else due = evenly() + LIMITS.soonMs;
  }

  function finish(ended: string | null): void {
    endedAt = Date.parse(ended ?? "") || 0;
    overSince = evenly();
    due = evenly();
  }

  ticking(() => void tick());
  return { stands, finish };
}

const hex = (bytes: ArrayBuffer) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
