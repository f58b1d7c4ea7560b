// Where pieces of the local copy lie: in IndexedDB, so that they outlast the page; in memory where a browser has none.

import type { Times } from "./pieceRecorder";
import type { Stretch } from "./stretches";
import type { Track } from "./track";

const KEPT_MS = 24 * 3600_000; // then nobody takes them any more; what an exam that was left behind held goes by itself

/** `started` and `ended` are by this device's clock, `from` and `to` by the server's. */
export interface Piece extends Times, Stretch {
  track: Track;
  /** This device's clock minus the server's, in ms. */
  skew: number;
  bytes: number;
  /** The connection stood all the while. */
  live: boolean;
  /** Gaps of which the server has taken what this piece has. */
  answered?: Stretch[];
}

/** One that is kept. */
export interface Held extends Piece {
  id: number;
}

/** An error is the database's own. */
export interface Pieces {
  /** Without their media, in order of their start. */
  list(): Promise<Held[]>;
  /** Gives its id. */
  add(piece: Piece, blob: Blob): Promise<number>;
  read(id: number): Promise<Blob | undefined>;
  remove(ids: number[]): Promise<void>;
}

type Stored = Piece & { session: string; blob: Blob };

const memory: Blob[] = [];

/** The pieces of one session. */
export function pieces(session: string): Pieces {
  const opened = open().catch(() => null);

  async function list(): Promise<Held[]> {
    const base = await opened;
    if (!base) return [];
    const found: Held[] = [];
    await over(base, (stored, cursor) => {
      const { session: whose, blob: _, ...piece } = stored;
      if (piece.ended < Date.now() - KEPT_MS) cursor.delete();
      else if (whose === session) found.push({ ...piece, id: cursor.primaryKey as number });
    });
    return found.sort((a, b) => a.started - b.started);
  }

  async function add(piece: Piece, blob: Blob): Promise<number> {
    const base = await opened;
    if (!base) return memory.push(blob) - 1;
    const stored: Stored = { ...piece, session, blob };
    return (await change(base, (store) => store.add(stored))).result as number;
  }

  async function read(id: number): Promise<Blob | undefined> {
    const base = await opened;
    if (!base) return memory[id];
    const request: IDBRequest<Stored | undefined> = await change(base, (store) => store.get(id), "readonly");
    return request.result?.blob;
  }

  async function remove(ids: number[]): Promise<void> {
    const base = await opened;
    if (!base) return ids.forEach((id) => delete memory[id]);
    await change(base, (store) => ids.forEach((id) => store.delete(id)));
  }

  return { list, add, read, remove };
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("vigil-local-copy", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("pieces", { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** One transaction, and what `work` has given. It is done when what was changed is there. */
function change<Given>(base: IDBDatabase, work: (store: IDBObjectStore) => Given, mode: IDBTransactionMode = "readwrite"): Promise<Given> {
  return new Promise((resolve, reject) => {
    const transaction = base.transaction("pieces", mode);
    const given = work(transaction.objectStore("pieces"));
    transaction.oncomplete = () => resolve(given);
    transaction.onabort = () => reject(transaction.error);
  });
}

function over(base: IDBDatabase, look: (stored: Stored, cursor: IDBCursorWithValue) => void): Promise<void> {
  return change(base, (store) => {
    const request = store.openCursor();
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return;
      look(cursor.value as Stored, cursor);
      cursor.continue();
    };
  });
}
