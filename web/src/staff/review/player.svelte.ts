// Camera and screen of a session, played in step: each at the same time of the day.

import type { Attachment } from "svelte/attachments";

import { onward, type Span } from "./playing";

const APART_S = 0.12; // a seek takes longer than to wait out less
const FRAME_S = 1 / 30;

export class Player {
  /** The moment that is shown, in ms since 1970. */
  at = $state(0);
  playing = $state(false);
  rate = $state(1);
  /** What alone is played; null plays all. */
  only: readonly Span[] | null = $state(null);
  #films: { video: HTMLVideoElement; begins: number }[] = [];
  #wanted: number | null = null; // a moment that was asked for before the leader knew how long it is

  /** For the video number `n` of the page, whose first moment is `begins` (ms). The first one leads the others. */
  film(n: number, begins: number): Attachment<HTMLVideoElement> {
    return (video) => {
      this.#films[n] = { video, begins };
      const events = ["play", "playing", "pause", "seeking", "seeked", "timeupdate", "ratechange"] as const;
      const step = () => this.#step();
      const known = () => {
        if (this.#wanted !== null) this.go(this.#wanted);
      };
      if (n === 0) {
        for (const name of events) video.addEventListener(name, step);
        video.addEventListener("loadedmetadata", known);
      }
      return () => {
        for (const name of events) video.removeEventListener(name, step);
        video.removeEventListener("loadedmetadata", known);
      };
    };
  }

  go(at: number): void {
    this.at = at;
    const leader = this.#films[0];
    if (!leader) return;
    if (!leader.video.readyState) {
      this.#wanted = at;
      return;
    }
    this.#wanted = null;
    leader.video.currentTime = Math.max(0, Math.min((at - leader.begins) / 1000, leader.video.duration || 0));
  }

  by(s: number): void {
    const leader = this.#films[0];
    const at = leader?.video.readyState ? leader.begins + leader.video.currentTime * 1000 : this.at;
    this.go(at + s * 1000);
  }

  frame(way: 1 | -1): void {
    this.#films[0]?.video.pause();
    this.by(way * FRAME_S);
  }

  toggle(): void {
    const leader = this.#films[0]?.video;
    if (!leader?.paused) return leader?.pause();
    const first = this.only?.[0];
    if (this.only && first && onward(this.only, this.at) === null) this.go(first.from); // after the last one, from the first again
    leader.play().catch(() => {}); // it stays paused, and shows so
  }

  speed(rate: number): void {
    this.rate = rate;
    for (const { video } of this.#films) video.playbackRate = rate;
  }

  #step(): void {
    const [leader, ...others] = this.#films;
    if (!leader) return;
    const { video, begins } = leader;
    this.playing = !video.paused;
    if (this.#wanted === null) this.at = begins + video.currentTime * 1000;
    if (this.only && this.playing && !video.seeking) this.#keepTo(this.only);
    for (const other of others) {
      const due = (this.at - other.begins) / 1000;
      const there = due >= 0 && due <= (other.video.duration || Infinity);
      if (there && Math.abs(other.video.currentTime - due) > APART_S) other.video.currentTime = due;
      if (video.paused || !there) other.video.pause();
      else if (other.video.paused) other.video.play().catch(() => {});
    }
  }

  #keepTo(spans: readonly Span[]): void {
    const next = onward(spans, this.at);
    if (next === null) this.#films[0]?.video.pause();
    else if (next > this.at) this.go(next);
  }
}
