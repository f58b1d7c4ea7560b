// Who waits for help, the longest first: taken by one invigilator, and answered.

import { busy, complain, duration, find, make, words } from "/assets/show.js";

const FINAL = ["submitted", "terminated", "declined"];

/** `rows` gives the live rows, `choose` opens a candidate, `nameOf` names an account. Gives a function to call when rows have changed. */
export function helpQueue(call, me, { rows, choose, nameOf }) {
  const list = find("#help-queue");
  const shown = new Map(); // help -> its entry
  const problem = find("#help-problem");
  list.replaceChildren();
  complain(null, problem);

  function see() {
    const waiting = Object.entries(rows()).filter(([, row]) => row.help && !row.withdrawn && !FINAL.includes(row.phase));
    waiting.sort(([, a], [, b]) => Date.parse(a.help.at) - Date.parse(b.help.at));
    const names = new Set(waiting.map(([, row]) => row.help.help));
    for (const [name, entry] of shown)
      if (!names.has(name)) {
        entry.remove();
        shown.delete(name);
      }
    for (const [key, row] of waiting) {
      if (!shown.has(row.help.help)) {
        shown.set(row.help.help, newEntry(key, row));
        list.append(shown.get(row.help.help));
      }
      shown.get(row.help.help).fill(row);
    }
    find("#no-help").hidden = waiting.length > 0;
    find("#help-count").textContent = waiting.length ? `${waiting.length} waiting` : "";
  }

  function newEntry(key, row) {
    const at = `/sessions/${row.session}/help/${row.help.help}`;
    const state = make("div", { class: "quiet" });
    const text = make("div", {}, row.help.text ?? "(erased)");
    const name = make("button", { type: "button", onclick: () => choose(key) }, row.name ?? row.number ?? "(erased)");
    const take = make("button", { type: "button", onclick: (event) => busy(event.target, () => say("take")) }, "Take");
    const release = make("button", { type: "button", onclick: (event) => busy(event.target, () => say("release")) }, "Give back");
    const answer = make("input", { maxlength: 500, autocomplete: "off", "aria-label": "Answer to the candidate", placeholder: "Answer, if there is something to say" });
    const form = make("form", { class: "row" }, answer, make("button", { type: "submit" }, "Done"), take, release);
    form.onsubmit = (event) => {
      event.preventDefault();
      busy(event.submitter, () => say("answer", { text: answer.value }));
    };
    const say = (what, body) => call.post(`${at}/${what}`, body);
    const entry = make("li", {}, make("div", { class: "row" }, name, make("strong", {}, words(row.help.topic))), state, text, form);
    entry.fill = (now) => {
      const owner = now.help.taken_by;
      const waits = duration((Date.now() - call.skew() - Date.parse(now.help.at)) / 1000);
      state.textContent = owner ? (owner === me.actor ? `taken by you, ${waits}` : `taken by ${nameOf(owner)}, ${waits}`) : `waits ${waits}`;
      take.hidden = Boolean(owner);
      release.hidden = !owner || (owner !== me.actor && !me.roles.includes("lead_invigilator"));
      form.hidden = !me.roles.some((role) => ["invigilator", "lead_invigilator"].includes(role));
    };
    return entry;
  }

  const clock = setInterval(see, 1000);
  return {
    see,
    close: () => {
      clearInterval(clock);
      list.replaceChildren();
    },
  };
}
