// The incident log: each flag worded as what was seen, with its picture; a person's verdict needs a reason.

import { pictures, restsOn } from "/assets/evidence.js";
import { moments } from "/assets/moments.js";
import { busy, clockTime, complain, find, make, words } from "/assets/show.js";

const SOON_MS = 1500; // in which what belongs to a beginning or an end has been told
const SEVERITY = { high: ["▲▲ high", "bad"], warn: ["▲ warning", "warn"], info: ["· note", "quiet"] };

/** `nameOf` says what a person of the staff is called. */
export function incidentLog(call, watcher, me, nameOf) {
  const list = find("#incidents");
  const problem = find("#incidents-problem");
  const lead = me.roles.includes("lead_invigilator");
  const known = new Map(); // incident -> its entry
  const asked = new Set(); // sessions whose earlier incidents were asked for
  const owed = new Map(); // sessions whose earlier incidents could not be had -> their row
  const soon = new Map(); // sessions that are asked for their pictures in a moment -> the timer
  const again = setInterval(() => [...owed.values()].forEach(ask), 4000);
  list.replaceChildren();
  find("#no-incidents").hidden = false;
  complain(null, problem);

  function see(row) {
    if (row.incidents) find("#no-incidents").hidden = true;
    if (watcher && row.incidents && !asked.has(row.session)) {
      asked.add(row.session);
      ask(row);
    }
    for (const [incident, opened] of Object.entries(row.open)) {
      if (!known.has(incident)) known.set(incident, add(row, incident, opened));
      else if (opened.picture) known.get(incident).picture(opened);
    }
    for (const [incident, entry] of known) {
      if (entry.session !== row.session) continue;
      if (entry.open !== Boolean(row.open[incident])) askSoon(row);
      entry.open = Boolean(row.open[incident]);
      entry.state(row.open[incident] ? "going on" : "over", row.verdicts[incident], row.triage[incident]);
    }
  }

  /** At a beginning the first picture follows, at an end the last. */
  function askSoon(row) {
    if (!watcher || soon.has(row.session)) return;
    soon.set(row.session, setTimeout(() => soon.delete(row.session) && ask(row), SOON_MS));
  }

  async function ask(row) {
    try {
      await earlier(row);
      owed.delete(row.session);
    } catch {
      owed.set(row.session, row);
    }
    const names = [...owed.values()].map((one) => one.name ?? "(erased)").join(", ");
    complain(owed.size ? new Error(`What was flagged before cannot be shown of ${names}. It is tried again by itself.`) : null, problem);
  }

  async function earlier(row) {
    const { incidents } = await call.all(`/sessions/${row.session}/incidents`, "incidents");
    for (const one of incidents) {
      if (!known.has(one.incident)) {
        const entry = add(row, one.incident, { ...one, picture: one.evidence.length > 0 });
        known.set(one.incident, entry);
        entry.open = !one.ended_at;
        entry.state(one.ended_at ? "over" : "going on", one.verdicts.at(-1)?.verdict, one);
      }
      known.get(one.incident).kept(one);
    }
  }

  function add(row, incident, opened) {
    const at = `/sessions/${row.session}/incidents/${incident}`;
    const [severity, tone] = SEVERITY[opened.severity];
    const state = make("span", { class: "quiet" }, "going on");
    const tending = watcher ? tend(at) : null;
    const shots = make("div", {});
    const entry = make(
      "li", {},
      make("div", {}, make("strong", { class: tone }, severity), ` ${words(opened.kind)}: `, row.name ?? "(erased)"),
      make("div", { class: "quiet" }, `${clockTime(opened.started_at)} · `, state),
    );
    const one = {
      session: row.session,
      state: (now, verdict, tended = {}) => {
        state.textContent = [now, verdict ?? "nobody has judged it", ...whose(tended)].join(", ");
        entry.classList.toggle("stale", Boolean(tended.set_aside_by));
        if (tended.escalated_by && lead && !entry.escalated) list.prepend(entry);
        entry.escalated = Boolean(tended.escalated_by);
        tending?.fill(tended);
      },
      picture: () => {
        if (find("img", shots)) return;
        shots.append(make("img", { src: call.url(`${at}/pictures/0`), loading: "lazy", alt: `What the camera showed: ${words(opened.kind)}` }));
      },
      kept: (now) => {
        if (now.evidence.length <= (shots.showing ?? -1) || (find("img", shots) && !now.evidence.length)) return;
        if (shots.matches(":hover")) return; // nothing moves under the pointer
        shots.showing = now.evidence.length;
        const unfolded = Boolean(find("details[open]", shots));
        shots.replaceChildren(...[restsOn(now), pictures(now)].filter(Boolean));
        if (unfolded) find("details", shots)?.setAttribute("open", "");
      },
    };
    entry.append(shots);
    if (opened.picture) one.picture();
    if (opened.kind === "voice") entry.append(make("div", { class: "quiet" }, "Heard, not seen: there is no picture. Play the moments before to listen."));
    if (watcher) entry.append(moments(call, row.session, opened.started_at, words(opened.kind)), tending, judge(at));
    list.prepend(entry);
    find("#no-incidents").hidden = true;
    return one;
  }

  /** Who looks after it, in words. */
  function whose({ taken_by, escalated_by, set_aside_by }) {
    const said = [[escalated_by, "escalated"], [taken_by, "taken"], [set_aside_by, "set aside"]];
    return said.filter(([who]) => who).map(([who, what]) => `${what} by ${nameOf(who)}`);
  }

  function tend(at) {
    const note = make("input", { maxlength: 500, "aria-label": "Note", placeholder: "Note, if you like", autocomplete: "off" });
    const button = (what, text, body) => make("button", { type: "button", onclick: (event) => busy(event.target, () => call.post(`${at}/${what}`, body?.())) }, text);
    const noted = () => ({ note: note.value });
    const [take, release] = [button("take", "Take"), button("release", "Give back")];
    const [aside, escalate] = [button("set-aside", "Set aside", noted), button("escalate", "To the lead", noted)];
    const row = make("div", { class: "row" }, take, release, aside, escalate, note);
    row.fill = ({ taken_by, escalated_by, set_aside_by }) => {
      const free = [null, undefined, me.actor].includes(taken_by) || lead;
      take.hidden = Boolean(taken_by) || (Boolean(escalated_by) && !lead);
      release.hidden = !free || !(taken_by || (escalated_by && lead));
      aside.hidden = !free || Boolean(set_aside_by) || (Boolean(escalated_by) && !lead);
      escalate.hidden = !free || Boolean(escalated_by);
      note.hidden = aside.hidden && escalate.hidden;
    };
    row.fill({});
    return row;
  }

  function judge(at) {
    const reason = make("input", { required: true, maxlength: 2000, "aria-label": "Reason", placeholder: "Reason", autocomplete: "off" });
    const form = make("form", { class: "row" }, reason);
    for (const [verdict, text] of [["confirmed", "It is there"], ["dismissed", "It is not"], ["unsure", "Unsure"]])
      form.append(make("button", { type: "submit", value: verdict }, text));
    form.onsubmit = (event) => {
      event.preventDefault();
      busy(event.submitter, async () => {
        await call.post(`${at}/verdict`, { verdict: event.submitter.value, reason: reason.value });
        details.open = false;
      });
    };
    const details = make("details", {}, make("summary", {}, "Judge"), form);
    return details;
  }

  function close() {
    clearInterval(again);
    for (const timer of soon.values()) clearTimeout(timer);
    owed.clear();
    list.replaceChildren();
  }

  return { see, close };
}
