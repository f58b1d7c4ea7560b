// What the candidate is told of the local copy: only when it matters, calmly, and not again and again.

import { contactWords } from "/assets/emergency.js";
import { find } from "/assets/show.js";

const FULL =
  "Your device has no more room to keep a copy of your recording while the connection is away. This is a technical fault and is not held against you; go on with your exam.";
const SENDING =
  "A part of your recording did not arrive while your connection was away. Your device sends it now, as the connection allows; you need not do anything.";
const SENT = "What was missing in your recording has been sent.";
const STAY = "please leave this page open";
const CLOSE = "You can close this page.";
const SENT_MS = 15_000;
const AGAIN_MS = 5000; // a screen reader says each change

/** Returns `said`, for what `filling` says, and `full`, for when the copy becomes full or has room again. */
export function copySaid(copy) {
  let state = "";
  let saidAt = 0;
  let sending = false;
  let sentUntil = 0;
  let told = false; // that something is sent or checked after the exam

  function said(how) {
    if (how.over) return after(how);
    const owes = Object.keys(how.owed).length > 0;
    if (sending && !owes) {
      sentUntil = Date.now() + SENT_MS;
      setTimeout(during, SENT_MS + 100);
    }
    sending = owes;
    during();
  }

  function during() {
    const missing = sending ? SENDING : Date.now() < sentUntil ? SENT : "";
    put("#copy-said", [copy.full() ? FULL : "", missing].filter(Boolean).join(" "));
  }

  function after(how) {
    const changed = how.state !== state;
    state = how.state;
    if (!changed && Date.now() - saidAt < AGAIN_MS) return;
    saidAt = Date.now();
    const text = end(how);
    if (text) put("#copy-end", text);
  }

  function end({ state: now, owed }) {
    const parts = seconds(owed);
    told ||= parts !== "" || now === "checking" || notKept() !== "";
    if (!told) return "";
    if (now === "done") return `All that your device held of your recording has arrived.${notKept()} ${CLOSE}`;
    if (now === "unwanted") return `Nothing more of your recording is being sent.${notKept()} ${CLOSE}`;
    const still = parts ? `Still being sent: ${parts}` : "It is being checked whether all of your recording has arrived";
    return now === "away" ? `${still}; at the moment nothing gets through. It goes on by itself; ${STAY}.${contactWords()}` : `${still}; ${STAY}.`;
  }

  function notKept() {
    const parts = seconds(copy.lost());
    return parts && ` Your device could not keep ${parts}; that is a technical fault and is not held against you.`;
  }

  return { said, full: during };
}

const seconds = (of) => Object.entries(of).sort().map(([track, some]) => `${Math.ceil(some)} s of your ${track}`).join(" and ");

function put(place, text) {
  const element = find(place);
  if (element.textContent !== text) element.textContent = text;
}
