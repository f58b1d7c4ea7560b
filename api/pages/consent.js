// What a candidate is asked to agree to, one by one: before the start as a question, in the exam to take a yes back; and
// what they said, for staff.

import { busy, find, make, words } from "/assets/show.js";

// Nothing else can be left out of an exam, so nothing else is asked.
const ASKED = { ai_flags: "a program points things out", face_geometry: "their face is measured" };

/** Shows what is asked; `say(purpose, agreed)` sends an answer. */
export function showConsents(consents, started, say) {
  const button = (text, purpose, agreed) => {
    const one = make("button", { type: "button" }, text);
    one.onclick = () => busy(one, () => say(purpose, agreed));
    return one;
  };
  const lines = consents.map(({ purpose, what, answer }) => {
    const line = make("li", {}, `May we use your data ${what}? `);
    if (!started) line.append(button("Yes", purpose, true), " ", button("No", purpose, false));
    else if (answer === "given") line.append("You said yes. ", button("Take it back", purpose, false));
    else line.append("You did not agree; it is off.");
    return line;
  });
  find(started ? "#agreed" : "#consents").replaceChildren(...lines);
}

/** For staff, of a live row: what was waived, what was not agreed to, and what they object to. */
export function agreedWords({ waived, consents, objection }) {
  const without = Object.entries(waived).map(([check, instead]) => `${words(check)} (instead: ${words(instead)})`);
  const no = Object.entries(consents).filter(([, one]) => one.answer !== "given").map(([purpose]) => ASKED[purpose] ?? words(purpose));
  const told = [without.length && `Waived: ${without.join(", ")}.`, no.length && `Did not agree that ${no.join(", or that ")}.`];
  if (objection !== "") told.push(`Objects: ${objection ?? "(erased)"}`);
  return told.filter(Boolean).join(" ");
}
