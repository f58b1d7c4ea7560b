// Short tones, one for each severity. Off until they are switched on, at most one each three seconds, and never the only cue.

import type { Severity } from "./queue";

const EVERY_MS = 3000;
const NOTES: Record<Severity, readonly number[]> = { high: [880, 660, 880], warn: [660, 660], info: [520] }; // in Hz
const NOTE_S = 0.14;

export class Sounds {
  private context: AudioContext | null = null;
  private last = -Infinity;

  /** Browsers make no sound before somebody has pressed something: this is that. */
  switchOn(): void {
    this.context ??= new AudioContext();
    void this.context.resume();
  }

  switchOff(): void {
    void this.context?.close();
    this.context = null;
  }

  /** Gives whether it was heard. */
  play(severity: Severity, now = performance.now()): boolean {
    const context = this.context;
    if (!context || now - this.last < EVERY_MS) return false;
    this.last = now;
    NOTES[severity].forEach((hertz, n) => {
      const [tone, loud] = [context.createOscillator(), context.createGain()];
      const begins = context.currentTime + n * NOTE_S;
      tone.frequency.value = hertz;
      loud.gain.setValueAtTime(0, begins);
      loud.gain.linearRampToValueAtTime(0.2, begins + 0.02);
      loud.gain.linearRampToValueAtTime(0, begins + NOTE_S);
      tone.connect(loud).connect(context.destination);
      tone.start(begins);
      tone.stop(begins + NOTE_S);
    });
    return true;
  }
}
