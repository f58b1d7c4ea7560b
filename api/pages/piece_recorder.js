// Records a stream in pieces: each is a whole WebM file that begins with a key frame, and the next begins before one ends.

import { now, ticking } from "/assets/evenly.js";
import { firstPicture } from "/assets/first_picture.js";

const PIECE_MS = 6000;
const TOGETHER_MS = 500; // for so long at least two record at once: an encoder takes a moment to begin
const NO_LONGER_MS = 10_000;
const SLICE_MS = 250; // how often a recorder gives what it has, which shows whether it has begun
const VIDEO_BPS = { camera: 300_000, screen: 250_000 };
const AUDIO_BPS = 32_000;

/** Whether this browser can. */
export const records = (media) => "MediaRecorder" in window && MediaRecorder.isTypeSupported(type(media));

const type = (media) => `video/webm;codecs=vp8${media.getAudioTracks().length ? ",opus" : ""}`;

/**
 * Begins. `keep({ started, ended }, blob)` takes each piece, with its times by this device's even clock in ms. What is
 * returned stops it; it is done when the last piece has been taken.
 */
export function recordPieces(track, media, keep) {
  const runs = new Set(); // those that record, or whose piece is being kept
  let current = null;
  let before = null;
  let stopped = false;

  function begin() {
    const recorder = new MediaRecorder(media, {
      mimeType: type(media),
      videoBitsPerSecond: VIDEO_BPS[track],
      audioBitsPerSecond: AUDIO_BPS,
      videoKeyFrameIntervalDuration: 1000, // so that the server can cut it to what is missing
    });
    const run = { recorder, started: now(), ended: 0, parts: [], pictureMs: null };
    recorder.ondataavailable = ({ data }) => run.parts.push(data);
    run.kept = new Promise((resolve) => (recorder.onstop = resolve)).then(() => finish(run));
    runs.add(run);
    recorder.start(SLICE_MS);
    return run;
  }

  /** Looks for its first picture, until there is one. */
  async function look(run) {
    run.pictureMs ??= firstPicture(new Uint8Array(await new Blob(run.parts).arrayBuffer()));
    return run.pictureMs !== null;
  }

  async function finish(run) {
    if (current === run) current = null; // it has ended by itself, as its camera has
    const times = { started: run.started, ended: run.ended || now() };
    if (await look(run)) await keep(times, new Blob(run.parts, { type: "video/webm" }));
    runs.delete(run);
  }

  function end(run) {
    if (run?.recorder.state !== "recording") return;
    run.ended ||= now();
    run.recorder.stop();
  }

  async function tick() {
    const video = media.getVideoTracks()[0];
    if (stopped || video?.readyState !== "live") return;
    current ??= begin();
    const lasts = now() - current.started;
    if (!before && lasts >= PIECE_MS) {
      before = current;
      current = begin();
    } else if (before && lasts >= TOGETHER_MS) {
      const [old, fresh] = [before, current];
      if (!(await look(fresh)) && lasts < NO_LONGER_MS) return;
      if (fresh.pictureMs !== null) old.ended ||= fresh.started + fresh.pictureMs; // what both hold is taken from the new one
      end(old);
      if (before === old) before = null;
    }
  }

  const still = ticking(tick);
  tick();

  return async function stop() {
    if (!stopped) still();
    stopped = true;
    end(before);
    end(current);
    await Promise.all([...runs].map((run) => run.kept));
  };
}
