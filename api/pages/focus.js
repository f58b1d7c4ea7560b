// The candidate in focus: their chat, a warning, an incident raised by hand.

import { busy, clockTime, complain, find, make } from "/assets/show.js";

export function openChat(call, watcher) {
  let session = "";
  let seen = ""; // what of the chat is shown, so that it is fetched again only when it has changed

  async function open(row) {
    session = row.session;
    seen = "";
    find("#focus").hidden = false;
    find("#focus-head").textContent = row.name ?? "(erased)";
    for (const id of ["#write", "#warn", "#raise"]) find(id).hidden = !watcher;
    find("#chat").replaceChildren();
    await refresh(row);
    if (watcher) find("#words").focus();
  }

  /** Called for every row that has changed. */
  function see(row) {
    if (row.session === session) refresh(row).catch(complain);
  }

  async function refresh(row) {
    const now = `${row.position}`;
    if (now === seen) return;
    seen = now;
    const { messages } = await call.get(`/sessions/${row.session}/messages`);
    if (row.session !== session) return;
    find("#chat").replaceChildren(...messages.map(line));
    find("#chat").scrollTop = find("#chat").scrollHeight;
    if (!watcher) return;
    for (const one of messages)
      if (one.side === "candidate" && !one.read) await call.post(`/sessions/${row.session}/messages/${one.message}/read`);
  }

  function line(one) {
    const who = one.side === "candidate" ? "Candidate" : (one.by_name ?? "Invigilator");
    const how = one.side === "candidate" ? "" : one.read ? ", read" : one.delivered ? ", delivered" : ", sent";
    return make("li", { class: one.side === "candidate" ? "" : "mine" }, make("div", { class: "quiet" }, `${who}, ${clockTime(one.at)}${how}`), one.text ?? "(erased)");
  }

  function form(id, field, send) {
    find(id).onsubmit = (event) => {
      event.preventDefault();
      busy(find(`${id} button`), async () => {
        await send(find(field).value);
        find(field).value = "";
      });
    };
  }

  form("#write", "#words", (text) => call.post(`/sessions/${session}/messages`, { text }));
  form("#warn", "#warning", (text) => call.post(`/sessions/${session}/interventions`, { kind: "warn", reason_code: "wall", text }));
  form("#raise", "#note", (note) => call.post(`/sessions/${session}/incidents`, { severity: "warn", note }));

  return { open, see, close: () => (find("#focus").hidden = true) };
}
