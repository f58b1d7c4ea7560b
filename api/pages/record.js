// A candidate's own record, months later: opened by a record link, read, and appealed against.

import { client } from "/assets/calls.js";
import { showAppeals, sendAppeal } from "/assets/appeal.js";
import { pictures, showFilms } from "/assets/record_media.js";
import { busy, complain, dayTime, duration, find, make, words } from "/assets/show.js";

const OUTCOMES = { clear: "Clear: nothing follows from this record.", referred: "Referred: it is looked into further.", void: "Void: this sitting does not count." };
const GROUNDS = { incident: "what people confirmed below", fault: "a fault, which is not held against you", termination: "your exam was ended by an invigilator", identity: "it was not clear who sat the exam" };
const here = { call: null, at: "", seen: null };

async function open() {
  const link = location.hash.slice(1) || sessionStorage.getItem("vigil-record") || "";
  history.replaceState(null, "", location.pathname); // the link stays out of the history and out of screenshots
  try {
    if (!link) throw new Error("Open the link to your record that you were given with your receipt.");
    sessionStorage.setItem("vigil-record", link); // for when this page is loaded again
    const opened = await client().post("/record-link", { token: link });
    here.call = client(opened.token);
    here.at = `/sessions/${opened.session}`;
    await show();
  } catch (error) {
    complain(error);
  }
  find("#opening").hidden = true;
}

async function show() {
  const seen = (here.seen = await here.call.get(`${here.at}/own-record`));
  find("#title").textContent = `Your record: ${seen.title}`;
  find("#until").textContent = seen.readable_until ? `Can be read until ${dayTime(seen.readable_until)}` : "Can be read until you have an answer, and for some time after it";
  find("#exam").replaceChildren(
    ...told("Who", [seen.name, seen.number].filter(Boolean).join(", ") || "erased"),
    ...told("How it ended", words(seen.phase)),
    ...told("Begun", seen.started_at ? dayTime(seen.started_at) : "never"),
    ...told("Ended", dayTime(seen.ended_at)),
    ...told("Who decides", seen.decided_by),
    ...told("Recordings are kept until", dayTime(seen.media_kept_until)),
    ...told("Your record is kept until", `${dayTime(seen.record_kept_until)}, or longer while an appeal or a decision needs it`),
  );
  find("#decisions").replaceChildren(...decisions(seen));
  fill("#findings", seen.findings.map(finding), "Nothing.");
  fill("#kept", [...seen.recordings.map(taped), ...Object.entries(seen.observed).map(([kind, said]) => `${words(kind)}: ${said}`)], "Nothing was recorded.");
  find("#kept").append(make("li", {}, `For a copy of your recordings ask for access to your data${contact(seen)}.`));
  showFilms(here.call, here.at, seen, find("#films")).catch(complain);
  find("#notice").textContent = seen.notice;
  fill("#happened", happened(seen), "Nothing.");
  fill("#chat", seen.messages.map((one) => `${dayTime(one.at)}, ${one.side === "candidate" ? "you" : "an invigilator"}: ${one.text ?? "erased"}`), "Nobody wrote anything.");
  fill("#seals", seen.seals.map((one) => `Seal ${one.number}, ${one.kind}, ${dayTime(one.at)}: ${one.root}`), "Not sealed yet.");
  showAppeals(seen, { call: here.call, at: here.at, again: show });
  find("#record").hidden = false;
}

const told = (name, text) => [make("dt", {}, name), make("dd", {}, text)];

const fill = (place, lines, otherwise) => find(place).replaceChildren(...(lines.length ? lines : [otherwise]).map((line) => make("li", {}, line)));

const contact = (seen) => [seen.contact_email, seen.contact_phone].filter(Boolean).map((one, n) => `${n ? ", " : ": "}${one}`).join("");

function decisions(seen) {
  if (!seen.decisions.length) return [make("p", {}, "Nobody has decided yet. People decide, never a program.")];
  return seen.decisions.map((one, n) => {
    const last = n === seen.decisions.length - 1;
    const why = one.ground ? ` Because: ${GROUNDS[one.ground]}.` : "";
    return make("div", { class: last ? "" : "quiet" },
      make("p", {}, make("strong", {}, `${last ? "" : "Earlier: "}${OUTCOMES[one.outcome]}`), `${why} By ${seen.decided_by}, ${dayTime(one.at)}, on seal ${one.seal}.`),
      make("blockquote", {}, one.reason ?? "The reason has been erased."));
  });
}

function finding(one) {
  const lasted = Date.parse(one.ended_at) > Date.parse(one.started_at) ? `, for ${duration((Date.parse(one.ended_at) - Date.parse(one.started_at)) / 1000)}` : "";
  const said = `${words(one.kind)}, ${dayTime(one.started_at)}${lasted}${one.reason ? `: ${one.reason}` : ""}`;
  return one.pictures.length ? make("div", {}, said, pictures(here.call, "pictures of it", one.pictures)) : said;
}

function taped(one) {
  const gaps = one.gaps.length ? `, with ${one.gaps.length} gaps` : "";
  return one.started_at ? `${words(one.track)}: ${dayTime(one.started_at)} to ${dayTime(one.ended_at)}${gaps}` : `${words(one.track)}: nothing`;
}

function happened(seen) {
  const acts = seen.interventions.map((one) => [one.at, `${words(one.kind)}${one.minutes ? `, ${one.minutes} minutes` : ""}: ${words(one.stage)}${one.why ? `, ${one.why}` : ""}`]);
  const faults = seen.faults.map((one) => [one.began_at, `fault, not held against you: ${words(one.what)}, ${words(one.why)}`]);
  const breaks = seen.breaks.map((one) => [one.began_at, `${one.kind} break`]);
  return [...acts, ...faults, ...breaks].sort(([a], [b]) => Date.parse(a) - Date.parse(b)).map(([at, text]) => `${dayTime(at)}: ${text}`);
}

/** Whether the seal of a receipt is one of this record, with the same root. */
async function compare(file) {
  let held;
  try {
    held = JSON.parse(await file.text());
  } catch {
    held = null;
  }
  if (!held?.seal?.root) return "This file is no receipt.";
  if (held.session !== here.seen.session) return "This receipt is for another exam.";
  const same = here.seen.seals.find((one) => one.number === held.seal.number);
  if (same?.root !== held.seal.root) return "No: your receipt names another seal than this record. Keep the receipt, and say so in an appeal.";
  const signer = held.key_fingerprint === here.seen.key_fingerprint ? "" : " The key has been replaced since.";
  return `Yes: seal ${same.number} of this record is the one that your receipt names.${signer}`;
}

find("#receipt-file").onchange = async (event) => {
  const [file] = event.target.files;
  find("#receipt-said").textContent = file ? await compare(file) : "";
};

find("#appeal").onsubmit = (event) => {
  event.preventDefault();
  busy(find("#appeal button"), () => sendAppeal({ call: here.call, at: here.at, again: show }));
};

await open();
