// The system check: what works on this machine, in the words of the person who has to mend it.

import type { Api, Schemas } from "../lib/api";
import { texts } from "../lib/language";
import { clockWords, lightWords } from "./looks";
import type { Session, Clock } from "./steps";

// What a picture that still shows something takes, in kbit/s. Browsers send more where they can.
const NEEDED = { camera: 400, screen: 300, microphone: 40 };
const UPLOAD = 256 * 1024; // bytes
const PATIENCE_MS = 15_000;
const SLOW_MS = 2000;
const LONGEST_FOUND = 200;

const t = texts(
  {
    able: "can send camera and screen", unable: "cannot send video from here; use a current browser over https",
    pixels: (width?: number, height?: number) => `${width} x ${height} pixels`, found: "found",
    whole: "the whole screen is shared", untold: "a screen is shared; this browser does not tell whether it is the whole one", part: "share the whole screen, not a window or a tab",
    several: "a second display is connected", one: "one display",
    unreachable: "the server cannot be reached", answer: (ms: number) => `an answer takes ${ms} ms`,
    sent: (mbit: string) => `${mbit} Mbit/s can be sent`, slow: "what was sent did not arrive in time", needs: (mbit: string) => `; this exam needs ${mbit}`,
    camera: "camera", microphone: "microphone", screen: "screen",
    allow: (what: string) => `allow the ${what} in your browser and try again`, missing: (what: string) => `no ${what} was found`,
    held: (what: string) => `another program holds the ${what}; close it and try again`, broken: (what: string, why: string) => `the ${what} cannot be used (${why})`,
  },
  {
    able: "kann Kamera und Bildschirm senden", unable: "kann von hier kein Video senden; nehmen Sie einen aktuellen Browser über https",
    pixels: (width?: number, height?: number) => `${width} x ${height} Bildpunkte`, found: "gefunden",
    whole: "der ganze Bildschirm wird geteilt", untold: "ein Bildschirm wird geteilt; dieser Browser sagt nicht, ob es der ganze ist", part: "teilen Sie den ganzen Bildschirm, nicht ein Fenster oder einen Tab",
    several: "ein zweiter Bildschirm ist angeschlossen", one: "ein Bildschirm",
    unreachable: "der Server ist nicht erreichbar", answer: (ms: number) => `eine Antwort dauert ${ms} ms`,
    sent: (mbit: string) => `${mbit} Mbit/s können gesendet werden`, slow: "was gesendet wurde, kam nicht rechtzeitig an", needs: (mbit: string) => `; diese Prüfung braucht ${mbit}`,
    camera: "Kamera", microphone: "Mikrofon", screen: "Bildschirm",
    allow: (what: string) => `${what}: im Browser erlauben und noch einmal versuchen`, missing: (what: string) => `${what}: nicht gefunden`,
    held: (what: string) => `${what}: ein anderes Programm benutzt es; schließen Sie es und versuchen Sie es noch einmal`, broken: (what: string, why: string) => `${what}: nicht zu gebrauchen (${why})`,
  },
);

type Check = Schemas["domain.onboarding.Check"];
type CheckName = Check["name"];

/** One line as it is shown. `light` and `clock` are hints for the candidate, which the server is not told. */
export interface Found {
  name: CheckName | "light" | "clock";
  result: "pass" | "warn" | "fail";
  found: string;
}

export interface Checked {
  checks: Check[];
  camera: MediaStream | undefined;
  screen: MediaStream | undefined;
}

interface Place {
  api: Api;
  id: string;
  session: Session;
  clock: Clock;
}

/** Runs what this exam needs, and calls `show` for each line as it is known. The streams are kept open for publishing. */
export async function runChecks({ api, id, session, clock }: Place, show: (line: Found) => void): Promise<Checked> {
  const { tracks, policy } = session;
  const microphone = policy.microphone && !clock.waived.includes("microphone");
  const checks: Check[] = [];
  const note = (name: CheckName, passed: boolean, found: string, else_: Found["result"] = "fail") => {
    checks.push({ name, passed, found: found.slice(0, LONGEST_FOUND) });
    show({ name, result: passed ? "pass" : else_, found });
  };

  const able = "RTCPeerConnection" in window && navigator.mediaDevices?.getDisplayMedia !== undefined;
  note("browser", able, able ? t.able : t.unable);
  const screen = tracks.includes("screen") ? await theScreen(note) : undefined; // first: a browser gives it only soon after a click
  const camera = tracks.includes("camera") ? await theCamera(microphone, note) : undefined;
  if (camera) await light(camera, show);
  const { isExtended } = window.screen as Screen & { isExtended?: boolean };
  if (isExtended !== undefined) note("displays", !isExtended, isExtended ? t.several : t.one, "warn");
  const heard = microphone ? (["microphone"] as const) : [];
  const needed = [...tracks, ...heard].reduce((sum, one) => sum + NEEDED[one], 0);
  note("network", ...(await network(api, id, needed)));
  const [right, said] = clockWords(api.skew());
  show({ name: "clock", result: right ? "pass" : "warn", found: said });
  return { checks, camera, screen };
}

type Note = (name: CheckName, passed: boolean, found: string) => void;

/** With the microphone, if that is asked for; the camera alone where both cannot be had, so that only what is missing fails. */
async function theCamera(microphone: boolean, note: Note): Promise<MediaStream | undefined> {
  let missing: unknown = null;
  const both = microphone ? await open(true).catch((error: unknown) => void (missing = error)) : undefined;
  try {
    const camera = both ?? (await open(false));
    const { width, height } = camera.getVideoTracks()[0]?.getSettings() ?? {};
    note("camera", true, t.pixels(width, height));
    return camera;
  } catch (error) {
    note("camera", false, cameraRefused(error));
    return undefined;
  } finally {
    if (microphone) note("microphone", Boolean(both), both ? t.found : reason(missing, t.microphone));
  }
}

const open = (audio: boolean) => navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 15 }, audio });

export const cameraRefused = (error: unknown): string => reason(error, t.camera);

async function light(camera: MediaStream, show: (line: Found) => void): Promise<void> {
  const said = await lightWords(camera).catch(() => null);
  if (said) show({ name: "light", result: said[0] ? "pass" : "warn", found: said[1] });
}

async function theScreen(note: Note): Promise<MediaStream | undefined> {
  try {
    const screen = await navigator.mediaDevices.getDisplayMedia({ video: { displaySurface: "monitor", frameRate: 5 } });
    const surface = screen.getVideoTracks()[0]?.getSettings().displaySurface;
    const whole = surface === undefined || surface === "monitor";
    note("screen", whole, whole ? (surface ? t.whole : t.untold) : t.part);
    if (whole) return screen;
    screen.getTracks().forEach((track) => track.stop());
  } catch (error) {
    note("screen", false, reason(error, t.screen));
  }
  return undefined;
}

/** How fast the server answers, and how fast we can send: `needed` is in kbit/s. */
async function network(api: Api, session: string, needed: number): Promise<[boolean, string]> {
  const times: number[] = [];
  try {
    for (let n = 0; n < 3; n += 1) {
      const began = performance.now();
      await fetch("/healthz", { cache: "no-store" });
      times.push(performance.now() - began);
    }
  } catch {
    return [false, t.unreachable];
  }
  const middle = Math.round(times.sort((a, b) => a - b)[1] ?? 0);
  const sent = await upload(api, session, middle);
  const enough = sent >= needed;
  const said = `${t.answer(middle)}; ${sent ? t.sent(megabits(sent)) : t.slow}${enough ? "" : t.needs(megabits(needed))}`;
  return [middle < SLOW_MS && enough, said];
}

/** kbit/s of one upload, without the `delay` (ms) of an empty request; 0 if it failed. */
async function upload(api: Api, session: string, delay: number): Promise<number> {
  const body = new Uint8Array(UPLOAD);
  for (let from = 0; from < UPLOAD; from += 65_536) crypto.getRandomValues(body.subarray(from, from + 65_536)); // nothing on the way can press it
  const headers = { "Content-Type": "application/octet-stream", Authorization: `Bearer ${api.token}` };
  const began = performance.now();
  try {
    const answer = await fetch(`/api/v1/sessions/${session}/upload-test`, { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) return 0;
  } catch {
    return 0;
  }
  return (8 * UPLOAD) / Math.max(performance.now() - began - delay, 1);
}

const megabits = (kilobits: number) => (kilobits / 1000).toFixed(kilobits < 10_000 ? 1 : 0);

function reason(error: unknown, what: string): string {
  const name = error instanceof Error ? error.name : String(error);
  if (name === "NotAllowedError") return t.allow(what);
  if (name === "NotFoundError") return t.missing(what);
  if (name === "NotReadableError") return t.held(what);
  return t.broken(what, name);
}
