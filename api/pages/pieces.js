// Where pieces of the local copy lie: in IndexedDB, so that they outlast the page; in memory where a browser has none.

const KEPT_MS = 24 * 3600_000; // then nobody takes them any more; what an exam that was left behind held goes by itself

/** `list` gives a session's pieces without their media, `add` returns the piece's id. An error is the database's own. */
export function pieces(session) {
  const opened = open().catch(() => null);

  async function list() {
    const base = await opened;
    if (!base) return [];
    const found = [];
    await over(base, (piece, cursor) => {
      if (piece.ended < Date.now() - KEPT_MS) cursor.delete();
      else if (piece.session === session) found.push({ ...piece, blob: null, id: cursor.primaryKey });
    });
    return found.sort((a, b) => a.started - b.started);
  }

  async function add(piece) {
    const base = await opened;
    if (!base) return memory.push(piece.blob) - 1;
    const { request } = await change(base, (store) => store.add({ ...piece, session }));
    return request.result;
  }

  async function read(id) {
    const base = await opened;
    if (!base) return memory[id];
    const { request } = await change(base, (store) => store.get(id), "readonly");
    return request.result?.blob;
  }

  async function remove(ids) {
    const base = await opened;
    if (!base) return ids.forEach((id) => delete memory[id]);
    await change(base, (store) => ids.forEach((id) => store.delete(id)));
  }

  return { list, add, read, remove };
}

const memory = [];

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("vigil-local-copy", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("pieces", { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** One transaction. It is done when what was changed is there. */
function change(base, work, mode = "readwrite") {
  return new Promise((resolve, reject) => {
    const transaction = base.transaction("pieces", mode);
    const request = work(transaction.objectStore("pieces"));
    transaction.oncomplete = () => resolve({ request });
    transaction.onabort = () => reject(transaction.error ?? request?.error);
  });
}

function over(base, look) {
  return change(base, (store) => {
    const request = store.openCursor();
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return;
      look(cursor.value, cursor);
      cursor.continue();
    };
  });
}
