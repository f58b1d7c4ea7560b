// Sends the server what it does not have of a recording, out of the local copy: just the pieces that lie in its gaps, one
// at a time and behind the live video, until nothing is missing that is held here. It goes on after any interruption.

import { now, ticking, written } from "/assets/evenly.js";

const ASK_MS = 20_000;
const SOON_MS = 10_000; // after a connection is back the server knows by then what is missing
const AT_THE_END_MS = 2000;
const PATIENCE_MS = 180_000; // after the end; a server that has not told by then how far it has come wants nothing
const REST_MS = 1000; // between two pieces, and twice as long as a piece takes: the live video comes first
const LONGEST_MS = 60_000;
const TAKEN = [200, 201, 409]; // the last says that nothing is missing there
const DROP = [400, 413, 415, 422];
const UNWANTED = [401, 403, 404];

/**
 * `said(what)` is told how it stands: `{ state, owed }`, where `state` is "quiet", "sending", "checking", "away" (trying
 * again), "done" (nothing is owed) or "unwanted" (the server asks for nothing more), and `owed` the seconds of each track.
 */
export function filling(call, at, copy, said) {
  const live = new Map(); // of each track that is published
  const settled = new Map();
  let due = Infinity;
  let busy = false;
  let failures = 0;
  let endedAt = 0; // by the server's clock
  let overSince = 0;
  let uploading = null;

  const ready = () => overSince || (live.size > 0 && [...live.values()].every(Boolean));

  async function tick() {
    if (busy || now() < due || !ready()) return;
    busy = true;
    due = Infinity;
    const wait = await pass().catch(() => ASK_MS);
    due = Math.min(due, now() + wait); // it may have become urgent meanwhile
    busy = false;
  }

  /** Asks, or sends one piece. Gives how long to wait then, in ms. */
  async function pass() {
    await copy.ready;
    const [piece] = copy.wanted();
    if (piece) return send(piece);
    for (const track of copy.tracks()) {
      const answer = await ask("GET", `/late/${track}`, 10_000);
      if (UNWANTED.includes(answer.status)) return unwanted();
      if (!answer.body) return again(answer);
      failures = 0;
      settled.set(track, Date.parse(answer.body.settled_until ?? 0));
      await copy.learn(track, answer.body);
    }
    if (copy.wanted().length) return tell("sending", 0);
    if (!overSince) return tell("quiet", ASK_MS);
    if (copy.tracks().every(isSettled)) {
      for (const track of copy.tracks()) await copy.forget(copy.held(track));
      return tell("done", Infinity);
    }
    return now() - overSince > PATIENCE_MS ? unwanted() : tell("checking", AT_THE_END_MS);
  }

  /** Whether the server has told of all of a track that is held, up to the end of the exam. */
  const isSettled = (track) => (settled.get(track) ?? 0) + 1000 >= Math.min(copy.held(track).at(-1)?.to ?? 0, endedAt || Infinity);

  async function send(piece) {
    tell("sending", 0);
    const began = now();
    const body = await copy.read(piece).catch(() => null);
    if (!body) return drop(piece);
    const sha256 = hex(await crypto.subtle.digest("SHA-256", await body.arrayBuffer()));
    const when = new URLSearchParams({ started_at: written(piece.started), ended_at: written(piece.ended), skew_ms: piece.skew });
    const answer = await ask("PUT", `/late/${piece.track}/${sha256}?${when}`, LONGEST_MS, body);
    if (UNWANTED.includes(answer.status)) return unwanted();
    if (DROP.includes(answer.status)) return drop(piece);
    if (!TAKEN.includes(answer.status)) return again(answer);
    failures = 0;
    copy.answered(piece);
    copy.filled(piece.track, answer.body?.filled ?? []);
    return overSince ? 0 : Math.max(REST_MS, 2 * (now() - began));
  }

  /** It cannot be taken, and that is counted. */
  async function drop(piece) {
    copy.count(piece);
    await copy.forget([piece]);
    return REST_MS;
  }

  function again({ wait }) {
    failures += 1;
    return tell("away", wait || Math.min(LONGEST_MS, 1000 * 2 ** failures));
  }

  const unwanted = () => tell("unwanted", Infinity);

  function tell(state, wait) {
    said({ state, owed: copy.owed(), over: overSince > 0 });
    return wait;
  }

  async function ask(method, path, patience, body) {
    const ends = new AbortController();
    const late = setTimeout(() => ends.abort(), patience);
    if (body) uploading = ends;
    const headers = { Authorization: `Bearer ${call.token}`, ...(body ? { "Content-Type": "video/webm" } : {}) };
    try {
      const response = await fetch(call.url(at + path), { method, headers, body, priority: "low", signal: ends.signal });
      const wait = 1000 * Number(response.headers.get("Retry-After") ?? 0);
      return { status: response.status, wait, body: response.ok ? await response.json().catch(() => null) : null };
    } catch {
      return { status: 0, wait: 0, body: null };
    } finally {
      clearTimeout(late);
      uploading = null;
    }
  }

  /** How the connection of a track stands. While one does not, nothing is sent that would be in its way. */
  function stands(track, isLive) {
    if (live.get(track) === isLive) return;
    live.set(track, isLive);
    if (overSince) return;
    if (!isLive) uploading?.abort();
    else due = now() + SOON_MS;
  }

  /** The exam is over: what is missing yet is sent without haste for anything else. */
  function finish(ended) {
    endedAt = Date.parse(ended ?? "") || 0;
    overSince = now();
    due = now();
  }

  const stop = ticking(tick);
  return { stands, finish, stop };
}

const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
