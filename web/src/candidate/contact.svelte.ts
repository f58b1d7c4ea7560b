// Whom to reach when the page does not work. Kept in this browser, so that it is told without a connection, too.

import { texts } from "../lib/language";

const KEPT = "vigil-emergency";
const t = texts(
  { call: (phone: string) => `call ${phone}`, write: (email: string) => `write to ${email}`, or: " or ", back: (ways: string) => ` If it does not come back, ${ways}.` },
  { call: (phone: string) => `rufen Sie ${phone} an`, write: (email: string) => `schreiben Sie an ${email}`, or: " oder ", back: (ways: string) => ` Wenn sie nicht wiederkommt, ${ways}.` },
);

interface Contact {
  phone: string;
  email: string;
}

let known: Contact = $state.raw({ phone: "", email: "" });

export const contact = (): Contact => known;

/** What the server has told. */
export function keepContact(told: { emergency_phone: string; emergency_email: string }): void {
  known = { phone: told.emergency_phone, email: told.emergency_email };
  try {
    localStorage.setItem(KEPT, JSON.stringify(known));
  } catch {
    // a browser that keeps nothing shows it for as long as this page is open
  }
}

/** What this browser has kept from before, until the server tells. */
export function recallContact(): void {
  try {
    known = (JSON.parse(localStorage.getItem(KEPT) ?? "null") as Contact | null) ?? known;
  } catch {
    // nothing was kept
  }
}

/** For a line about a lost connection: "" where there is no contact. */
export function contactWords(): string {
  const ways = [known.phone && t.call(known.phone), known.email && t.write(known.email)].filter(Boolean);
  return ways.length ? t.back(ways.join(t.or)) : "";
}
