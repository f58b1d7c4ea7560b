// A copy of what was recorded lately, on the candidate's own device: for the stretches that the server does not get. What
// is safe with the server is forgotten. It is bounded, and never loses what may be missing without saying so.

import type { Api, Schemas } from "../../lib/api";
import { evenly } from "../../lib/clock";
import { LIMITS } from "./limits";
import { notKept, type Seconds } from "./notKept";
import { recordPieces, records, type Times } from "./pieceRecorder";
import { pieces, type Held, type Piece } from "./pieces";
import { covered, overlap, read, without, type Stretch } from "./stretches";
import type { Track } from "./track";

const NOTICED_MS = 15_000; // a connection may be gone for so long before that is noticed
const UNSURE_MS = 1000; // of two clocks

export interface LocalCopy {
  /** Done when it is known what was held before this page was loaded. */
  ready: Promise<void>;
  /** Copies a track from now on, where the browser can. */
  record(track: Track, media: MediaStream): void;
  stop(): Promise<void>;
  /** Tells how the connection of a track stands. What was recorded just before it was lost may not have arrived. */
  stands(track: Track, isLive: boolean): void;
  /** Null where this browser makes no copy. */
  standing(): "kept" | "full" | null;
  full(): boolean;

  tracks(): Track[];
  held(track: Track): Held[];
  /** What the server misses, the oldest first. */
  wanted(): Held[];
  read(piece: Held): Promise<Blob | undefined>;
  /** What the server says of a track: what is safe there is forgotten. */
  learn(track: Track, missing: Schemas["Missing"]): Promise<void>;
  /** The server has taken of a piece what it wants now. It is kept: another gap in it may become known. */
  answered(piece: Held): void;
  /** What a piece has filled is missing no longer. */
  filled(track: Track, stretches: readonly Schemas["Part"][]): void;
  forget(some: readonly Held[]): Promise<void>;

  /** What is missing and held here. */
  owed(): Seconds;
  /** What could not be kept is counted, and said after the exam. */
  count(piece: Piece): void;
  lost(): Seconds;
}

/** The copy of one session. `changed` is called when it becomes full, or has room again. */
export function localCopy(api: Pick<Api, "ahead">, session: string, changed: () => void, store = pieces(session)): LocalCopy {
  const held: Held[] = []; // in order of their start
  const missing = new Map<Track, Stretch[]>(); // of each track, as the server has told
  const live = new Map<Track, number>(); // since when the connection of each track stands
  const running: (() => Promise<void>)[] = [];
  const lost = notKept(session);
  let most = LIMITS.mostBytes;
  let full = false;

  async function recall(): Promise<void> {
    const found = await store.list().catch(() => []);
    const last = found.at(-1)?.ended ?? 0;
    held.push(...found.map((piece) => ({ ...piece, live: piece.live && piece.ended < last - NOTICED_MS })));
  }

  function record(track: Track, media: MediaStream): void {
    if (records(media)) running.push(recordPieces(track, media, (times, blob) => keep(track, times, blob)));
  }

  function stands(track: Track, isLive: boolean): void {
    if (isLive === live.has(track)) return;
    if (isLive) return void live.set(track, evenly());
    live.delete(track);
    for (const piece of held) if (piece.track === track && piece.ended > evenly() - NOTICED_MS) piece.live = false;
  }

  async function keep(track: Track, { started, ended }: Times, blob: Blob): Promise<void> {
    await ready;
    const skew = api.ahead();
    const isLive = (live.get(track) ?? Infinity) < started;
    const piece: Piece = { track, started, ended, skew, from: started - skew, to: ended - skew, bytes: blob.size, live: isLive };
    while (tooMuch(piece) && (await drop(track)));
    const id = await stored(piece, blob);
    if (id === null) return lose(piece);
    held.push({ ...piece, id });
    room();
  }

  /** Its id; null where there is no room, whatever goes for it. */
  async function stored(piece: Piece, blob: Blob): Promise<number | null> {
    for (;;)
      try {
        return await store.add(piece, blob);
      } catch (error) {
        most = Math.min(most, bytes()); // the browser has no more room than this
        const noRoom = error instanceof Error && error.name === "QuotaExceededError";
        if (!noRoom || !(await drop())) return null;
      }
  }

  const bytes = () => sum(held, (one) => one.bytes);
  const lasts = (track: Track) => sum(of(track), (one) => one.ended - one.started);
  const of = (track: Track) => held.filter((one) => one.track === track);
  const tooMuch = (piece: Piece) => bytes() + piece.bytes > most || lasts(piece.track) > LIMITS.mostMs;

  /** Makes room: what the server has had first, then what is in no known gap, the oldest of each. False when nothing is left. */
  async function drop(track?: Track): Promise<boolean> {
    const rank = (piece: Held) => (isMissing(piece) ? 2 : piece.live || piece.answered ? 0 : 1);
    const over = track && lasts(track) > LIMITS.mostMs ? of(track) : held;
    const [goes] = [...over].sort((a, b) => rank(a) - rank(b) || a.started - b.started);
    if (!goes) return false;
    if (rank(goes)) lose(goes);
    await forget([goes]);
    return true;
  }

  const count = (piece: Piece) => lost.add(piece.track, (piece.ended - piece.started) / 1000);

  /** There was no room for it, which is said at once. */
  function lose(piece: Piece): void {
    count(piece);
    if (full) return;
    full = true;
    changed();
  }

  function room(): void {
    if (!full || bytes() > most / 2 || held.some((one) => lasts(one.track) > LIMITS.mostMs / 2)) return;
    full = false;
    most = LIMITS.mostBytes;
    changed();
  }

  async function forget(some: readonly Held[]): Promise<void> {
    for (const piece of some) if (held.includes(piece)) held.splice(held.indexOf(piece), 1);
    await store.remove(some.map((piece) => piece.id)).catch(() => {}); // it goes a day later by itself
    room();
  }

  const within = (gap: Stretch, done: Stretch) => gap.from >= done.from && gap.to <= done.to;
  /** The gaps of its track, but for those of which the server has taken what this piece has. */
  const gapsOf = (piece: Held) => (missing.get(piece.track) ?? []).filter((gap) => !piece.answered?.some((done) => within(gap, done)));
  const isMissing = (piece: Held) => gapsOf(piece).some((gap) => overlap(piece, gap) > 0);

  async function learn(track: Track, { settled_until, gaps }: Schemas["Missing"]): Promise<void> {
    missing.set(track, gaps.map(read));
    const until = settled_until ? Date.parse(settled_until) : -Infinity;
    const beside = (piece: Held) => gapsOf(piece).some((gap) => overlap(piece, gap, UNSURE_MS) > 0);
    await forget(of(track).filter((piece) => piece.to + UNSURE_MS <= until && !beside(piece)));
  }

  function answered(piece: Held): void {
    piece.answered = [...(piece.answered ?? []), ...gapsOf(piece).filter((gap) => overlap(piece, gap) > 0)];
  }

  function filled(track: Track, stretches: readonly Schemas["Part"][]): void {
    for (const gone of stretches.map(read)) missing.set(track, without(missing.get(track) ?? [], gone));
  }

  function owed(): Seconds {
    const found: Seconds = {};
    for (const [track, gaps] of missing) {
      const parts = (gap: Stretch) => of(track).filter((piece) => gapsOf(piece).includes(gap));
      const ms = sum(gaps, (gap) => covered(gap, parts(gap)));
      if (ms > 0) found[track] = ms / 1000;
    }
    return found;
  }

  const ready = recall();
  return {
    ready, record, stands, learn, answered, filled, forget, owed, count,
    stop: async () => void (await Promise.all(running.map((stop) => stop()))),
    standing: () => (running.length ? (full ? "full" : "kept") : null),
    full: () => full,
    tracks: () => [...new Set(held.map((piece) => piece.track))],
    held: of,
    wanted: () => held.filter(isMissing).sort((a, b) => a.started - b.started),
    read: (piece) => store.read(piece.id),
    lost: () => lost.all(),
  };
}

const sum = <One>(some: readonly One[], amount: (one: One) => number) => some.reduce((total, one) => total + amount(one), 0);
