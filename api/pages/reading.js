// How far the invigilators' messages came: delivered with the page, read once the chat is in view.

/** `shown()` says whether the page shows the chat; `tell(message, stage)` tells the server. */
export function reading(shown, tell) {
  const unread = new Set();
  const inView = () => shown() && document.visibilityState === "visible";

  function read() {
    if (!inView()) return;
    for (const message of unread) tell(message, "read");
    unread.clear();
  }

  function came(data) {
    if (data.side !== "invigilator" || data.read) return;
    unread.add(data.message);
    if (!inView() && !data.delivered) tell(data.message, "delivered");
    read();
  }

  document.addEventListener("visibilitychange", read);
  return { came, read };
}
