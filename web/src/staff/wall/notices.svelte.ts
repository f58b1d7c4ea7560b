// How somebody who looks elsewhere is told: a number in the title, a tone if switched on, a notice of the desktop if asked for.

import { count, texts } from "../../lib/language";
import { words } from "../../texts/words";
import type { Group, Severity } from "./queue";
import { Sounds } from "./sounds";

const t = texts(
  { help: "Somebody raised a hand", new: (n: number, kind: string) => `${count(n, "new incident", "new incidents")}: ${kind}` },
  { help: "Jemand hebt die Hand", new: (n: number, kind: string) => `${count(n, "neues Ereignis", "neue Ereignisse")}: ${kind}` },
);

const RANK: Record<Severity, number> = { high: 0, warn: 1, info: 2 };

export class Notices {
  sound = $state(false);
  desktop = $state(false);
  waiting = $state(0);
  /** What is said politely, many at once: "3 new incidents". */
  said = $state("");
  private readonly sounds = new Sounds();
  private known: Set<string> | null = null;
  private hands = 0;
  private fresh: Group[] = [];
  private soon: ReturnType<typeof setTimeout> | undefined;

  /** Before the title of the page. */
  get badge(): string {
    return this.waiting ? `(${this.waiting}) ` : "";
  }

  toggle(): void {
    this.sound = !this.sound;
    if (this.sound) this.sounds.switchOn();
    else this.sounds.switchOff();
  }

  async ask(): Promise<void> {
    this.desktop = !this.desktop && (await Notification.requestPermission()) === "granted";
  }

  /** Looks at the queue as it is now. What was there when the page was opened is not new. */
  see(queue: readonly Group[], hands: number): void {
    const incidents = queue.flatMap((group) => group.incidents.map((one) => one.incident));
    const known = this.known;
    const fresh = known ? queue.filter((group) => group.incidents.some((one) => !known.has(one.incident))) : [];
    this.known = new Set([...(known ?? []), ...incidents]);
    this.waiting = queue.length + hands;
    if (fresh.length) {
      this.fresh.push(...fresh);
      this.sounds.play([...fresh].sort((a, b) => RANK[a.severity] - RANK[b.severity])[0]?.severity ?? "info");
      this.soon ??= setTimeout(() => this.tell(), 1000);
    }
    if (hands > this.hands && known) this.show(t.help);
    this.hands = hands;
  }

  private tell(): void {
    this.soon = undefined;
    const kinds = [...new Set(this.fresh.map((group) => words(group.kind)))].join(", ");
    this.said = t.new(this.fresh.length, kinds);
    if (this.fresh.some((group) => group.severity === "high")) this.show(this.said);
    this.fresh = [];
  }

  /** On the desktop, where others may read it: no name, and only while nobody looks at the page. */
  private show(text: string): void {
    if (this.desktop && document.hidden) new Notification("Vigil", { body: text, tag: "vigil-wall" });
  }

  close(): void {
    clearTimeout(this.soon);
    this.sounds.switchOff();
  }
}
