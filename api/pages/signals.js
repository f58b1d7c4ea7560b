// What this page tells the server while the exam runs: how each thing stands since when, every two seconds and at once
// when something changes. Nothing is judged here. What the browser does not tell is left out.

import { now, ticking, written } from "/assets/evenly.js";

const EVERY_MS = 2000;
const LATELY_MS = 60000; // what has changed lately is told again in each batch, so that no lost batch matters
const MOST = 200;
const AT_ONCE_MS = 3000; // a display that goes takes a share with it within this time
const SLOW_MS = 2000;

/** Starts to signal. `policy` and `opens_in` say what of the exam can be seen. Returns what else may be told, and `stop`. */
export function signals(call, at, { policy, opens_in }, { camera, screen }) {
  const page = (crypto.randomUUID?.() ?? `p-${Date.now()}-${Math.random()}`.replace(".", "")).toLowerCase();
  const told = new Map(); // signal -> its samples, the last of which holds
  const stopping = new AbortController();
  const on = (target, names, work) => names.forEach((name) => target?.addEventListener(name, work, { signal: stopping.signal }));
  let number = 0;
  let sentAt = 0;
  let sending = false;
  let heardTo = 0; // up to when the server has heard all
  let waitUntil = 0;
  let displaysAt = -Infinity;
  let slow = false;

  function tell(signal, value, since = now()) {
    const samples = told.get(signal) ?? [];
    if (samples.at(-1)?.value === value) return;
    samples.push({ signal, value, at: Math.max(since, samples.at(-1)?.at ?? 0) });
    told.set(signal, samples);
    send();
  }

  /** Forgets what is known and not of late; the last of each signal stays. */
  function lately() {
    const from = Math.min(heardTo || now(), now() - LATELY_MS);
    for (const [signal, samples] of told)
      told.set(signal, samples.filter((sample, n) => sample.at >= from || (samples[n + 1]?.at ?? Infinity) >= from));
    const all = [...told.values()].flat().sort((a, b) => b.at - a.at);
    const last = new Set([...told.values()].map((samples) => samples.at(-1)));
    const rest = all.filter((sample) => !last.has(sample)).slice(0, MOST - last.size);
    return [...last, ...rest].map((sample) => ({ ...sample, at: written(sample.at) }));
  }

  async function send(leaving = false) {
    if ((sending || now() < waitUntil) && !leaving) return;
    sending = true;
    const began = now();
    sentAt = began;
    const samples = lately();
    number += 1;
    try {
      const response = await fetch(call.url(`${at}/signals`), {
        method: "POST",
        keepalive: true,
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${call.token}` },
        body: JSON.stringify({ page, number, sent_at: written(began), skew_ms: call.ahead(), samples }),
        signal: AbortSignal.timeout(8000),
      });
      if (response.ok) heardTo = began;
      else waitUntil = now() + 1000 * Number(response.headers.get("Retry-After") ?? 2);
      slow = now() - began > SLOW_MS;
    } catch {
      slow = true; // cut off, or nearly so; the next try tells what was not heard
    } finally {
      sending = false;
    }
  }

  function look() {
    if (opens_in === "frame") {
      tell("focus", document.hasFocus() && document.visibilityState === "visible" ? "here" : "away");
      const full = document.fullscreenElement || matchMedia("(display-mode: fullscreen)").matches;
      if (policy.full_screen) tell("full_screen", full ? "on" : "off");
    }
    if (typeof window.screen.isExtended === "boolean") tell("displays", window.screen.isExtended ? "several" : "one");
    const line = navigator.connection;
    tell("network", slow || ["slow-2g", "2g"].includes(line?.effectiveType) ? "poor" : "good");
    if (now() - sentAt >= EVERY_MS) send();
  }

  /** A track that ends by a withdrawn permission was stopped by the person; else, in doubt, the device has failed. */
  function device(signal, track) {
    const stand = () => track.readyState === "live" && tell(signal, track.muted ? "muted" : "live");
    on(track, ["mute", "unmute"], stand);
    on(track, ["ended"], async () => {
      const since = now();
      const permission = await navigator.permissions?.query({ name: signal }).catch(() => null);
      tell(signal, permission && permission.state !== "granted" ? "stopped" : "unplugged", since);
    });
    stand();
  }

  /** A share ends because the person stops it, or because its display goes: then the displays change as well. */
  function share(track) {
    on(track, ["ended"], () => {
      const since = now();
      setTimeout(() => tell("screen", Math.abs(displaysAt - since) < AT_ONCE_MS ? "unplugged" : "stopped", since), AT_ONCE_MS / 2);
    });
    tell("screen", track.readyState === "live" ? "live" : "stopped");
  }

  on(document, ["visibilitychange", "fullscreenchange"], look);
  on(window, ["focus", "blur"], () => setTimeout(look)); // only then does the document know whether its frame has the focus
  on(window, ["pagehide"], () => send(true));
  on(navigator.connection, ["change"], look);
  on(window.screen, ["change"], () => {
    displaysAt = now();
    look();
  });
  if (camera) device("camera", camera.getVideoTracks()[0]);
  if (camera?.getAudioTracks().length) device("microphone", camera.getAudioTracks()[0]);
  if (screen) share(screen.getVideoTracks()[0]);
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
