// Who is on duty for whom: coming on and going off, handing over, and the alarm when nobody is there.

import { busy, clockTime, complain, find, make } from "/assets/show.js";

const EVERY_MS = 4000;

/** Follows the duty of a schedule; gives who is called what, and a function that ends it. `named` follows new names. */
export function dutyCard(call, schedule, me, named) {
  const at = `/schedules/${schedule}/duty`;
  const lead = me.roles.some((role) => ["lead_invigilator", "planner"].includes(role));
  const names = new Map();
  let shown = "";
  const nameOf = (user) => (user === me.actor ? "you" : (names.get(user) ?? "somebody else"));

  async function look() {
    try {
      const found = await call.get(at);
      complain(found.alarm ? new Error(`${found.alarm[0].toUpperCase()}${found.alarm.slice(1)}.`) : null, find("#alarm"));
      complain(null, find("#duty-problem"));
      const known = names.size;
      for (const one of found.invigilators) names.set(one.user, one.name ?? "(erased)");
      if (names.size > known) named();
      const told = JSON.stringify([found.invigilators, found.hand_overs]);
      if (told !== shown && !find("#duty").contains(document.activeElement)) {
        shown = told;
        fill(found);
      }
    } catch (error) {
      complain(new Error(`Who is on duty cannot be brought up to date: ${error.message} It is tried again by itself.`), find("#duty-problem"));
    }
  }

  function fill({ invigilators, hand_overs: offers }) {
    const open = offers.filter((one) => one.state === "offered");
    find("#on-duty").replaceChildren(...invigilators.map(person));
    find("#no-duty").hidden = invigilators.some((one) => one.since);
    find("#offers").replaceChildren(...open.map(offer));
    find("#split").hidden = !lead || invigilators.filter((one) => one.since).length < 2;
    const mine = invigilators.find((one) => one.user === me.actor);
    find("#hand-over").hidden = !mine?.since || invigilators.length < 2;
    find("#hand-over-to").replaceChildren(...invigilators.filter((one) => one.user !== me.actor).map((one) => make("option", { value: one.user }, nameOf(one.user))));
  }

  function person(one) {
    const own = one.user === me.actor;
    const said = one.since ? `since ${clockTime(one.since)}, ${one.sessions.length} ${one.sessions.length === 1 ? "candidate" : "candidates"}${one.connected ? "" : ", not connected"}` : "off duty";
    const line = make("li", { class: "row" }, make("strong", {}, own ? "You" : nameOf(one.user)), make("span", { class: one.since ? "" : "quiet" }, said));
    if (own || lead) {
      const label = one.since ? "Go off duty" : "Come on duty";
      const button = make("button", { type: "button", "aria-label": own ? label : `${nameOf(one.user)}: ${label.toLowerCase()}` }, label);
      button.onclick = () => act(button, () => call.post(`${at}/${one.since ? "off" : "on"}`, { user: one.user }));
      line.append(button);
    }
    return line;
  }

  function offer(one) {
    const { incidents, help, pauses, breaks, accommodations } = one.standing;
    const listed = `${incidents} incidents, ${help} asking for help, ${pauses} paused, ${breaks} on a break, ${accommodations} with accommodations`;
    const line = make("li", {}, make("div", {}, `${nameOf(one.user)} → ${nameOf(one.to)}: ${listed}`));
    const row = make("div", { class: "row" });
    const button = (label, what) => {
      const made = make("button", { type: "button" }, label);
      made.onclick = () => act(made, () => call.post(`${at}/hand-overs/${one.hand_over}/${what}`));
      row.append(made);
    };
    if (one.to === me.actor) button("Accept", "accept");
    if (one.to === me.actor) button("Decline", "withdraw");
    else if (one.user === me.actor || lead) button("Take back", "withdraw");
    line.append(row);
    return line;
  }

  /** What a button does, and how things stand afterwards. */
  function act(control, work) {
    busy(control, async () => {
      await work();
      control.blur();
      await look();
    });
  }

  find("#hand-over").onsubmit = (event) => {
    event.preventDefault();
    act(event.submitter, () => call.post(`${at}/hand-overs`, { to: find("#hand-over-to").value }));
  };
  find("#split").onclick = (event) => act(event.target, () => call.put(`${at}/split`, { evenly: true }));
  const again = setInterval(look, EVERY_MS);
  look();
  return {
    nameOf,
    close: () => {
      clearInterval(again);
      complain(null, find("#alarm"));
    },
  };
}
