// How far the invigilators' messages came: delivered with the page, read once the chat is in view.

import type { Schemas } from "../lib/api";

export type Message = Schemas["Message"];

/** `shown()` says whether the page shows the chat; `tell(message, stage)` tells the server. */
export function reading(shown: () => boolean, tell: (message: string, stage: "delivered" | "read") => void) {
  const unread = new Set<string>();
  const inView = () => shown() && document.visibilityState === "visible";

  function read(): void {
    if (!inView()) return;
    for (const message of unread) tell(message, "read");
    unread.clear();
  }

  function came(one: Message): void {
    if (one.side !== "invigilator" || one.read) return;
    unread.add(one.message);
    if (!inView() && !one.delivered) tell(one.message, "delivered");
    read();
  }

  document.addEventListener("visibilitychange", read);
  return { came, read };
}
