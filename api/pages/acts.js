// What an invigilator can do to the candidate in focus, and what was done to them, by whom and how far it came.

import { RUNNING, busy, clockTime, complain, duration, find, make, words } from "/assets/show.js";

// Each kind with the phases in which it makes sense.
const KINDS = {
  pause: ["in_progress", "on_break"],
  resume: ["paused", "on_break"],
  lock: ["in_progress", "paused", "on_break"],
  unlock: ["locked"],
  break: ["in_progress"],
  extra_time: RUNNING,
  identity_check: ["in_progress", "paused", "locked"],
  room_scan: ["in_progress", "paused", "locked"],
};
const SAID = { resume: "Let it go on", break: "Give a break", extra_time: "Add time", identity_check: "Ask for identity", room_scan: "Ask for room scan" };
const names = new Map(); // of colleagues who act, by their account
const LOOKS = ["identity_check", "room_scan", "return_look"];

/** `row()` is the live row in focus. Gives a function to call when it has changed. */
export function acts(call, me, policy, row) {
  const lead = me.roles.includes("lead_invigilator");
  const watcher = lead || me.roles.includes("invigilator");
  const kind = find("#act-kind");
  let reasons = null;
  let drawn = "";

  const at = (path) => `/sessions/${row().session}/${path}`;

  async function see() {
    const { session, phase, interventions, clock } = row();
    find("#acts").hidden = !watcher || !(RUNNING.includes(phase) || phase === "terminated");
    find("#act").hidden = !RUNNING.includes(phase);
    find("#end").hidden = !lead || !RUNNING.includes(phase);
    find("#reinstate").hidden = !lead || phase !== "terminated";
    find("#break-no").hidden = !clock.break_asked;
    const now = JSON.stringify([session, phase, interventions]);
    if (!watcher || now === drawn) return;
    drawn = now;
    const open = Object.keys(KINDS).filter((one) => KINDS[one].includes(phase) && (one !== "room_scan" || policy.room_scan));
    const chosen = kind.value;
    kind.replaceChildren(...open.map((one) => make("option", { value: one }, SAID[one] ?? `${one[0].toUpperCase()}${one.slice(1)}`)));
    if (open.includes(chosen)) kind.value = chosen;
    await fit();
    const told = await call.get(at("interventions"));
    if (session === row().session) find("#done").replaceChildren(...told.interventions.map(entry).reverse());
  }

  /** The fields that go with the kind that is chosen. */
  async function fit() {
    find("#act-minutes-place").hidden = !["break", "extra_time"].includes(kind.value);
    find("#act-break-place").hidden = kind.value !== "break";
    reasons ??= (await call.get("/reasons")).reasons;
    find("#act-reason").replaceChildren(...(reasons[kind.value] ?? []).map(({ code, words: said }) => make("option", { value: code }, said)));
  }

  function entry(one) {
    const how = one.stage === "failed" ? `failed: ${one.why}` : one.result ? words(one.result) : one.stage === "acknowledged" && LOOKS.includes(one.kind) ? "done by the candidate" : one.stage;
    const who = one.by === me.actor ? "you" : (one.by_name ?? "the candidate");
    const line = make("li", {}, make("div", { class: "quiet" }, `${who}, ${clockTime(one.at)}`), `${words(one.kind)} (${one.reason}): ${how}`);
    if (one.advice && one.stage !== "failed") line.append(make("div", { class: "quiet" }, "Only here: change the exam platform's clock too."));
    if (LOOKS.includes(one.kind) && !one.result) {
      const mark = (result) => make("button", { type: "button", "aria-label": `${words(result)}: ${words(one.kind)} (${one.reason})`, onclick: (event) => busy(event.target, () => call.post(at(`interventions/${one.intervention}/result`), { result })) }, words(result));
      line.append(make("div", { class: "row" }, mark("passed"), mark("not_passed")));
    }
    return line;
  }

  kind.onchange = () => fit().catch(complain);

  find("#act").onsubmit = (event) => {
    event.preventDefault();
    busy(event.submitter, async () => {
      const body = { kind: kind.value, reason_code: find("#act-reason").value };
      if (!find("#act-minutes-place").hidden) body.minutes = Number(find("#act-minutes").value);
      if (kind.value === "break") body.break_kind = find("#act-break").value;
      if (find("#act-text").value.trim()) body.text = find("#act-text").value;
      const { advice } = await call.post(at("interventions"), body);
      find("#act-text").value = "";
      find("#act-said").textContent = advice ? `Done here. The exam platform's own clock goes on: ${advice}.` : "Asked for.";
    });
  };

  find("#end").onsubmit = (event) => {
    event.preventDefault();
    busy(event.submitter, async () => {
      await call.post(at("interventions"), { kind: "terminate", text: find("#end-reason").value, confirm_name: find("#end-name").value });
      find("#end").reset();
    });
  };

  find("#reinstate").onsubmit = (event) => {
    event.preventDefault();
    busy(event.submitter, async () => {
      await call.post(at("reinstate"), { reason: find("#reinstate-reason").value });
      find("#reinstate").reset();
    });
  };

  find("#break-no").onclick = (event) => busy(event.target, () => call.delete(at("breaks")));

  return { see: () => see().catch(complain) };
}

const newest = (row) => Object.values(row.interventions).sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);

/** Looks up who acts on a row, if that is not known yet; gives whether it is known now. */
export async function whoActs(call, row, me) {
  const { by } = newest(row) ?? {};
  if (!by || by === me.actor || names.has(by)) return false;
  names.set(by, null);
  const told = await call.get(`/sessions/${row.session}/interventions`).catch(() => ({ interventions: [] }));
  for (const one of told.interventions) names.set(one.by, one.by_name);
  return true;
}

/** What goes on with a row beside its state: who acts, a break and how long, a wish for one. */
export function goingOn(row, me, skew) {
  const said = [];
  const asked = newest(row);
  if (asked && (asked.stage !== "applied" || asked.result)) {
    const how = asked.result ? words(asked.result) : `${asked.stage}${asked.why ? `, ${asked.why}` : ""}`;
    const who = asked.kind === "return_look" ? "" : asked.by === me.actor ? " by you" : ` by ${names.get(asked.by) ?? "somebody else"}`;
    said.push(`(${words(asked.kind)}: ${how})${who}`);
  }
  const { on_break: taken, break_asked: wish } = row.clock;
  if (row.phase === "on_break" && taken) {
    const seconds = (Date.parse(taken.until) + skew - Date.now()) / 1000;
    said.push(seconds < 0 ? `${taken.kind}, ${duration(-seconds)} over` : `${taken.kind}, ${duration(seconds)} left`);
  }
  if (wish) said.push(`asks for a ${wish.kind} break`);
  return said.join(" · ");
}
