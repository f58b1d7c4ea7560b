// Whether a candidate may appeal now, and how an appeal is sent with its files.

import { Problem, ok } from "../lib/api";
import { texts } from "../lib/language";
import type { Opened, Seen } from "./opened";

const MOST = 5;
const BYTES = 5 * 1024 * 1024;

const t = texts(
  {
    most: (most: string) => `At most ${most} files go with an appeal.`,
    large: (name: string) => `${name} is larger than 5 MB.`,
    sent: "Your appeal was sent.",
    partly: (refused: string) => `Your appeal was sent, but not every file. ${refused}`,
  },
  {
    most: (most: string) => `Mit einem Widerspruch gehen höchstens ${most} Dateien.`,
    large: (name: string) => `${name} ist größer als 5 MB.`,
    sent: "Ihr Widerspruch ist gesendet.",
    partly: (refused: string) => `Ihr Widerspruch ist gesendet, aber nicht jede Datei. ${refused}`,
  },
);

export type Standing = "may" | "waits" | "answered" | "closed";

/** An appeal is open, is answered for the decision that stands, or the time for it is over; else one may be made. */
export function standing(seen: Pick<Seen, "appeals" | "appeals_close_at" | "decisions">, now = Date.now()): Standing {
  if (seen.appeals.some((one) => one.state === "open")) return "waits";
  const answered = seen.appeals.filter((one) => one.state === "upheld" || one.state === "rejected");
  if (answered.some((one) => one.decision === seen.decisions.length)) return "answered";
  return Date.parse(seen.appeals_close_at) <= now ? "closed" : "may";
}

/** Sends an appeal, then each file. Gives what to say of it: a file that is refused does not undo the appeal. */
export async function appeal({ api, session }: Opened, text: string, incident: string, files: readonly File[]): Promise<string> {
  if (files.length > MOST) throw new Error(t.most(String(MOST)));
  const large = files.find((file) => file.size > BYTES);
  if (large) throw new Error(t.large(large.name));
  const made = await ok(api.POST("/api/v1/sessions/{session}/appeals", { params: { path: { session } }, body: { text, incident } }));
  const refused: string[] = [];
  for (const [n, file] of files.entries()) {
    const path = { session, appeal: made.appeal, number: n + 1 };
    try {
      await api.PUT("/api/v1/sessions/{session}/appeals/{appeal}/attachments/{number}", {
        params: { path },
        body: file.name,
        bodySerializer: () => file, // as it is
        headers: { "Content-Type": "application/octet-stream" },
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refused.push(`${file.name}: ${error.errors[0]?.rule ?? error.message}`);
    }
  }
  return refused.length ? t.partly(refused.join("; ")) : t.sent;
}

export async function withdraw({ api, session }: Opened, which: string): Promise<void> {
  await api.DELETE("/api/v1/sessions/{session}/appeals/{appeal}", { params: { path: { session, appeal: which } } });
}
