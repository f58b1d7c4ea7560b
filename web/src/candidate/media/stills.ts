// While video cannot hold, a still picture now and then in its place, over plain HTTP.

import type { Api } from "../../lib/api";
import { evenly } from "../../lib/clock";
import { ticking, written } from "./ticking";
import type { Track } from "./track";

const EVERY_MS = 10_000;
const LOOK_MS = 1000;
const SETTLES_MS = 3000; // so long a new connection takes to send pictures
const FEWEST = 10; // pictures of a camera that are sent in EVERY_MS; a screen that does not change sends none
const WIDEST = { camera: 640, screen: 1280 };
const MOST_BYTES = 60_000; // the last quality is taken whatever comes of it
const QUALITIES = [0.6, 0.4, 0.25];

export interface Stills {
  /** To be told of the connection. */
  stands(live: boolean): void;
  stop(): void;
}

/** Watches a video. `sent` gives how many pictures its connection has sent so far; `pictures` hears whether stills are what arrives. */
export function stills(
  api: Api, session: string, track: Track, video: MediaStreamTrack, sent: () => Promise<number>, pictures: (on: boolean) => void,
): Stills {
  const counts: { at: number; more: number }[] = []; // pictures sent since the count before
  let before = 0;
  let connection = { live: false, since: evenly() };
  let standsIn = false;
  let lookAt = 0;
  let nextAt = 0;
  let busy = false;

  async function tick(): Promise<void> {
    if (busy || evenly() < lookAt || video.readyState !== "live") return;
    busy = true;
    lookAt = evenly() + LOOK_MS;
    if (track === "camera") await count();
    const settles = connection.live && evenly() - connection.since < SETTLES_MS;
    if (holds()) tell(false);
    else if (evenly() >= nextAt && !video.muted && (standsIn || !settles)) {
      nextAt = evenly() + EVERY_MS;
      tell(await take().catch(() => false));
    }
    busy = false;
  }

  function tell(on: boolean): void {
    standsIn = on;
    pictures(on);
  }

  async function count(): Promise<void> {
    const all = await sent().catch(() => 0);
    counts.push({ at: evenly(), more: all < before ? all : all - before }); // another connection counts from 0
    before = all;
    while (counts[1] && counts[1].at < evenly() - EVERY_MS) counts.shift();
  }

  function holds(): boolean {
    if (!connection.live && evenly() - connection.since >= EVERY_MS) return false;
    const [first, ...later] = counts;
    if (!first || evenly() - first.at < EVERY_MS - LOOK_MS) return true; // a screen is not counted
    return later.reduce((sum, { more }) => sum + more, 0) >= FEWEST;
  }

  /** Whether a picture has arrived. */
  async function take(): Promise<boolean> {
    const taken = evenly();
    const body = await jpeg(video, WIDEST[track]);
    const when = new URLSearchParams({ taken_at: written(taken), skew_ms: String(api.ahead()) });
    const headers = { "Content-Type": "image/jpeg", Authorization: `Bearer ${api.token}` };
    const signal = AbortSignal.timeout(EVERY_MS);
    return (await fetch(`/api/v1/sessions/${session}/stills/${track}?${when}`, { method: "POST", headers, body, signal })).ok;
  }

  function stands(live: boolean): void {
    if (live !== connection.live) connection = { live, since: evenly() };
  }

  return { stands, stop: ticking(() => void tick()) };
}

async function jpeg(video: MediaStreamTrack, widest: number): Promise<Blob | undefined> {
  const picture = await grabbed(video);
  const width = Math.min(widest, picture.width);
  const canvas = new OffscreenCanvas(width, Math.round((picture.height * width) / picture.width));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  let body: Blob | undefined;
  for (const quality of QUALITIES) {
    body = await canvas.convertToBlob({ type: "image/jpeg", quality });
    if (body.size <= MOST_BYTES) break;
  }
  return body;
}

/** The compiler does not know how a picture is grabbed. */
type Camera = ImageCapture & { grabFrame(): Promise<ImageBitmap> };

/** What is seen now: off the track where the browser can, which goes on in a page that is not in front. */
async function grabbed(video: MediaStreamTrack): Promise<ImageBitmap> {
  if ("ImageCapture" in window) {
    const frame = (new ImageCapture(video) as Camera).grabFrame();
    const patience = new Promise<null>((resolve) => setTimeout(resolve, 2000, null)); // a screen that does not change gives none
    const picture = await Promise.race([frame, patience]).catch(() => null);
    if (picture) return picture;
  }
  const element = document.createElement("video");
  element.muted = true;
  element.srcObject = new MediaStream([video]);
  await element.play();
  const picture = await createImageBitmap(element);
  element.srcObject = null;
  return picture;
}
