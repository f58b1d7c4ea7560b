// Of a record: the candidate's appeals, what they sent with them, and the form for who may answer.

import { busy, dayTime, make } from "/assets/show.js";

const STATES = { open: "waits for an answer", withdrawn: "withdrawn by the candidate", upheld: "upheld", rejected: "rejected" };

/** Fills `place`. `who` names who did something; `again` shows the record again. Only a `reviewer` is asked to answer. */
export function showAppeals(call, session, place, { appeals, decisions, who, reviewer, again, zone }) {
  place.hidden = !appeals.length;
  place.replaceChildren(make("h3", {}, "Appeals"), ...appeals.map((one) => card(call, session, one, { decisions, who, reviewer, again, zone })));
}

function card(call, session, one, { decisions, who, reviewer, again, zone }) {
  const against = one.decision ? `decision ${one.decision}` : "what happened before anybody decided";
  const decides = one.state === "upheld" && one.decision === decisions;
  const files = one.attached.map((file) => {
    const save = make("button", { type: "button" }, `Save file ${file.number} (${file.kind}, ${Math.ceil(file.bytes / 1024)} KB)`);
    save.onclick = () => busy(save, () => keep(call, session, one.appeal, file));
    return save;
  });
  return make("article", { "data-appeal": one.appeal },
    make("p", {}, make("strong", {}, `Against ${against}: ${STATES[one.state]}.`), ` ${dayTime(one.at, zone)}${decides ? " Somebody has to decide anew." : ""}`),
    make("blockquote", { class: "told" }, one.text ?? "(erased)"),
    files.length ? make("p", { class: "row" }, ...files) : null,
    one.reason ? make("p", {}, `${who({ by: one.by, at: one.ended_at })}: ${one.reason}`) : null,
    one.state === "open" && reviewer ? form(call, session, one, again) : null);
}

function form(call, session, one, again) {
  const answer = make("select", { id: `answer-${one.appeal}` }, make("option", { value: "rejected" }, "Reject it"), make("option", { value: "upheld" }, "Uphold it: somebody decides anew"));
  const reason = make("textarea", { id: `answer-reason-${one.appeal}`, rows: "3", maxlength: "10000", required: true });
  const send = make("button", { class: "main", type: "submit" }, "Answer the appeal");
  const said = make("form", {},
    make("p", { class: "quiet" }, "Somebody answers who neither watched, raised an incident, judged nor decided. The candidate reads the answer, not your name."),
    make("div", { class: "field" }, make("label", { for: answer.id }, "Answer to the appeal"), answer),
    make("div", { class: "field" }, make("label", { for: reason.id }, "Why"), reason), send);
  said.onsubmit = (event) => {
    event.preventDefault();
    busy(send, async () => {
      await call.post(`/sessions/${session}/appeals/${one.appeal}/answer`, { answer: answer.value, reason: reason.value });
      await again();
    });
  };
  return said;
}

/** Saves a file; it is a stranger's, and never opened in this page. */
async function keep(call, session, appeal, file) {
  const headers = call.token ? { Authorization: `Bearer ${call.token}` } : {};
  const answer = await fetch(call.url(`/sessions/${session}/appeals/${appeal}/attachments/${file.number}`), { headers });
  if (!answer.ok) throw new Error("This file cannot be had any more.");
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "attachment";
  const link = make("a", { href: URL.createObjectURL(await answer.blob()), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
