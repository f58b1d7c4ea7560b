// The records of a schedule for who reviews: what needs a look comes first; decisions and notes, and what they rest on.

import { showAppeals } from "/assets/record_appeals.js";
import { showFlags } from "/assets/record_flags.js";
import { showRecordings } from "/assets/recordings.js";
import { busy, complain, dayTime, find, make, words } from "/assets/show.js";

const OUTCOMES = { clear: "Clear", referred: "Refer it", void: "Void" };
const GROUNDS = { incident: "a confirmed incident", fault: "a fault", termination: "the termination", identity: "who it was" };

/** Opens the page for a schedule; gives a function that closes it. */
export async function openReview(call, schedule, me) {
  const reviewer = me.roles.includes("reviewer");
  const plan = await call.get(`/schedules/${schedule}`);
  const zone = plan.window?.time_zone;
  find("#where").textContent = plan.title;
  find("#gradebook-sheet").href = call.url(`/schedules/${schedule}/gradebook.csv`);
  find("#record").hidden = true;
  let shown = ""; // the session whose recordings are there

  async function list() {
    const { records } = await call.all(`/schedules/${schedule}/gradebook`, "records");
    const body = find("#records tbody");
    if (body.matches(":hover") || body.contains(document.activeElement)) return; // nothing moves under pointer or focus
    body.replaceChildren(...records.map(line));
  }

  function line(row) {
    const open = make("button", { type: "button", onclick: (event) => busy(event.target, () => choose(row.session)) }, row.name ?? row.number ?? "(erased)");
    return make(
      "tr", {}, make("th", { scope: "row" }, open), make("td", {}, words(row.phase)), make("td", {}, flagged(row)),
      make("td", {}, [row.decisions.at(-1)?.outcome, row.appeals.some((one) => one.state === "open") && "an appeal waits"].filter(Boolean).join("; ")),
    );
  }

  /** What was flagged; where nothing was, what could not have been: no flag of what nobody saw counts as clean. */
  function flagged(row) {
    const flags = Object.values(row.incidents);
    if (flags.length) return flags.map((flag) => `${words(flag.kind)} (${flag.severity}): ${words(flag.standing)}`).join(", ");
    if (!row.clock.ended_at) return "";
    const blind = Object.keys(row.observed).filter((kind) => !row.coverage[kind]?.taken);
    if (blind.length === Object.keys(row.observed).length) return "not observed";
    return ["nothing flagged", ...(blind.length ? [`not observed: ${blind.map(words).join(", ")}`] : [])].join("; ");
  }

  async function choose(session) {
    const { record, people } = await call.get(`/sessions/${session}/record`);
    const who = (one) => `${people[one.by] ?? one.by}, ${dayTime(one.at, zone)}`;
    find("#record").hidden = false;
    if (shown !== session) showRecordings(call, session, find("#record-media")).catch(complain); // a player that runs goes on
    shown = session;
    find("#record-head").textContent = record.name ?? "(erased)";
    const seal = record.seals.at(-1);
    find("#record-seal").textContent = seal ? `Sealed (${seal.number}, ${seal.kind}).` : "Not sealed yet: nobody can decide.";
    const observed = Object.entries(record.observed).map(([kind, said]) => make("li", {}, `${words(kind)}: ${said}`));
    find("#record-observed").replaceChildren(...(observed.length ? observed : [make("li", { class: "quiet" }, "Nothing was looked for: not observed.")]));
    await showFlags(call, session, find("#record-flags"));
    const decided = record.decisions.map((one) =>
      make("li", {}, make("strong", {}, one.outcome), one.ground ? `, ${GROUNDS[one.ground]}` : "", `: ${one.reason ?? "(erased)"}`, make("div", { class: "quiet" }, `${who(one)}, on seal ${one.seal}`)),
    );
    find("#decisions").replaceChildren(...(decided.length ? decided : [make("li", { class: "quiet" }, "Nobody has decided.")]));
    const again = async () => {
      await list();
      await choose(session);
    };
    showAppeals(call, session, find("#record-appeals"), { appeals: record.appeals, decisions: record.decisions.length, who, reviewer, again, zone });
    find("#record-notes").replaceChildren(
      ...record.notes.map((one) => make("li", {}, one.text ?? "(erased)", make("div", { class: "quiet" }, who(one)))),
    );
    for (const id of ["#decide", "#add-note"]) find(id).hidden = !reviewer;
    send("#decide", session, "decision", () => ({
      outcome: find("#decide-outcome").value, ground: find("#decide-outcome").value === "clear" ? null : find("#decide-ground").value,
      reason: find("#decide-reason").value, number: record.decisions.length + 1,
    }));
    send("#add-note", session, "notes", () => ({ text: find("#note-text").value }));
  }

  function send(form, session, what, body) {
    find(form).onsubmit = (event) => {
      event.preventDefault();
      busy(event.submitter, async () => {
        await call.post(`/sessions/${session}/record/${what}`, body());
        find(form).reset();
        await list();
        await choose(session);
      });
    };
  }

  const options = (of) => Object.entries(of).map(([value, text]) => make("option", { value }, text));
  find("#decide-outcome").replaceChildren(...options(OUTCOMES));
  find("#decide-ground").replaceChildren(...options(GROUNDS));
  find("#decide-outcome").onchange = () => (find("#decide-ground-place").hidden = find("#decide-outcome").value === "clear");
  find("#decide-ground-place").hidden = true;
  find("#decide").onreset = () => (find("#decide-ground-place").hidden = true);
  await list();
  const again = setInterval(() => list().catch(complain), 10_000);
  return () => clearInterval(again);
}
