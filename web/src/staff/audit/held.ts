// What is held of a session: its classes of data, as api/subjects.py tells them, and why a hold stands.

import type { Schemas } from "../../lib/api";
import { texts } from "../../lib/language";
import { words } from "../../texts/words";

export type KeyClass = Schemas["Class"]["key_class"];

/** What is in each class. */
export const CLASSES: Record<KeyClass, string> = texts(
  {
    profile: "name, number, address, and what an accommodation says in words",
    identity: "pictures of the identity check",
    chat: "what was written, asked for and answered",
    media: "recordings of camera, microphone and screen, and pictures out of them",
    notes: "what people wrote about this session, with their reasons",
  },
  {
    profile: "Name, Nummer, Adresse, und was ein Nachteilsausgleich in Worten sagt",
    identity: "Bilder der Identitätsprüfung",
    chat: "was geschrieben, erbeten und geantwortet wurde",
    media: "Aufnahmen von Kamera, Mikrofon und Bildschirm, und Bilder daraus",
    notes: "was über diese Sitzung geschrieben wurde, mit Gründen",
  },
);

export const WHYS: Record<Schemas["Hold"]["why"], string> = texts(
  { person: "placed by somebody", decision: "after a decision", appeal: "while an appeal is open", restriction: "while processing is restricted" },
  { person: "von jemandem gesetzt", decision: "nach einer Entscheidung", appeal: "solange ein Einspruch offen ist", restriction: "solange die Verarbeitung eingeschränkt ist" },
);

const everything = texts("everything", "alles");

/** Of no class or of all of them: everything. */
export function covers(classes: readonly KeyClass[]): string {
  const all = !classes.length || classes.length === Object.keys(CLASSES).length;
  return all ? everything : classes.map(words).join(", ");
}
