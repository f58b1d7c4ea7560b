// The candidate in focus: their camera and screen, their chat, a warning, an incident raised by hand.

import { acts } from "/assets/acts.js";
import { showAllowed } from "/assets/allowed.js";
import { cannedMessages } from "/assets/canned.js";
import { agreedWords } from "/assets/consent.js";
import { livePictures } from "/assets/pictures.js";
import { busy, clockTime, complain, find, make } from "/assets/show.js";

export function openChat(call, watcher, { me, policy }) {
  let session = "";
  let row = null;
  const doing = acts(call, me, policy, () => row);
  const pictures = livePictures(call, policy);
  const lookForCanned = cannedMessages(call, async (canned) => {
    await call.post(`/sessions/${session}/messages`, { canned });
    await refresh(session);
  });
  // The live list tells of the candidate's messages; what colleagues write, and what was read, is looked up by and by.
  const looking = setInterval(() => session && refresh(session), 4000);

  async function open(chosen) {
    row = chosen;
    session = row.session;
    doing.see();
    if (watcher) pictures.see(row);
    find("#focus").hidden = false;
    find("#focus-head").textContent = row.name ?? "(erased)";
    showAllowed(row);
    agreed();
    for (const id of ["#write", "#warn", "#raise", "#waive-place"]) find(id).hidden = !watcher;
    find("#chat").replaceChildren();
    complain(null, find("#chat-problem"));
    await refresh(session);
    if (!watcher) return;
    find("#words").focus();
    await lookForCanned();
  }

  /** Called for every row that has changed. */
  function see(changed) {
    if (changed.session !== session) return;
    row = changed;
    if (watcher) pictures.see(row);
    showAllowed(row);
    agreed();
    doing.see();
    refresh(session);
  }

  function agreed() {
    find("#agreed").textContent = agreedWords(row);
    find("#agreed").hidden = !find("#agreed").textContent;
  }

  /** Looks up the messages; when they cannot be had, what is shown may be old, and that is said. */
  async function refresh(of) {
    let error = null;
    try {
      await look(of);
    } catch (found) {
      error = new Error(`The messages cannot be brought up to date: ${found.message} It is tried again by itself.`);
    }
    if (of === session) complain(error, find("#chat-problem"));
  }

  async function look(of) {
    const { messages } = await call.all(`/sessions/${of}/messages`, "messages");
    if (of !== session) return;
    const lines = messages.map(line);
    const shown = lines.map((one) => one.textContent).join();
    if (shown !== [...find("#chat").children].map((one) => one.textContent).join()) {
      find("#chat").replaceChildren(...lines);
      find("#chat").scrollTop = find("#chat").scrollHeight;
    }
    if (!watcher) return;
    for (const one of messages)
      if (one.side === "candidate" && !one.read) await call.post(`/sessions/${of}/messages/${one.message}/read`);
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
        await refresh(session);
      });
    };
  }

  form("#write", "#words", (text) => call.post(`/sessions/${session}/messages`, { text }));
  form("#warn", "#warning", (text) => call.post(`/sessions/${session}/interventions`, { kind: "warn", text }));
  form("#raise", "#note", (note) => call.post(`/sessions/${session}/incidents`, { severity: "warn", note }));

  form("#waive", "#waive-because", (reason) =>
    call.post(`/sessions/${session}/waivers`, { check: find("#waive-check").value, instead: find("#waive-instead").value, reason }),
  );

  function close() {
    clearInterval(looking);
    pictures.close();
    session = "";
    find("#focus").hidden = true;
  }

  return { open, see, close };
}
