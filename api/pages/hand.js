// The candidate raises a hand, from any step of the page and from under any cover, and sees what became of it.

import { busy, find, make, words } from "/assets/show.js";

const WAITING = { requested: "Your hand is up; an invigilator will come.", taken: "An invigilator deals with it." };

/** `call` and `at` lead to the session. Gives a function that takes what the server says of the request. */
export function raiseHand(call, at) {
  find("#help").hidden = false;
  find("#help-ask").onsubmit = (event) => {
    event.preventDefault();
    busy(event.submitter, async () => {
      await call.post(`${at}/help`, { topic: find("#help-topic").value, text: find("#help-text").value });
      find("#help-text").value = "";
    });
  };
  find("#help-down").onclick = (event) => busy(event.target, () => call.delete(`${at}/help`));
  return show;
}

function show(help) {
  const waits = Boolean(WAITING[help?.stage]);
  find("#help-ask").hidden = waits;
  find("#help-down").hidden = !waits;
  find("#help-head").textContent = waits ? "✋ Hand is up" : "✋ Help";
  const said = find("#help-said");
  said.replaceChildren();
  if (waits) said.append(make("span", {}, `${WAITING[help.stage]} (${words(help.topic)})`));
  if (help?.stage === "answered") said.append(make("strong", {}, "Answered: "), help.answer || "an invigilator has seen to it.");
}
