// While video cannot hold, a still picture now and then in its place, over plain HTTP.

import { now, ticking, written } from "/assets/evenly.js";

const EVERY_MS = 10_000;
const LOOK_MS = 1000;
const SETTLES_MS = 3000; // so long a new connection takes to send pictures
const FEWEST = 10; // pictures of a camera that are sent in EVERY_MS; a screen that does not change sends none
const WIDEST = { camera: 640, screen: 1280 };
const MOST_BYTES = 60_000; // the last quality is taken whatever comes of it
const QUALITIES = [0.6, 0.4, 0.25];

/**
 * Watches one track. `sent()` gives how many pictures its connection has sent so far, or undefined. `pictures(on)` tells
 * whether stills are what arrives. Returns `stands(live)`, to be told of the connection, and `stop`.
 */
export function stills(call, at, track, media, { sent, pictures }) {
  const [video] = media.getVideoTracks();
  const counts = []; // [when, pictures sent since the one before]
  let before = 0;
  let stands = { live: false, since: now() };
  let standsIn = false;
  let lookAt = 0;
  let nextAt = 0;
  let busy = false;

  async function tick() {
    if (busy || now() < lookAt || video.readyState !== "live") return;
    busy = true;
    lookAt = now() + LOOK_MS;
    if (track === "camera") await count();
    const settles = stands.live && now() - stands.since < SETTLES_MS;
    if (holds()) tell(false);
    else if (now() >= nextAt && !video.muted && (standsIn || !settles)) {
      nextAt = now() + EVERY_MS;
      tell(await take().catch(() => false));
    }
    busy = false;
  }

  function tell(on) {
    standsIn = on;
    pictures(on);
  }

  async function count() {
    const all = (await sent().catch(() => undefined)) ?? 0;
    counts.push([now(), all < before ? all : all - before]); // another connection counts from 0
    before = all;
    while (counts.length > 1 && counts[1][0] < now() - EVERY_MS) counts.shift();
  }

  function holds() {
    if (!stands.live && now() - stands.since >= EVERY_MS) return false;
    if (track !== "camera" || now() - counts[0][0] < EVERY_MS - LOOK_MS) return true;
    return counts.slice(1).reduce((sum, [, more]) => sum + more, 0) >= FEWEST;
  }

  /** Whether a picture has arrived. */
  async function take() {
    const taken = now();
    const body = await jpeg(video, WIDEST[track]);
    const when = new URLSearchParams({ taken_at: written(taken), skew_ms: call.ahead() });
    const headers = { "Content-Type": "image/jpeg", Authorization: `Bearer ${call.token}` };
    const signal = AbortSignal.timeout(EVERY_MS);
    return (await fetch(call.url(`${at}/stills/${track}?${when}`), { method: "POST", headers, body, signal })).ok;
  }

  const stop = ticking(tick);
  return { stop, stands: (live) => live !== stands.live && (stands = { live, since: now() }) };
}

async function jpeg(video, widest) {
  const picture = await grabbed(video);
  const width = Math.min(widest, picture.width);
  const canvas = new OffscreenCanvas(width, Math.round((picture.height * width) / picture.width));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  let body;
  for (const quality of QUALITIES) {
    body = await canvas.convertToBlob({ type: "image/jpeg", quality });
    if (body.size <= MOST_BYTES) break;
  }
  return body;
}

/** What is seen now: off the track where the browser can, which goes on in a page that is not in front. */
async function grabbed(video) {
  if ("ImageCapture" in window) {
    const frame = new ImageCapture(video).grabFrame();
    const patience = new Promise((resolve) => setTimeout(resolve, 2000)); // a screen that does not change gives none
    const picture = await Promise.race([frame, patience]).catch(() => null);
    if (picture) return picture;
  }
  const element = Object.assign(document.createElement("video"), { muted: true, srcObject: new MediaStream([video]) });
  await element.play();
  const picture = await createImageBitmap(element);
  element.srcObject = null;
  return picture;
}
