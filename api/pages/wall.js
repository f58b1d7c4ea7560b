// Thumbnails of all candidates in one binary WebSocket: u16 length, session, f64 time, u32 length, JPEG; again and again.

const UNSEEN_S = 10; // how often pictures come while nobody looks at the page

/** `show(session, url)` gets each picture. Reconnects by itself; gives a function that closes it. */
export function openWall(schedule, show) {
  const urls = new Map();
  let socket = null;
  let closed = false;

  function connect() {
    const address = new URL(`/api/v1/schedules/${schedule}/wall`, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => typeof event.data !== "string" && pictures(event.data).forEach(([session, jpeg]) => put(session, jpeg));
    socket.onopen = want;
    socket.onclose = () => !closed && setTimeout(connect, 2000);
  }

  function want() {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(document.hidden ? { every_s: UNSEEN_S } : {}));
  }

  function put(session, jpeg) {
    const url = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
    show(session, url);
    if (urls.has(session)) URL.revokeObjectURL(urls.get(session));
    urls.set(session, url);
  }

  document.addEventListener("visibilitychange", want);
  connect();
  return () => {
    closed = true;
    document.removeEventListener("visibilitychange", want);
    socket?.close();
    for (const url of urls.values()) URL.revokeObjectURL(url);
  };
}

function pictures(buffer) {
  const view = new DataView(buffer);
  const found = [];
  for (let at = 0; at < buffer.byteLength; ) {
    const length = view.getUint16(at);
    const session = new TextDecoder().decode(new Uint8Array(buffer, at + 2, length));
    const size = view.getUint32(at + 2 + length + 8);
    const start = at + 2 + length + 12;
    found.push([session, buffer.slice(start, start + size)]);
    at = start + size;
  }
  return found;
}
