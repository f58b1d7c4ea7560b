// Whom to reach when the page does not work. Kept in this browser, so that it is told without a connection, too.

import { find, make } from "/assets/show.js";

const KEPT = "vigil-emergency";
let known = { phone: "", email: "" };

/** What the server has told; shown at once. */
export function keepContact({ emergency_phone: phone, emergency_email: email }) {
  known = { phone, email };
  try {
    localStorage.setItem(KEPT, JSON.stringify(known));
  } catch {
    // a browser that keeps nothing shows it for as long as this page is open
  }
  show();
}

/** What this browser has kept from before, until the server tells. */
export function recallContact() {
  try {
    known = JSON.parse(localStorage.getItem(KEPT)) ?? known;
  } catch {
    // nothing was kept
  }
  show();
}

/** For a line about a lost connection: "" where there is no contact. */
export function contactWords() {
  const ways = [known.phone && `call ${known.phone}`, known.email && `write to ${known.email}`].filter(Boolean);
  return ways.length ? ` If it does not come back, ${ways.join(" or ")}.` : "";
}

function show() {
  const place = find("#emergency");
  const ways = [
    known.phone && make("a", { href: `tel:${known.phone.replaceAll(/[^+0-9]/g, "")}` }, known.phone),
    known.email && make("a", { href: `mailto:${known.email}` }, known.email),
  ].filter(Boolean);
  place.hidden = !ways.length;
  place.replaceChildren("If this page does not work: ", ...ways.flatMap((way, n) => (n ? [" or ", way] : [way])), ".");
}
