import { expect, test, vi } from "vitest";

import { evenly } from "../../lib/clock";
import { localCopy } from "./localCopy";
import type { Times } from "./pieceRecorder";
import type { Held, Pieces } from "./pieces";
import type { Track } from "./track";

type Keep = (times: Times, blob: Blob) => Promise<void>;
const recorders = vi.hoisted(() => new Map<string, Keep>());
vi.mock("./pieceRecorder", () => ({
  records: () => true,
  recordPieces: (track: Track, _: MediaStream, keep: Keep) => {
    recorders.set(track, keep);
    return async () => {};
  },
}));

const MINUTE = 60_000;
const AHEAD = 5000; // of this device's clock
const BEGAN = Math.ceil(evenly()) + 1000;
const media = {} as MediaStream;

/** Holds so many pieces, in memory. */
function shelf(places = Infinity, held: Held[] = []): Pieces {
  const blobs = new Map<number, Blob>();
  let next = 1;
  return {
    list: async () => held,
    add: async (_, blob) => {
      if (blobs.size >= places) throw new DOMException("no room", "QuotaExceededError");
      blobs.set(next, blob);
      return next++;
    },
    read: async (id) => blobs.get(id),
    remove: async (ids) => ids.forEach((id) => blobs.delete(id)),
  };
}

function copyOf(store = shelf()) {
  const said: (string | null)[] = [];
  const copy = localCopy({ ahead: () => AHEAD }, "s1", () => said.push(copy.standing()), store);
  for (const track of ["camera", "screen"] as const) copy.record(track, media);
  /** Keeps a piece, from and to when in seconds from the beginning. */
  const keep = (from: number, to: number, track: Track = "camera") =>
    recorders.get(track)?.({ started: BEGAN + from * 1000, ended: BEGAN + to * 1000 }, new Blob(["webm"]));
  const learn = (settled: number | null, ...gaps: [number, number][]) =>
    copy.learn("camera", { now: at(0), settled_until: settled === null ? null : at(settled), gaps: gaps.map(part) });
  const held = () => copy.held("camera").map((piece) => (piece.started - BEGAN) / 1000);
  const owed = () => copy.owed().camera ?? 0;
  return { copy, said, keep, learn, held, owed };
}

/** As the server writes it, whose clock is behind. */
const at = (second: number) => new Date(BEGAN - AHEAD + second * 1000).toISOString();
const part = ([from, to]: [number, number]) => ({ started_at: at(from), ended_at: at(to) });

test("what the server misses is owed as far as it is held, until it has been sent", async () => {
  const { copy, keep, learn, owed } = copyOf();
  await keep(0, 6);
  await keep(6, 12);
  await keep(12, 18);
  expect(owed()).toBe(0);
  await learn(null, [4, 9], [17, 30]);
  expect(owed()).toBe(6);
  expect(copy.wanted().length).toBe(3);
  copy.filled("camera", [part([4, 6])]);
  expect(owed()).toBe(4);
  expect(copy.wanted().length).toBe(2);
});

test("a piece that the server has taken is not offered again for the same gap, but for another one", async () => {
  const { copy, keep, learn } = copyOf();
  await keep(0, 6);
  await learn(null, [2, 3]);
  copy.answered(copy.wanted()[0] as Held);
  await learn(null, [2, 3]);
  expect(copy.wanted()).toEqual([]);
  await learn(null, [2, 3], [4, 5]);
  expect(copy.wanted().length).toBe(1);
});

test("what is safe with the server is forgotten, but for what is close to a gap", async () => {
  const { keep, learn, held } = copyOf();
  for (const from of [0, 6, 12, 18]) await keep(from, from + 6);
  await learn(20, [12.5, 13]);
  expect(held()).toEqual([6, 12, 18]); // a second of two clocks before the gap, the gap, and what is not settled
});

test("without room what the server has had goes first, then what nobody is known to miss, and only then what is missing", async () => {
  const { copy, said, keep, learn, held } = copyOf(shelf(3));
  await keep(0, 6);
  await keep(6, 12);
  copy.stands("camera", true);
  await keep(12, 18);
  await learn(null, [0, 6]);
  await keep(18, 24);
  expect(held()).toEqual([0, 6, 18]);
  expect([copy.lost(), said]).toEqual([{}, []]);
  copy.stands("camera", false); // so that it is not known to have arrived
  await keep(24, 30);
  expect(held()).toEqual([0, 18, 24]);
  expect([copy.lost(), said]).toEqual([{ camera: 6 }, ["full"]]);
});

test("a copy holds half an hour of each track, and has room again when half of it is safe", async () => {
  const { copy, said, keep, learn, held } = copyOf();
  for (let minute = 0; minute <= 40; minute += 10) await keep(minute * 60, (minute + 10) * 60);
  await keep(0, 60, "screen");
  expect(held().map((second) => second / 60)).toEqual([10, 20, 30, 40]);
  expect(copy.lost()).toEqual({ camera: 600 });
  expect(said).toEqual(["full"]);
  await learn(41 * 60);
  expect(held().map((second) => second / 60)).toEqual([40]);
  expect(said).toEqual(["full", "kept"]);
});

test("of what an earlier page held the last may not have arrived", async () => {
  const piece = { track: "camera", skew: 0, bytes: 4, live: true } as const;
  const from = evenly() - MINUTE;
  const earlier = [0, 6, 40].map((second, n) => {
    const [started, ended] = [from + second * 1000, from + second * 1000 + 6000];
    return { ...piece, started, ended, from: started, to: ended, id: n };
  });
  const { copy } = copyOf(shelf(Infinity, earlier));
  await copy.ready;
  expect(copy.held("camera").map(({ live }) => live)).toEqual([true, true, false]);
});
