// What the player of a record computes: times, spans and keys. Moments are in ms since 1970, of the wall clock.

export interface Span {
  from: number;
  to: number;
}

const AROUND_MS = 10_000;

/** The spans to play when only incidents are played: each with ten seconds around it, those that touch as one. */
export function around(incidents: readonly Span[]): Span[] {
  const spans: Span[] = [];
  for (const { from, to } of [...incidents].sort((a, b) => a.from - b.from)) {
    const last = spans.at(-1);
    if (last && from - AROUND_MS <= last.to) last.to = Math.max(last.to, to + AROUND_MS);
    else spans.push({ from: from - AROUND_MS, to: to + AROUND_MS });
  }
  return spans;
}

/** Where to go on from `at` so that only the spans are seen: `at` itself inside of one; null after the last. */
export function onward(spans: readonly Span[], at: number): number | null {
  const next = spans.find((span) => at < span.to);
  return next ? Math.max(at, next.from) : null;
}

/** Of moments in order the next one after `at`, or the one before it; undefined where there is none. */
export function neighbour(moments: readonly number[], at: number, way: 1 | -1): number | undefined {
  const SAME_MS = 500; // a video does not stop at just the moment it was sent to
  return way > 0 ? moments.find((one) => one > at + SAME_MS) : moments.findLast((one) => one < at - SAME_MS);
}

/** "00:41:07", as in the address of a moment; `ms` since the beginning. */
export function offset(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

/** The same read, in ms; null where it is none. */
export function read(text: string | null): number | null {
  const match = /^(\d{1,3}):([0-5]\d):([0-5]\d)$/.exec(text ?? "");
  return match ? (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000 : null;
}

export type Deed = { do: "toggle" } | { do: "by"; s: number } | { do: "frame"; way: 1 | -1 } | { do: "incident"; way: 1 | -1 } | { do: "verdict"; number: number };

/** What a key asks for; null for a key that means nothing here. */
export function deed(key: string, shift: boolean): Deed | null {
  const s = shift ? 30 : 5;
  switch (key) {
    case " ": return { do: "toggle" };
    case "ArrowLeft": return { do: "by", s: -s };
    case "ArrowRight": return { do: "by", s };
    case ",": return { do: "frame", way: -1 };
    case ".": return { do: "frame", way: 1 };
    case "[": return { do: "incident", way: -1 };
    case "]": return { do: "incident", way: 1 };
    case "1": case "2": case "3": return { do: "verdict", number: Number(key) };
    default: return null;
  }
}
