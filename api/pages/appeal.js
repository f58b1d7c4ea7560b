// Of a candidate's own record: their appeals, with files and answers, and the form for a new one.

import { busy, dayTime, find, make, words } from "/assets/show.js";

const MOST = 5;
const BYTES = 5 * 1024 * 1024;
const STATES = { open: "not answered yet", withdrawn: "withdrawn", upheld: "upheld: somebody decides anew", rejected: "rejected" };

/** `here` holds the calls, the address of the session, and what shows the record again. */
export function showAppeals(seen, here) {
  const closed = Date.parse(seen.appeals_close_at) <= Date.now();
  const waits = seen.appeals.some((one) => one.state === "open");
  const answered = seen.appeals.some((one) => ["upheld", "rejected"].includes(one.state) && one.decision === seen.decisions.length);
  find("#appeal").hidden = closed || waits || answered;
  find("#appeal-told").textContent = waits
    ? "Somebody answers who neither watched your exam nor judged or decided. Nothing of your record is erased meanwhile."
    : answered
    ? "An appeal is answered once. If somebody decides anew you can appeal against that."
    : closed
    ? `You could appeal until ${dayTime(seen.appeals_close_at)}.`
    : `You can appeal until ${dayTime(seen.appeals_close_at)}, once for each decision. Somebody answers who neither watched your exam nor judged or decided. Nothing of your record is erased meanwhile.`;
  const about = [make("option", { value: "" }, seen.decisions.length ? "The decision" : "The exam as a whole")];
  find("#appeal-about").replaceChildren(...about, ...seen.findings.map((one) => make("option", { value: one.incident }, `${words(one.kind)}, ${dayTime(one.started_at)}`)));
  find("#appeals").replaceChildren(...seen.appeals.map((one) => card(one, here)));
}

function card(one, here) {
  const files = one.attached.map((file) => make("li", {}, `File ${file.number}: ${file.kind}, ${Math.ceil(file.bytes / 1024)} KB`));
  const back = make("button", { type: "button" }, "Withdraw this appeal");
  back.onclick = () => busy(back, () => here.call.delete(`${here.at}/appeals/${one.appeal}`).then(here.again));
  return make("article", { "data-appeal": one.appeal },
    make("p", {}, make("strong", {}, `Your appeal of ${dayTime(one.at)}: ${STATES[one.state]}.`)),
    make("blockquote", { class: "told" }, one.text ?? "The text has been erased."),
    files.length ? make("ul", {}, ...files) : null,
    one.reason ? make("p", {}, `The answer, ${dayTime(one.ended_at)}: ${one.reason}`) : null,
    one.state === "open" ? back : null);
}

export async function sendAppeal(here) {
  const files = [...find("#appeal-files").files];
  if (files.length > MOST) throw new Error(`At most ${MOST} files go with an appeal.`);
  const large = files.find((file) => file.size > BYTES);
  if (large) throw new Error(`${large.name} is larger than 5 MB.`);
  const said = { text: find("#appeal-text").value, incident: find("#appeal-about").value };
  const { appeal } = await here.call.post(`${here.at}/appeals`, said);
  const refused = [];
  for (const [n, file] of files.entries()) {
    const why = await attach(here, `${here.at}/appeals/${appeal}/attachments/${n + 1}`, file);
    if (why) refused.push(`${file.name}: ${why}`);
  }
  find("#appeal").reset();
  await here.again();
  find("#appeal-said").textContent = refused.length ? `Your appeal was sent, but not every file. ${refused.join("; ")}` : "Your appeal was sent.";
}

/** Sends a file as it is; gives why it was not taken, or nothing. */
async function attach(here, path, file) {
  try {
    await here.call.put(path, file);
    return "";
  } catch (error) {
    return error.errors?.[0]?.rule ?? error.message;
  }
}
