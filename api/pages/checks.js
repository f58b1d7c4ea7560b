// The system check: what works on this machine, in the words of the person who has to mend it.

import { make } from "/assets/show.js";

// What a picture that still shows something takes, in kbit/s. Browsers send more where they can.
const NEEDED = { camera: 400, screen: 300, microphone: 40 };
const UPLOAD = 256 * 1024; // bytes
const PATIENCE = 15_000; // ms
const SURFACES = {
  monitor: "the whole screen is shared",
  undefined: "a screen is shared; this browser does not tell whether it is the whole one",
};

/**
 * Runs the checks that `tracks` need, and of the `microphone` if that is heard. Gives `{ checks, camera, screen }`; the
 * streams are kept for publishing. `show(name, passed, found)` is called for each line as it is known.
 */
export async function runChecks({ call, at }, microphone, tracks, show) {
  const checks = [];
  let camera = null;
  let screen = null;
  const note = (name, passed, found) => {
    checks.push({ name, passed, found: found.slice(0, 200) });
    show(name, passed, found);
  };

  const able = "RTCPeerConnection" in window && navigator.mediaDevices?.getDisplayMedia !== undefined;
  note("browser", able, able ? "can send camera and screen" : "cannot send video from here; use a current browser over https");

  if (tracks.includes("camera")) {
    try {
      camera = await navigator.mediaDevices.getUserMedia({
        video: { width: 640, height: 480, frameRate: 15 },
        audio: microphone,
      });
      const { width, height } = camera.getVideoTracks()[0].getSettings();
      note("camera", true, `${width} x ${height} pixels`);
      if (microphone) note("microphone", camera.getAudioTracks().length > 0, "found");
    } catch (error) {
      note("camera", false, reason(error, "camera"));
      if (microphone) note("microphone", false, reason(error, "microphone"));
    }
  }
  if (tracks.includes("screen")) {
    try {
      screen = await navigator.mediaDevices.getDisplayMedia({ video: { displaySurface: "monitor", frameRate: 5 } });
      const surface = screen.getVideoTracks()[0].getSettings().displaySurface;
      const whole = surface === undefined || surface === "monitor";
      note("screen", whole, SURFACES[surface] ?? "share the whole screen, not a window or a tab");
      if (!whole) screen.getTracks().forEach((track) => track.stop());
    } catch (error) {
      note("screen", false, reason(error, "screen"));
    }
  }
  if (window.screen.isExtended !== undefined) {
    const several = window.screen.isExtended;
    note("displays", !several, several ? "a second display is connected" : "one display");
  }
  const needed = [...tracks, ...(microphone ? ["microphone"] : [])].reduce((sum, one) => sum + NEEDED[one], 0);
  note("network", ...(await network(call, at, needed)));
  return { checks, camera, screen };
}

/** What to do about each check that failed, beside it in the table `place`. */
export function advise(place, advice) {
  for (const one of advice) {
    const text = one.needed ? one.do : `${one.do} You can start without it.`;
    document.querySelector(`${place} [data-check="${one.check}"] td:last-child`)?.append(make("p", { class: "quiet" }, text));
  }
}

/** How fast the server answers, and how fast we can send: `needed` is in kbit/s. */
async function network(call, at, needed) {
  const times = [];
  try {
    for (let n = 0; n < 3; n += 1) {
      const began = performance.now();
      await fetch("/healthz", { cache: "no-store" });
      times.push(performance.now() - began);
    }
  } catch {
    return [false, "the server cannot be reached"];
  }
  const middle = Math.round(times.sort((a, b) => a - b)[1]);
  const sent = await upload(call, at, middle);
  const found = sent ? `${megabits(sent)} Mbit/s can be sent` : "what was sent did not arrive in time";
  const enough = sent >= needed ? "" : `; this exam needs ${megabits(needed)}`;
  return [middle < 2000 && !enough, `an answer takes ${middle} ms; ${found}${enough}`];
}

/** kbit/s of one upload, without the `delay` (ms) of an empty request; 0 if it failed. */
async function upload(call, at, delay) {
  const body = new Uint8Array(UPLOAD);
  for (let from = 0; from < UPLOAD; from += 65_536) crypto.getRandomValues(body.subarray(from, from + 65_536)); // nothing on the way can press it
  const headers = { "Content-Type": "application/octet-stream", Authorization: `Bearer ${call.token}` };
  const began = performance.now();
  try {
    const answer = await fetch(call.url(`${at}/upload-test`), { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) return 0;
  } catch {
    return 0;
  }
  return (8 * UPLOAD) / Math.max(performance.now() - began - delay, 1);
}

const megabits = (kilobits) => (kilobits / 1000).toFixed(kilobits < 10_000 ? 1 : 0);

function reason(error, what) {
  if (error.name === "NotAllowedError") return `allow the ${what} in your browser and try again`;
  if (error.name === "NotFoundError") return `no ${what} was found`;
  if (error.name === "NotReadableError") return `another program holds the ${what}; close it and try again`;
  return `the ${what} cannot be used (${error.name})`;
}
