// A copy of what was recorded lately, on the candidate's own device: for the stretches that the server does not get. What
// is safe with the server is forgotten. It is bounded, and never loses what may be missing without saying so.

import { now } from "/assets/evenly.js";
import { recordPieces, records } from "/assets/piece_recorder.js";
import { pieces } from "/assets/pieces.js";

const MOST_MS = 30 * 60_000; // of each track
const MOST_BYTES = 150 * 1024 * 1024; // of both together
const NOTICED_MS = 15_000; // a connection may be gone for so long before that is noticed
const UNSURE_MS = 1000; // of two clocks

/**
 * The copy of one session. `changed()` is called when it becomes full, or has room again.
 *
 * A piece has `started` and `ended` by this device's clock and `from` and `to` by the server's, in ms; `live` says that
 * the connection stood all the while.
 */
export function localCopy(call, session, changed) {
  const store = pieces(session);
  const held = []; // in order of their start
  const missing = new Map(); // of each track, as the server has told: [{ from, to }]
  const live = new Map(); // since when the connection of each track stands
  const running = [];
  const lost = remembered(`vigil-not-kept-${session}`);
  let most = MOST_BYTES;
  let full = false;
  const ready = store.list().then((found) => {
    const last = found.at(-1)?.ended ?? 0;
    held.push(...found.map((piece) => ({ ...piece, live: piece.live && piece.ended < last - NOTICED_MS })));
  }, () => {});

  /** Copies a track from now on, where the browser can. */
  function record(track, media) {
    if (records(media)) running.push(recordPieces(track, media, (times, blob) => keep({ ...times, track }, blob)));
  }

  /** Tells how the connection of a track stands. What was recorded just before it was lost may not have arrived. */
  function stands(track, isLive) {
    if (isLive === live.has(track)) return;
    if (isLive) return void live.set(track, now());
    live.delete(track);
    for (const piece of held) if (piece.track === track && piece.ended > now() - NOTICED_MS) piece.live = false;
  }

  async function keep(times, blob) {
    await ready;
    const skew = call.ahead();
    const since = live.get(times.track) ?? Infinity;
    const piece = { ...times, skew, from: times.started - skew, to: times.ended - skew, bytes: blob.size, live: since < times.started };
    while (tooMuch(piece) && (await drop(piece.track)));
    for (;;)
      try {
        piece.id = await store.add({ ...piece, blob });
        break;
      } catch (error) {
        most = Math.min(most, sum(held, (one) => one.bytes)); // the browser has no more room than this
        if (error?.name !== "QuotaExceededError" || !(await drop())) return lose(piece);
      }
    held.push(piece);
    room();
  }

  const tooMuch = ({ track, bytes }) => sum(held, (one) => one.bytes) + bytes > most || lasts(track) > MOST_MS;
  const lasts = (track) => sum(held.filter((one) => one.track === track), (one) => one.ended - one.started);

  /** Makes room: what the server has had first, then what is in no known gap, the oldest of each. False when nothing is left. */
  async function drop(track) {
    const rank = (piece) => (isMissing(piece) ? 2 : piece.live || piece.answered ? 0 : 1);
    const over = track && lasts(track) > MOST_MS ? held.filter((one) => one.track === track) : held;
    const [goes] = [...over].sort((a, b) => rank(a) - rank(b) || a.started - b.started);
    if (!goes) return false;
    if (rank(goes)) lose(goes);
    await forget([goes]);
    return true;
  }

  /** What could not be kept is counted, and said after the exam. */
  const count = (piece) => lost.add(piece.track, (piece.ended - piece.started) / 1000);

  /** There was no room for it, which is said at once. */
  function lose(piece) {
    count(piece);
    if (full) return;
    full = true;
    changed();
  }

  function room() {
    if (!full || sum(held, (one) => one.bytes) > most / 2 || held.some((one) => lasts(one.track) > MOST_MS / 2)) return;
    full = false;
    most = MOST_BYTES;
    changed();
  }

  async function forget(some) {
    for (const piece of some) if (held.includes(piece)) held.splice(held.indexOf(piece), 1);
    await store.remove(some.map((piece) => piece.id)).catch(() => {}); // it goes a day later by itself
    room();
  }

  const overlap = (piece, gap, more = 0) => Math.min(piece.to + more, gap.to) - Math.max(piece.from - more, gap.from);
  /** The gaps of its track, but for those of which the server has taken what this piece has. */
  const gapsOf = (piece) => (missing.get(piece.track) ?? []).filter((gap) => !piece.answered?.some((done) => gap.from >= done.from && gap.to <= done.to));
  const isMissing = (piece) => gapsOf(piece).some((gap) => overlap(piece, gap) > 0);

  /** What the server says of a track: what is safe there is forgotten. */
  async function learn(track, { settled_until, gaps }) {
    missing.set(track, gaps.map((gap) => ({ from: Date.parse(gap.started_at), to: Date.parse(gap.ended_at) })));
    const until = settled_until ? Date.parse(settled_until) : -Infinity;
    const beside = (piece) => gapsOf(piece).some((gap) => overlap(piece, gap, UNSURE_MS) > 0);
    await forget(held.filter((piece) => piece.track === track && piece.to + UNSURE_MS <= until && !beside(piece)));
  }

  /** The server has taken of a piece what it wants now. It is kept: another gap in it may become known. */
  function answered(piece) {
    piece.answered = [...(piece.answered ?? []), ...gapsOf(piece).filter((gap) => overlap(piece, gap) > 0)];
  }

  /** What a piece has filled is missing no longer. */
  function filled(track, stretches) {
    for (const { started_at, ended_at } of stretches) {
      const [from, to] = [Date.parse(started_at), Date.parse(ended_at)];
      const rest = (gap) => [{ from: gap.from, to: Math.min(gap.to, from) }, { from: Math.max(gap.from, to), to: gap.to }];
      missing.set(track, (missing.get(track) ?? []).flatMap(rest).filter((gap) => gap.to > gap.from));
    }
  }

  /** The seconds of each track that are missing and held here. */
  function owed() {
    const found = {};
    for (const [track, gaps] of missing) {
      const parts = (gap) => held.filter((piece) => piece.track === track && gapsOf(piece).includes(gap));
      const ms = sum(gaps, (gap) => sum(union(parts(gap), gap), ([from, to]) => to - from));
      if (ms > 0) found[track] = ms / 1000;
    }
    return found;
  }

  return {
    record, stands, learn, answered, filled, forget, owed, ready,
    stop: () => Promise.all(running.map((stop) => stop())),
    standing: () => (running.length ? (full ? "full" : "kept") : null),
    read: (piece) => store.read(piece.id),
    count,
    tracks: () => [...new Set(held.map((piece) => piece.track))],
    held: (track) => held.filter((piece) => piece.track === track),
    wanted: () => held.filter(isMissing).sort((a, b) => a.started - b.started),
    full: () => full,
    lost: () => lost.all(),
  };
}

const sum = (some, of) => some.reduce((total, one) => total + of(one), 0);

/** The parts of a gap that pieces cover, which overlap a little: [[from, to]] in order. */
function union(parts, gap) {
  const found = [];
  for (const { from, to } of parts) {
    const start = Math.max(from, gap.from, found.at(-1)?.[1] ?? -Infinity);
    if (Math.min(to, gap.to) > start) found.push([start, Math.min(to, gap.to)]);
  }
  return found;
}

/** Seconds of each track that could not be kept, also when the page is loaded again. */
function remembered(name) {
  let seconds = {};
  try {
    seconds = JSON.parse(sessionStorage.getItem(name) ?? "{}");
  } catch {
    // a browser that keeps nothing
  }
  return {
    all: () => seconds,
    add: (track, more) => {
      seconds = { ...seconds, [track]: (seconds[track] ?? 0) + more };
      try {
        sessionStorage.setItem(name, JSON.stringify(seconds));
      } catch {
        // it is known while this page is open
      }
    },
  };
}
