// Records a stream in pieces: each is a whole WebM file that begins with a key frame, and the next begins before one ends.

import { evenly } from "../../lib/clock";
import { firstPicture } from "./firstPicture";
import { LIMITS } from "./limits";
import { ticking } from "./ticking";
import type { Track } from "./track";

const TOGETHER_MS = 500; // for so long at least two record at once: an encoder takes a moment to begin
const NO_LONGER_MS = 10_000;
const SLICE_MS = 250; // how often a recorder gives what it has, which shows whether it has begun
const VIDEO_BPS = { camera: 300_000, screen: 250_000 };
const AUDIO_BPS = 32_000;

/** By this device's even clock, in ms. */
export interface Times {
  started: number;
  ended: number;
}

/** One recorder at work. `pictureMs` is when its first picture came, null until one is there. */
interface Run extends Times {
  recorder: MediaRecorder;
  parts: Blob[];
  pictureMs: number | null;
  /** Done when its piece has been taken. */
  kept: Promise<void>;
}

/** What the compiler does not know yet. */
type Options = MediaRecorderOptions & { videoKeyFrameIntervalDuration: number };

const type = (media: MediaStream) => `video/webm;codecs=vp8${media.getAudioTracks().length ? ",opus" : ""}`;

/** Whether this browser can. */
export const records = (media: MediaStream): boolean => "MediaRecorder" in window && MediaRecorder.isTypeSupported(type(media));

/** Begins. `keep` takes each piece. What is returned stops it; it is done when the last piece has been taken. */
export function recordPieces(track: Track, media: MediaStream, keep: (times: Times, blob: Blob) => Promise<void>): () => Promise<void> {
  const runs = new Set<Run>(); // those that record, or whose piece is being kept
  let current: Run | null = null;
  let before: Run | null = null;
  let stopped = false;

  function begin(): Run {
    const options: Options = {
      mimeType: type(media),
      videoBitsPerSecond: VIDEO_BPS[track],
      audioBitsPerSecond: AUDIO_BPS,
      videoKeyFrameIntervalDuration: 1000, // so that the server can cut it to what is missing
    };
    const recorder = new MediaRecorder(media, options);
    const over = new Promise<unknown>((resolve) => (recorder.onstop = resolve));
    const run: Run = { recorder, started: evenly(), ended: 0, parts: [], pictureMs: null, kept: over.then(() => finish(run)) };
    recorder.ondataavailable = ({ data }) => run.parts.push(data);
    runs.add(run);
    recorder.start(SLICE_MS);
    return run;
  }

  /** Looks for its first picture, until there is one. */
  async function look(run: Run): Promise<boolean> {
    run.pictureMs ??= firstPicture(new Uint8Array(await new Blob(run.parts).arrayBuffer()));
    return run.pictureMs !== null;
  }

  async function finish(run: Run): Promise<void> {
    if (current === run) current = null; // it has ended by itself, as its camera has
    const times = { started: run.started, ended: run.ended || evenly() };
    if (await look(run)) await keep(times, new Blob(run.parts, { type: "video/webm" }));
    runs.delete(run);
  }

  function end(run: Run | null): void {
    if (run?.recorder.state !== "recording") return;
    run.ended ||= evenly();
    run.recorder.stop();
  }

  async function tick(): Promise<void> {
    if (stopped || media.getVideoTracks()[0]?.readyState !== "live") return;
    current ??= begin();
    const lasts = evenly() - current.started;
    if (!before && lasts >= LIMITS.pieceMs) {
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

  const still = ticking(() => void tick());
  void tick();

  return async function stop() {
    if (!stopped) still();
    stopped = true;
    end(before);
    end(current);
    await Promise.all([...runs].map((run) => run.kept));
  };
}
