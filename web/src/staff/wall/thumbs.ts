// Thumbnails in one binary WebSocket: u16 length, session, f64 time, u32 length, JPEG; again and again. Each goes
// straight into the picture of its tile, past everything else, and only those come whose tiles are on the screen.

const UNSEEN_S = 10; // how often pictures come while nobody looks at the page
const AGAIN_MS = 2000;
const SETTLED_MS = 250; // scrolling asks for nothing until it is over

export interface Thumbs {
  /** Fills an `<img>` with what the camera of a session shows; gives a function that ends it. */
  fill(session: string, image: HTMLImageElement): () => void;
  close(): void;
}

/** `may` is whether whoever is signed in gets pictures: a planner sees the list without them. */
export function openThumbs(schedule: string, may: boolean): Thumbs {
  const images = new Map<string, HTMLImageElement>();
  const sessions = new WeakMap<Element, string>();
  const urls = new Map<string, string>();
  const seen = new Set<string>();
  let socket: WebSocket | null = null;
  let closed = false;
  let settles: ReturnType<typeof setTimeout> | undefined;

  const watch = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const session = sessions.get(target);
        if (session === undefined) continue;
        if (isIntersecting) seen.add(session);
        else seen.delete(session);
      }
      clearTimeout(settles);
      settles = setTimeout(want, SETTLED_MS);
    },
    { rootMargin: "100px" },
  );

  function connect(): void {
    const address = new URL(`/api/v1/schedules/${schedule}/wall`, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) for (const [session, jpeg] of pictures(data)) put(session, jpeg);
    };
    socket.onopen = want;
    socket.onclose = () => !closed && setTimeout(connect, AGAIN_MS);
  }

  function want(): void {
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ sessions: [...seen], ...(document.hidden ? { every_s: UNSEEN_S } : {}) }));
  }

  function put(session: string, jpeg: Uint8Array<ArrayBuffer>): void {
    const image = images.get(session);
    if (!image) return;
    const before = urls.get(session);
    const url = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
    urls.set(session, url);
    image.src = url;
    image.hidden = false;
    if (before) URL.revokeObjectURL(before);
  }

  document.addEventListener("visibilitychange", want);
  if (may) connect();
  return {
    fill(session, image) {
      images.set(session, image);
      // The picture itself has no size before it has come: what holds it has.
      const place = image.parentElement ?? image;
      sessions.set(place, session);
      watch.observe(place);
      return () => {
        watch.unobserve(place);
        images.delete(session);
        seen.delete(session);
        URL.revokeObjectURL(urls.get(session) ?? "");
        urls.delete(session);
      };
    },
    close() {
      closed = true;
      clearTimeout(settles);
      document.removeEventListener("visibilitychange", want);
      watch.disconnect();
      socket?.close();
      for (const url of urls.values()) URL.revokeObjectURL(url);
    },
  };
}

const ascii = new TextDecoder();

/** What one message holds: each session with its JPEG. */
export function pictures(buffer: ArrayBuffer): [string, Uint8Array<ArrayBuffer>][] {
  const view = new DataView(buffer);
  const found: [string, Uint8Array<ArrayBuffer>][] = [];
  for (let at = 0; at < buffer.byteLength; ) {
    const length = view.getUint16(at);
    const session = ascii.decode(new Uint8Array(buffer, at + 2, length));
    const size = view.getUint32(at + 2 + length + 8);
    const start = at + 2 + length + 12;
    found.push([session, new Uint8Array(buffer, start, size)]);
    at = start + size;
  }
  return found;
}
