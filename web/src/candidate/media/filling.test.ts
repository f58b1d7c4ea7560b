import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Api } from "../../lib/api";
import { filling, type Progress } from "./filling";
import type { LocalCopy } from "./localCopy";
import type { Held } from "./pieces";

const ticks = vi.hoisted(() => ({ tick: () => {} }));
vi.mock("./ticking", async (original) => ({ ...(await original<object>()), ticking: (work: () => void) => (ticks.tick = work) }));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const AT = "2026-06-10T12:00:00.000Z";
const MS = Date.parse(AT);
const PIECE: Held = { id: 1, track: "camera", started: MS + 5000, ended: MS + 11_000, skew: 5000, from: MS, to: MS + 6000, bytes: 4, live: false };

/** A page that holds one piece, and a server that answers with `status`, and that all is settled up to `settled_until`. */
function page({ missing = true } = {}) {
  const server = { status: 201, settled_until: null as string | null, silent: false };
  const requests: string[] = [];
  const said: Progress["state"][] = [];
  const held = [PIECE];
  const lost: Held[] = [];

  vi.stubGlobal("fetch", async (url: string, { method, signal }: RequestInit) => {
    requests.push(`${method} ${url}`);
    if (server.silent) await new Promise((_, reject) => signal?.addEventListener("abort", reject));
    const status = method === "GET" && server.status === 201 ? 200 : server.status;
    const body = method === "GET" ? { now: AT, settled_until: server.settled_until, gaps: [] } : { filled: [] };
    return { ok: status < 300, status, headers: new Headers(), json: async () => body };
  });
  vi.stubGlobal("crypto", { subtle: { digest: async () => new Uint8Array(32).fill(171).buffer } }); // the real one takes time of its own
  const copy: Partial<LocalCopy> = {
    ready: Promise.resolve(),
    wanted: () => (missing ? [...held] : []),
    tracks: () => (held.length ? ["camera"] : []),
    held: () => held,
    read: async () => ({ arrayBuffer: async () => new ArrayBuffer(4) }) as Blob,
    learn: async () => {},
    answered: () => (missing = false),
    filled: () => {},
    forget: async () => void held.splice(0),
    owed: () => ({}),
    count: (piece) => lost.push(piece as Held),
  };
  const fills = filling({ token: "secret" } as Api, "s1", copy as LocalCopy, ({ state }) => said.push(state));
  return { server, requests, said, held, lost, fills };
}

/** Lets time go, in seconds, with ticks as the browser gives them. */
async function wait(seconds: number): Promise<void> {
  for (let half = 0; half < seconds * 2; half += 1) {
    await vi.advanceTimersByTimeAsync(500);
    ticks.tick();
  }
}

test("nothing is sent before every track has stood for a while; then what is missing is, named by its hash", async () => {
  const { requests, fills } = page();
  await wait(30);
  fills.stands("screen", false);
  fills.stands("camera", true);
  await wait(30);
  expect(requests).toEqual([]);
  fills.stands("screen", true);
  await wait(9);
  expect(requests).toEqual([]);
  await wait(3);
  const when = "started_at=2026-06-10T12%3A00%3A05.000Z&ended_at=2026-06-10T12%3A00%3A11.000Z&skew_ms=5000";
  expect(requests[0]).toBe(`PUT /api/v1/sessions/s1/late/camera/${"ab".repeat(32)}?${when}`);
});

test("what does not get through is sent again, and later each time", async () => {
  const { server, requests, said, fills } = page();
  server.status = 503;
  fills.finish(null);
  await wait(1);
  expect(requests.length).toBe(1);
  await wait(8);
  expect(requests.length).toBe(3);
  expect(new Set(requests).size).toBe(1);
  expect(new Set(said)).toEqual(new Set(["sending", "away"]));
});

test("a piece on its way is given up when the connection of the video is lost", async () => {
  const { server, requests, said, fills } = page();
  server.silent = true;
  fills.stands("camera", true);
  await wait(12);
  expect([requests.length, said]).toEqual([1, ["sending"]]);
  fills.stands("camera", false);
  await wait(30);
  expect([requests.length, said]).toEqual([1, ["sending", "away"]]);
});

test("after the end it asks until all that is held is settled, and then holds nothing more", async () => {
  const { server, said, held, fills } = page({ missing: false });
  fills.finish(AT);
  await wait(6);
  expect(new Set(said)).toEqual(new Set(["checking"]));
  expect(held).toEqual([PIECE]);
  server.settled_until = AT; // the end of the exam, before that of the piece
  await wait(3);
  expect(said.at(-1)).toBe("done");
  expect(held).toEqual([]);
});

test("a server that tells nothing of how far it has come keeps nobody waiting for ever", async () => {
  const { said, held, fills } = page({ missing: false });
  fills.finish(AT);
  await wait(185);
  expect(said.at(-1)).toBe("unwanted");
  expect(held).toEqual([PIECE]);
});

test("one that wants nothing more is asked no more", async () => {
  const { server, requests, said, fills } = page();
  server.status = 403;
  fills.finish(AT);
  await wait(60);
  expect([requests.length, said.at(-1)]).toEqual([1, "unwanted"]);
});

test("what it cannot take is counted as not kept", async () => {
  const { server, held, lost, fills } = page();
  server.status = 422;
  fills.finish(AT);
  await wait(1);
  expect([held, lost]).toEqual([[], [PIECE]]);
});
