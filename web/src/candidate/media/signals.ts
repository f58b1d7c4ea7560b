// What this page tells the server while the exam runs: how each thing stands since when, every two seconds and at once
// when something changes. Nothing is judged here. What the browser does not tell is left out.

import type { Api, Schemas } from "../../lib/api";
import { evenly } from "../../lib/clock";
import { batch, since, type Seen } from "./lately";
import { ticking, written } from "./ticking";

const EVERY_MS = 2000;
const LATELY_MS = 60_000; // what has changed lately is told again in each batch, so that no lost batch matters
const AT_ONCE_MS = 3000; // a display that goes takes a share with it within this time
const SLOW_MS = 2000;

type Signal = Seen["signal"];
type Value = Seen["value"];

/** What of the exam can be seen. */
export interface What {
  policy: { full_screen: boolean };
  opens_in: string | null;
}

/** What else may be told. */
export interface Signals {
  clipboard(value: "watched" | "pasted"): void;
  localCopy(value: "kept" | "full"): void;
  stop(): void;
}

/** What only some browsers tell, and the compiler does not know. */
type Line = EventTarget & { effectiveType?: string };
type Display = Partial<EventTarget> & { isExtended?: boolean };

/** Starts to signal. */
export function signals(api: Api, session: string, { policy, opens_in }: What, { camera, screen }: { camera?: MediaStream; screen?: MediaStream }): Signals {
  const page = crypto.randomUUID();
  const told = new Map<Signal, Seen[]>(); // the last of each signal holds
  const stopping = new AbortController();
  const { connection: line } = navigator as { connection?: Line };
  const display = window.screen as Display;
  let number = 0;
  let sentAt = 0;
  let sending = false;
  let heardTo = 0; // up to when the server has heard all
  let waitUntil = 0;
  let displaysAt = -Infinity;
  let slow = false;

  function on(target: Partial<EventTarget> | undefined, names: string[], work: () => void): void {
    for (const name of names) target?.addEventListener?.(name, work, { signal: stopping.signal });
  }

  function tell(signal: Signal, value: Value, from = evenly()): void {
    const samples = told.get(signal) ?? [];
    const last = samples.at(-1);
    if (last?.value === value) return;
    told.set(signal, [...samples, { signal, value, at: Math.max(from, last?.at ?? 0) }]);
    void send();
  }

  /** Forgets what is known and not of late, and gives the rest. */
  function lately(): Schemas["Sample"][] {
    const from = Math.min(heardTo || evenly(), evenly() - LATELY_MS);
    for (const [signal, samples] of told) told.set(signal, since(samples, from));
    return batch([...told.values()]).map((seen) => ({ ...seen, at: written(seen.at) }));
  }

  async function send(leaving = false): Promise<void> {
    if ((sending || evenly() < waitUntil) && !leaving) return;
    sending = true;
    const began = evenly();
    sentAt = began;
    number += 1;
    const said: Schemas["Batch"] = { page, number, sent_at: written(began), skew_ms: api.ahead(), samples: lately() };
    try {
      const response = await fetch(`/api/v1/sessions/${session}/signals`, {
        method: "POST",
        keepalive: true,
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${api.token}` },
        body: JSON.stringify(said),
        signal: AbortSignal.timeout(8000),
      });
      if (response.ok) heardTo = began;
      else waitUntil = evenly() + 1000 * Number(response.headers.get("Retry-After") ?? 2);
      slow = evenly() - began > SLOW_MS;
    } catch {
      slow = true; // cut off, or nearly so; the next try tells what was not heard
    } finally {
      sending = false;
    }
  }

  function look(): void {
    if (opens_in === "frame") {
      tell("focus", document.hasFocus() && document.visibilityState === "visible" ? "here" : "away");
      const full = document.fullscreenElement || matchMedia("(display-mode: fullscreen)").matches;
      if (policy.full_screen) tell("full_screen", full ? "on" : "off");
    }
    if (display.isExtended !== undefined) tell("displays", display.isExtended ? "several" : "one");
    tell("network", slow || ["slow-2g", "2g"].includes(line?.effectiveType ?? "") ? "poor" : "good");
    if (evenly() - sentAt >= EVERY_MS) void send();
  }

  /** A track that ends by a withdrawn permission was stopped by the person; else, in doubt, the device has failed. */
  function device(signal: "camera" | "microphone", track: MediaStreamTrack): void {
    const stand = () => track.readyState === "live" && tell(signal, track.muted ? "muted" : "live");
    on(track, ["mute", "unmute"], stand);
    on(track, ["ended"], async () => {
      const ended = evenly();
      const permission = await navigator.permissions?.query({ name: signal }).catch(() => null);
      tell(signal, permission && permission.state !== "granted" ? "stopped" : "unplugged", ended);
    });
    stand();
  }

  /** A share ends because the person stops it, or because its display goes: then the displays change as well. */
  function share(track: MediaStreamTrack): void {
    on(track, ["ended"], () => {
      const ended = evenly();
      setTimeout(() => tell("screen", Math.abs(displaysAt - ended) < AT_ONCE_MS ? "unplugged" : "stopped", ended), AT_ONCE_MS / 2);
    });
    tell("screen", track.readyState === "live" ? "live" : "stopped");
  }

  on(document, ["visibilitychange", "fullscreenchange"], look);
  on(window, ["focus", "blur"], () => setTimeout(look)); // only then does the document know whether its frame has the focus
  on(window, ["pagehide"], () => void send(true));
  on(line, ["change"], look);
  on(display, ["change"], () => {
    displaysAt = evenly();
    look();
  });
  const [video, audio] = [camera?.getVideoTracks()[0], camera?.getAudioTracks()[0]];
  if (video) device("camera", video);
  if (audio) device("microphone", audio);
  const shared = screen?.getVideoTracks()[0];
  if (shared) share(shared);
  const still = ticking(look);
  look();

  return {
    clipboard: (value) => tell("clipboard", value),
    localCopy: (value) => tell("local_copy", value),
    stop: () => {
      stopping.abort();
      still();
    },
  };
}
