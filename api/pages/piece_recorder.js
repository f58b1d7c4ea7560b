// Records a stream in pieces: each is a whole WebM file that begins with a key frame, and the next begins before one ends.

import { now, ticking } from "/assets/evenly.js";

const PIECE_MS = 6000;
const TOGETHER_MS = 500; // for so long two record at once: an encoder takes a moment to begin
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
    const run = { recorder, started: now(), ended: 0, parts: [] };
    recorder.ondataavailable = (event) => run.parts.push(event.data);
    run.kept = new Promise((resolve) => (recorder.onstop = resolve)).then(() => finish(run));
    runs.add(run);
    recorder.start();
    return run;
  }

  async function finish(run) {
    const blob = new Blob(run.parts, { type: "video/webm" });
    if (current === run) current = null; // it has ended by itself, as its camera has
    if (blob.size) await keep({ started: run.started, ended: run.ended || now() }, blob);
    runs.delete(run);
  }

  function end(run) {
    if (run?.recorder.state !== "recording") return;
    run.ended ||= now();
    run.recorder.stop();
  }

  function tick() {
    const video = media.getVideoTracks()[0];
    if (stopped || video?.readyState !== "live") return;
    if (!current) current = begin();
    else if (now() - current.started >= PIECE_MS) {
      end(before);
      before = current;
      current = begin();
      before.ended = current.started; // what both hold is taken from the new one, which begins there with a key frame
    } else if (before && now() - current.started >= TOGETHER_MS) {
      end(before);
      before = null;
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
