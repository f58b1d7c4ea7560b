// Messages that are ready: chosen by their label, read before they are sent, and sent as the server has them then.

import { busy, complain, find, make } from "/assets/show.js";

/** Fills the list and sends what is chosen with `send(id)`; gives a function that looks again what there is. */
export function cannedMessages(call, send) {
  let texts = new Map();

  async function look() {
    const { canned_messages: ready } = await call.all("/canned-messages", "canned_messages");
    texts = new Map(ready.map((one) => [one.canned, one.text]));
    find("#ready").replaceChildren(make("option", { value: "" }, "Choose ..."), ...ready.map((one) => make("option", { value: one.canned }, one.label)));
    find("#canned").hidden = !ready.length;
    show();
  }

  function show() {
    find("#ready-text").textContent = texts.get(find("#ready").value) ?? "";
  }

  find("#ready").onchange = show;
  find("#canned").onsubmit = (event) => {
    event.preventDefault();
    busy(find("#canned button"), async () => {
      await send(find("#ready").value);
      find("#ready").value = "";
      show();
    });
  };
  return () => look().catch(complain);
}
