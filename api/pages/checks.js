// The system check: what works on this machine, in the words of the person who has to mend it.

import { make } from "/assets/show.js";

/**
 * Runs the checks that `tracks` need, and of the `microphone` if that is heard. Gives `{ checks, camera, screen }`; the
 * streams are kept for publishing. `show(name, passed, found)` is called for each line as it is known.
 */
export async function runChecks(microphone, tracks, show) {
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
      note("screen", whole, whole ? "the whole screen is shared" : "share the whole screen, not a window or a tab");
      if (!whole) screen.getTracks().forEach((track) => track.stop());
    } catch (error) {
      note("screen", false, reason(error, "screen"));
    }
  }
  if (window.screen.isExtended !== undefined) {
    const several = window.screen.isExtended;
    note("displays", !several, several ? "a second display is connected" : "one display");
  }
  note("network", ...(await network()));
  return { checks, camera, screen };
}

/** What to do about each check that failed, beside it in the table `place`. */
export function advise(place, advice) {
  for (const one of advice) {
    const text = one.needed ? one.do : `${one.do} You can start without it.`;
    document.querySelector(`${place} [data-check="${one.check}"] td:last-child`)?.append(make("p", { class: "quiet" }, text));
  }
}

async function network() {
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
  return [middle < 2000, `an answer takes ${middle} ms`];
}

function reason(error, what) {
  if (error.name === "NotAllowedError") return `allow the ${what} in your browser and try again`;
  if (error.name === "NotFoundError") return `no ${what} was found`;
  if (error.name === "NotReadableError") return `another program holds the ${what}; close it and try again`;
  return `the ${what} cannot be used (${error.name})`;
}
