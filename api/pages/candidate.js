// The candidate's page: join, notice, system check, exam, end. What the server says is shown; nothing is guessed.

import { client } from "/assets/calls.js";
import { showAllowed, showGuidance } from "/assets/allowed.js";
import { assessment, fullScreen } from "/assets/assessment.js";
import { advise, runChecks } from "/assets/checks.js";
import { showConsents } from "/assets/consent.js";
import { covers } from "/assets/cover.js";
import { deviceKey, elsewhere } from "/assets/device.js";
import { contactWords, keepContact, recallContact } from "/assets/emergency.js";
import { raiseHand } from "/assets/hand.js";
import { identityCheck } from "/assets/identity.js";
import { reading } from "/assets/reading.js";
import { showRecordLink } from "/assets/record_link.js";
import { sender } from "/assets/sending.js";
import { busy, clockTime, complain, duration, find, left, make, words } from "/assets/show.js";
import { signals } from "/assets/signals.js";
import { follow } from "/assets/stream.js";

const STEPS = ["join", "device", "notice", "consent", "checks", "exam", "end"];
const AWAY = [0, 502, 503, 504]; // what a later try may mend: nobody answers, or a front door that starts again
const OVER = ["submitted", "terminated", "no_show", "declined", "ended_in_fault"];
const here = { call: null, at: "", session: null, clock: null, media: {}, stops: [], stopStream: null };
const chat = new Map();
const messages = reading(() => here.media.asked, (message, stage) => here.call.post(`${here.at}/messages/${message}/${stage}`).catch(complain));


async function open() {
  const link = location.hash.slice(1) || sessionStorage.getItem("vigil-link") || "";
  history.replaceState(null, "", location.pathname); // the link stays out of the history and out of screenshots
  if (!link) return void (find("#step-join").textContent = "Open the link that you were sent.");
  sessionStorage.setItem("vigil-link", link); // for when this page is loaded again, whatever comes of this try
  try {
    const joined = await client().post("/join", { token: link, device: deviceKey() });
    keepContact(joined);
    here.call = client(joined.token);
    here.at = `/sessions/${joined.session}`;
    here.sender ??= sender(here.call, here.at, joined.session);
    here.hand = raiseHand(here.call, here.at);
    here.covers = covers(here.call, here.at, () => ({ clock: here.clock, skew: here.call.skew(), camera: here.media.camera, sitting: here.sitting }));
    find("#title").textContent = joined.title;
    if (!joined.live) return away(true);
    here.identity = identityCheck(here.call, here.at, camera);
    await refresh();
    complain(null);
    here.stopStream = follow(here.call, `${here.at}/stream`, { on: heard, state: connection });
  } catch (error) {
    find("#step-join").hidden = true;
    complain(error);
    if (AWAY.includes(error.status)) setTimeout(open, 3000);
  }
}

async function refresh() {
  here.session = await here.call.get(here.at);
  here.clock = here.session.clock;
  step();
}

/** The camera, also before the checks have opened it. */
async function camera() {
  return here.media.camera ?? (here.media.own ??= await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 } }));
}

/** This exam is taken on another device: nothing is shown or sent from here any more. */
function away(started) {
  here.stopStream?.();
  here.stops.splice(0).forEach((stop) => stop());
  for (const name of [...STEPS, "identity"]) find(name === "identity" ? "#identity" : `#step-${name}`).hidden = name !== "device";
  for (const other of ["#cover", "#help"]) find(other).hidden = true;
  elsewhere(here.call, here.at, started);
}

/** Which part of the page is shown, from what the server knows. */
function step() {
  const { session, clock } = here;
  const { next, consents } = session.onboarding;
  let now = ["notice", "consent"].includes(next) ? next : "checks";
  if (OVER.includes(clock.phase)) now = "end";
  else if (clock.started_at) now = here.media.asked ? "exam" : "checks";
  for (const name of STEPS) find(`#step-${name}`).hidden = name !== now;
  find("#help").hidden = ["submitted", "terminated", "declined"].includes(clock.phase);
  find("#notice-text").textContent = session.notice.text;
  find("#status").textContent = words(clock.phase);
  showAllowed(clock);
  showGuidance(clock);
  showConsents(consents, Boolean(clock.started_at), consent);
  if (session.pin_needed && !clock.started_at) find("#pin-place").hidden = false;
  find("#start").textContent = clock.started_at ? "Go back to the exam" : "Start the exam";
  here.identity(here.checked ?? { standing: "none", pictures: [] }, session.policy.identity && ["checks", "exam"].includes(now), clock.allowed);
  if (here.ended && now !== "end") return location.reload(); // somebody let them in again: cameras are asked for anew
  if (now === "end") end();
  here.sitting = now === "exam";
  here.covers.show();
}

find("#acknowledge").onclick = (event) => busy(event.target, () => answer("acknowledged"));
find("#decline").onclick = (event) => busy(event.target, () => answer("declined"));

async function answer(what) {
  const { policy_version, sha256 } = here.session.notice;
  await here.call.post(`${here.at}/notice`, { policy_version, sha256, answer: what });
  await refresh();
}

async function consent(purpose, agreed) {
  await here.call.post(`${here.at}/consents`, { purpose, agreed });
  await refresh();
}

/** Runs the checks and shows each in the table `place`. */
async function tried(place) {
  find(place).replaceChildren();
  const { policy, tracks, clock } = here.session;
  const microphone = policy.microphone && !clock.waived.includes("microphone");
  return runChecks(here, microphone, tracks, (name, passed, text) => {
    const result = make("td", { class: passed ? "good" : "bad" }, passed ? "pass" : "fail");
    find(place).append(make("tr", { "data-check": name }, make("th", { scope: "row" }, words(name)), result, make("td", {}, text)));
  });
}

find("#check").onclick = (event) =>
  busy(event.target, async () => {
    const found = await tried("#checks");
    Object.assign(here.media, { camera: found.camera, screen: found.screen });
    const where = here.clock.started_at ? "rehearsal" : "system-check"; // who comes back is only told what does not work
    const { passed, advice } = await here.call.post(`${here.at}/${where}`, { checks: found.checks });
    advise("#checks", advice);
    find("#check-ask").hidden = passed;
    find("#start").disabled = !passed;
    if (passed) find("#start").focus();
  });

find("#check-ask").onclick = (event) =>
  busy(event.target, async () => {
    await here.call.post(`${here.at}/help`, { topic: "technical", text: "A check does not pass." });
    find("#check-ask").hidden = true;
    find("#help").open = true;
  });

find("#rehearse").onclick = (event) =>
  busy(event.target, async () => {
    find("#rehearsed").hidden = false;
    const found = await tried("#rehearsal");
    for (const media of [found.camera, found.screen]) media?.getTracks().forEach((track) => track.stop());
    advise("#rehearsal", (await here.call.post(`${here.at}/rehearsal`, { checks: found.checks })).advice);
  });

find("#start").onclick = (event) =>
  busy(event.target, async () => {
    if (!(await start())) return;
    here.media.asked = true;
    messages.read();
    for (const track of here.session.tracks) here.sender.send(track, here.media[track]);
    find("#self").srcObject = here.media.camera ?? null;
    here.session = await here.call.get(here.at); // what holds for this session from its start on
    if (here.session.policy.full_screen && here.session.opens_in === "frame") fullScreen();
    const telling = signals(here.call, here.at, here.session, here.media);
    here.sender.telling(telling.localCopy);
    here.stops.push(telling.stop, here.sender.stop);
    assessment(here.session, telling.clipboard);
    step();
  });

/** Starts, with the PIN if one is asked for; what is wrong with it is said beside it, and whether it went well is returned. */
async function start() {
  const pin = find("#pin");
  const told = (rule) => {
    find("#pin-problem").textContent = rule;
    find("#pin-problem").hidden = !rule;
    pin.setAttribute("aria-invalid", String(Boolean(rule)));
  };
  told("");
  try {
    here.clock = await here.call.post(`${here.at}/start`, pin.value.trim() ? { pin: pin.value } : undefined);
    pin.value = "";
    return true;
  } catch (error) {
    const [about] = (error.errors ?? []).filter((one) => one.field === "pin");
    if (!about) throw error;
    find("#pin-place").hidden = false; // also when the planner made a PIN after this page was loaded
    told(`${about.rule[0].toUpperCase()}${about.rule.slice(1)}.`);
    pin.focus();
    return false;
  }
}

find("#pin").onkeydown = (event) => {
  if (event.key === "Enter" && !find("#start").disabled) find("#start").click();
};

find("#submit").onclick = () => find("#sure").showModal();
find("#not-yet").onclick = () => find("#sure").close();
find("#hand-in").onclick = (event) =>
  busy(event.target, async () => {
    here.clock = await here.call.post(`${here.at}/submit`);
    find("#sure").close();
    step();
  });

async function end() {
  if (here.ended) return;
  here.ended = true;
  await Promise.all(here.stops.map((stop) => stop()));
  for (const media of [here.media.camera, here.media.screen]) media?.getTracks().forEach((track) => track.stop());
  const { phase, ended_at } = here.clock;
  here.sender.finish(ended_at);
  if (phase === "declined") {
    find("#end-head").textContent = "You declined this exam";
    find("#end-text").textContent = `Nothing was recorded. What you can do instead: ${here.session.alternative}`;
    return;
  }
  find("#end-text").textContent = `It is ${words(phase)}. Recording stopped at ${clockTime(ended_at ?? Date.now())}.`;
  for (let tries = 0; tries < 20 && ended_at; tries += 1) {
    try {
      const receipt = await here.call.get(`${here.at}/receipt`);
      find("#receipt-text").textContent = JSON.stringify(receipt, null, 2);
      showRecordLink(receipt);
      find("#receipt").hidden = false;
      return;
    } catch (error) {
      if (!AWAY.includes(error.status)) return complain(error);
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }
  if (ended_at) find("#end-text").textContent += " Your receipt is not there yet; open your link again later to get it.";
}

find("#save").onclick = () => {
  const file = new Blob([find("#receipt-text").textContent], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(file), download: "vigil-receipt.json" });
  link.click();
  URL.revokeObjectURL(link.href);
};

async function connection(state) {
  if (state === "ended") {
    const { standing } = await here.call.get(`${here.at}/devices/mine`).catch(() => ({ standing: "" }));
    if (["not_live", "refused", "asking"].includes(standing)) return away(Boolean(here.clock.started_at));
  }
  const text = { live: "connection good", late: "connection late; trying again by itself", ended: "you are signed out; open your link again" };
  find("#connection").textContent = text[state] + (state === "live" ? "" : `.${contactWords()}`);
  find("#connection").className = state === "live" ? "good" : "warn";
}

function heard(name, data) {
  if (name === "snapshot") {
    here.clock = data.session;
    here.session.onboarding.next = data.next;
    data.messages.forEach(message);
    data.interventions.forEach(here.covers.intervention);
    here.hand(data.help);
    here.checked = data.identity;
    find("#device-asking").hidden = !data.devices.asking;
    step();
  } else if (name === "session") {
    const waived = String(here.clock.waived) !== String(data.waived);
    here.clock = data;
    if (waived) waiveHere().catch(complain);
    else step();
  } else if (name === "message") message(data);
  else if (name === "intervention") here.covers.intervention(data);
  else if (name === "help") here.hand(data);
  else if (name === "publish_again") here.sender.again(data.draining);
  else if (name === "devices") find("#device-asking").hidden = !data.asking;
  else if (name === "identity") {
    here.checked = data;
    step();
  }
}

/** A check was waived: who waited for it goes on without it. */
async function waiveHere() {
  await refresh();
  if (here.clock.phase === "ready") find("#start").disabled = false;
}

function message(data) {
  const line = make("li", { class: data.side === "candidate" ? "mine" : "" });
  line.append(make("div", { class: "quiet" }, `${data.side === "candidate" ? "You" : "Invigilator"}, ${clockTime(data.at)}`), data.text ?? "(erased)");
  if (chat.has(data.message)) chat.get(data.message).replaceWith(line);
  else find("#chat").append(line);
  chat.set(data.message, line);
  messages.came(data);
  find("#chat").scrollTop = find("#chat").scrollHeight;
}

find("#write").onsubmit = (event) => {
  event.preventDefault();
  busy(find("#write button"), async () => {
    await here.call.post(`${here.at}/messages`, { text: find("#words").value });
    find("#words").value = "";
  });
};

function tick() {
  if (here.clock?.on_break) here.covers.show();
  const seconds = here.clock && left(here.clock, here.call.skew());
  find("#left").textContent = seconds === null || seconds === undefined || OVER.includes(here.clock.phase) ? "" : `${duration(seconds)} left`;
}

recallContact();
await open();
setInterval(tick, 500);
