// The incident log: each flag worded as what was seen, with its picture; a person's verdict needs a reason.

import { busy, clockTime, complain, find, make, words } from "/assets/show.js";

const SEVERITY = { high: ["▲▲ high", "bad"], warn: ["▲ warning", "warn"], info: ["· note", "quiet"] };

export function incidentLog(call, watcher) {
  const list = find("#incidents");
  const problem = find("#incidents-problem");
  const known = new Map(); // incident -> its entry
  const asked = new Set(); // sessions whose earlier incidents were asked for
  const owed = new Map(); // sessions whose earlier incidents could not be had -> their row
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
      entry.state(row.open[incident] ? "going on" : "over", row.verdicts[incident]);
    }
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
      if (known.has(one.incident)) continue;
      const entry = add(row, one.incident, { ...one, picture: one.evidence.length > 0 });
      known.set(one.incident, entry);
      entry.state(one.ended_at ? "over" : "going on", one.verdicts.at(-1)?.verdict);
    }
  }

  function add(row, incident, opened) {
    const at = `/sessions/${row.session}/incidents/${incident}`;
    const [severity, tone] = SEVERITY[opened.severity];
    const state = make("span", { class: "quiet" }, "going on");
    const entry = make(
      "li", {},
      make("div", {}, make("strong", { class: tone }, severity), ` ${words(opened.kind)}: `, row.name ?? "(erased)"),
      make("div", { class: "quiet" }, `${clockTime(opened.started_at)} · `, state),
    );
    const one = {
      session: row.session,
      state: (now, verdict) => (state.textContent = verdict ? `${now}, ${verdict}` : `${now}, nobody has judged it`),
      picture: () => {
        if (find("img", entry)) return;
        entry.append(make("img", { src: call.url(`${at}/pictures/0`), loading: "lazy", alt: `What the camera showed: ${words(opened.kind)}` }));
      },
    };
    if (opened.picture) one.picture();
    if (watcher) entry.append(judge(at));
    list.prepend(entry);
    find("#no-incidents").hidden = true;
    return one;
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
    owed.clear();
    list.replaceChildren();
  }

  return { see, close };
}
