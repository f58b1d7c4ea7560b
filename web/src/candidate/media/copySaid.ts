// What the candidate is told of the local copy: only when it matters, calmly, and not again and again.

import { texts } from "../../lib/language";
import type { Progress } from "./filling";
import type { LocalCopy } from "./localCopy";
import type { Seconds } from "./notKept";
import type { Track } from "./track";

const SENT_MS = 15_000;
const AGAIN_MS = 5000; // a screen reader says each change

const t = texts(
  {
    full: "Your device has no more room to keep a copy of your recording while the connection is away. This is a technical fault and is not held against you; go on with your exam.",
    sending: "A part of your recording did not arrive while your connection was away. Your device sends it now, as the connection allows; you need not do anything.",
    sent: "What was missing in your recording has been sent.",
    arrived: "All that your device held of your recording has arrived.",
    unwanted: "Nothing more of your recording is being sent.",
    notKept: (parts: string) => `Your device could not keep ${parts}; that is a technical fault and is not held against you.`,
    close: "You can close this page.",
    owed: (parts: string) => `Still being sent: ${parts}`,
    checking: "It is being checked whether all of your recording has arrived",
    away: "at the moment nothing gets through. It goes on by itself",
    stay: "please leave this page open.",
    camera: (seconds: number) => `${seconds} s of your camera`,
    screen: (seconds: number) => `${seconds} s of your screen`,
    and: " and ",
  },
  {
    full: "Auf Ihrem Gerät ist kein Platz mehr, um eine Kopie Ihrer Aufzeichnung zu behalten, solange die Verbindung weg ist. Das ist eine technische Störung, die Ihnen nicht angelastet wird; machen Sie mit Ihrer Prüfung weiter.",
    sending: "Ein Teil Ihrer Aufzeichnung ist nicht angekommen, während Ihre Verbindung weg war. Ihr Gerät sendet ihn jetzt, wie es die Verbindung erlaubt; Sie müssen nichts tun.",
    sent: "Was in Ihrer Aufzeichnung fehlte, wurde gesendet.",
    arrived: "Alles, was Ihr Gerät von Ihrer Aufzeichnung hatte, ist angekommen.",
    unwanted: "Von Ihrer Aufzeichnung wird nichts mehr gesendet.",
    notKept: (parts: string) => `Ihr Gerät konnte ${parts} nicht behalten; das ist eine technische Störung, die Ihnen nicht angelastet wird.`,
    close: "Sie können diese Seite schließen.",
    owed: (parts: string) => `Noch gesendet wird: ${parts}`,
    checking: "Es wird geprüft, ob Ihre Aufzeichnung ganz angekommen ist",
    away: "im Augenblick kommt nichts durch. Es geht von selbst weiter",
    stay: "bitte lassen Sie diese Seite offen.",
    camera: (seconds: number) => `${seconds} s Ihrer Kamera`,
    screen: (seconds: number) => `${seconds} s Ihres Bildschirms`,
    and: " und ",
  },
);

/** Where it is shown: during the exam, and after its end. */
export interface Shown {
  during(text: string): void;
  after(text: string): void;
}

export interface CopySaid {
  /** How the filling stands. */
  filling(how: Progress): void;
  /** The copy has become full, or has room again. */
  room(): void;
}

/** `contact` is what follows a line about a lost connection: " If it does not come back, call ...", or "". */
export function copySaid(copy: Pick<LocalCopy, "full" | "lost">, shown: Shown, contact: () => string): CopySaid {
  let state: Progress["state"] | null = null;
  let saidAt = -Infinity;
  let sending = false;
  let sentUntil = 0;
  let told = false; // that something is sent or checked after the exam

  function filling(how: Progress): void {
    if (how.over) return after(how);
    const owes = Object.keys(how.owed).length > 0;
    if (sending && !owes) {
      sentUntil = Date.now() + SENT_MS;
      setTimeout(during, SENT_MS + 100);
    }
    sending = owes;
    during();
  }

  function during(): void {
    const missing = sending ? t.sending : Date.now() < sentUntil ? t.sent : "";
    shown.during(sentences(copy.full() ? t.full : "", missing));
  }

  function after(how: Progress): void {
    const changed = how.state !== state;
    state = how.state;
    if (!changed && Date.now() - saidAt < AGAIN_MS) return;
    saidAt = Date.now();
    const text = end(how);
    if (text) shown.after(text);
  }

  function end(how: Progress): string {
    const owed = parts(how.owed);
    const lost = parts(copy.lost());
    const notKept = lost && t.notKept(lost);
    told ||= owed !== "" || how.state === "checking" || lost !== "";
    if (!told) return "";
    if (how.state === "done") return sentences(t.arrived, notKept, t.close);
    if (how.state === "unwanted") return sentences(t.unwanted, notKept, t.close);
    const still = owed ? t.owed(owed) : t.checking;
    return how.state === "away" ? `${still}; ${t.away}; ${t.stay}${contact()}` : `${still}; ${t.stay}`;
  }

  return { filling, room: during };
}

const sentences = (...some: string[]) => some.filter(Boolean).join(" ");

const parts = (seconds: Seconds) =>
  (Object.entries(seconds) as [Track, number][])
    .sort()
    .map(([track, some]) => t[track](Math.ceil(some)))
    .join(t.and);
