// Server-sent events over fetch, so that a bearer token can be sent; resumes by the last id and tells when it is late.

const LATE_MS = 12_000; // the server says something at least every five seconds

/**
 * Follows a stream until `stop` is called. `on(name, data, id)` gets each event; `state("live" | "late" | "ended")`
 * tells how the stream is doing. `from` is the position to go on from.
 */
export function follow(call, path, { on, state, from = "" }) {
  let last = from;
  let stopped = false;
  let abort = null;
  let heardAt = 0;
  let told = "";

  const tell = (now) => {
    if (now !== told) state((told = now));
  };
  const watch = setInterval(() => {
    if (performance.now() - heardAt > LATE_MS) {
      tell("late");
      abort?.abort();
    }
  }, 1000);

  async function once() {
    abort = new AbortController();
    const headers = { Accept: "text/event-stream" };
    if (call.token) headers.Authorization = `Bearer ${call.token}`;
    if (last) headers["Last-Event-ID"] = last;
    heardAt = performance.now();
    const response = await fetch(call.url(path), { headers, signal: abort.signal, cache: "no-store" });
    if (!response.ok) throw Object.assign(new Error(), { status: response.status });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heardAt = performance.now();
      tell("live");
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      parts.forEach(handle);
    }
  }

  function handle(text) {
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

  (async () => {
    while (!stopped) {
      try {
        await once();
      } catch (error) {
        if ([401, 403, 404].includes(error.status)) {
          tell("ended");
          break;
        }
      }
      if (stopped) break;
      tell("late");
      await new Promise((resolve) => setTimeout(resolve, 700 + Math.random() * 600));
    }
    clearInterval(watch);
  })();

  return () => {
    stopped = true;
    clearInterval(watch);
    abort?.abort();
  };
}
