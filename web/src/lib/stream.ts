// Server-sent events over fetch, so that a bearer token can be sent; resumes by the last id and tells when it is late.

import type { Api } from "./api";

const LATE_MS = 12_000; // the server says something at least every five seconds

export type Standing = "live" | "late" | "ended";

export interface Follower {
  /** Each event: its name, its data, and its id, from which a later stream can go on. */
  on(name: string, data: unknown, id: string): void;
  /** How the stream is doing. `ended`: the caller may not read it any more. */
  state(now: Standing): void;
  /** The id to go on from. */
  from?: string;
}

/** Follows the stream at a path such as `/api/v1/schedules/ID/live/stream`; gives a function that stops it. */
export function follow(api: Api, path: string, { on, state, from = "" }: Follower): () => void {
  let last = from;
  let stopped = false;
  let abort: AbortController | null = null;
  let heardAt = 0;
  let told: Standing | "" = "";

  const tell = (now: Standing) => {
    if (now !== told) state((told = now));
  };
  const watch = setInterval(() => {
    if (performance.now() - heardAt > LATE_MS) {
      tell("late");
      abort?.abort();
    }
  }, 1000);

  // A browser that knows that its network is gone says so: nobody has to wait for the silence.
  const cut = () => {
    tell("late");
    abort?.abort();
  };
  addEventListener("offline", cut);

  /** Reads until the answer ends. Gives the status of one that was refused. */
  async function once(): Promise<number> {
    abort = new AbortController();
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (api.token) headers.Authorization = `Bearer ${api.token}`;
    if (last) headers["Last-Event-ID"] = last;
    heardAt = performance.now();
    const response = await fetch(path, { headers, signal: abort.signal, cache: "no-store" });
    if (!response.ok || !response.body) return response.status;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return 200;
      heardAt = performance.now();
      tell("live");
      const parts = (rest + value).split("\n\n");
      rest = parts.pop() ?? "";
      parts.forEach(handle);
    }
  }

  function handle(text: string): void {
    let name = "message";
    let data = "";
    for (const line of text.split("\n")) {
      const colon = line.indexOf(": ");
      const field = line.slice(0, colon);
      const value = line.slice(colon + 2);
      if (field === "id") last = value;
      else if (field === "event") name = value;
      else if (field === "data") data += value;
    }
    if (data) on(name, JSON.parse(data), last);
  }

  void (async () => {
    while (!stopped) {
      const status = await once().catch(() => 0);
      if (stopped) break;
      if ([401, 403, 404].includes(status)) {
        tell("ended");
        break;
      }
      tell("late");
      await new Promise((resolve) => setTimeout(resolve, 700 + Math.random() * 600));
    }
    clearInterval(watch);
    removeEventListener("offline", cut);
  })();

  return () => {
    stopped = true;
    clearInterval(watch);
    abort?.abort();
  };
}
