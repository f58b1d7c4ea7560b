// Whether the seal that a saved receipt names is one of this record, with the same root.

import { texts } from "../lib/language";
import type { Seen } from "./opened";

const t = texts(
  {
    none: "This file is no receipt.",
    other: "This receipt is for another exam.",
    no: "No: your receipt names another seal than this record. Keep the receipt, and say so in an appeal.",
    yes: (number: string) => `Yes: seal ${number} of this record is the one that your receipt names.`,
    replaced: " The key has been replaced since.",
  },
  {
    none: "Diese Datei ist keine Quittung.",
    other: "Diese Quittung gehört zu einer anderen Prüfung.",
    no: "Nein: Ihre Quittung nennt ein anderes Siegel als diese Akte. Heben Sie die Quittung auf, und sagen Sie es in einem Widerspruch.",
    yes: (number: string) => `Ja: Siegel ${number} dieser Akte ist das, das Ihre Quittung nennt.`,
    replaced: " Der Schlüssel ist seitdem ersetzt worden.",
  },
);

interface Receipt {
  session?: string;
  key_fingerprint?: string;
  seal?: { number?: number; root?: string } | null;
}

export type Sealed = Pick<Seen, "session" | "seals" | "key_fingerprint">;

/** What to say of `text`, which is what stands in the file; whatever it holds, this gives a sentence. */
export function compare(text: string, seen: Sealed): string {
  let held: Receipt | null = null;
  try {
    held = JSON.parse(text) as Receipt | null;
  } catch {
    // a picture, perhaps
  }
  if (!held?.seal?.root) return t.none;
  if (held.session !== seen.session) return t.other;
  const { number, root } = held.seal;
  const same = seen.seals.find((one) => one.number === number);
  if (same?.root !== root) return t.no;
  return t.yes(String(number)) + (held.key_fingerprint === seen.key_fingerprint ? "" : t.replaced);
}
