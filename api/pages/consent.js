// What a candidate is asked to agree to, one by one: before the start as a question, in the exam to take a yes back.

import { busy, find, make } from "/assets/show.js";

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
