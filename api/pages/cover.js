// What an invigilator asked of the candidate, and breaks. At most one thing covers the exam, and nothing but the exam:
// checks and recording go on below it.

import { busy, complain, duration, find } from "/assets/show.js";

const LOOKS = {
  identity_check: ["Please show who you are", "Look into your camera and hold your identity document beside your face, long enough to be read."],
  room_scan: ["Please show your room", "Take your camera and turn it slowly once around: the desk, below it, the walls, the door."],
  return_look: ["Welcome back", "Sit down and look into your camera for a moment, so that it is seen that it is you."],
};
const STANDS = {
  paused: ["Your exam is paused", "pause"],
  locked: ["Your exam is locked for the moment", "lock"],
};
const NOT_YET = ["requested", "delivered"];
const PLATFORM = "The clock of your exam platform may go on; your invigilator knows.";

/** `now()` gives the clock, our clock's error, the camera, and whether the exam itself is shown. */
export function covers(call, at, now) {
  const asked = new Map();
  let shown = "";
  let act = null;
  find("#cover-ok").onclick = (event) => busy(event.target, () => act());
  find("#break-ask").onclick = (event) => busy(event.target, () => call.post(`${at}/breaks`, { kind: find("#break-kind").value }));
  find("#break-not").onclick = (event) => busy(event.target, () => call.delete(`${at}/breaks`));

  const tell = (one, stage) => call.post(`${at}/interventions/${one.intervention}/progress`, { stage });

  /** A warning and a look wait for the candidate; everything else takes effect as it is shown. */
  function intervention(data) {
    asked.set(data.intervention, data);
    const waits = data.action === "warn" || data.action in LOOKS;
    const reached = { requested: "delivered", delivered: waits ? null : "applied" }[data.stage];
    show();
    if (reached) tell(data, reached).catch(complain);
  }

  function show() {
    const { clock, sitting } = now();
    if (!clock) return;
    const what = warning() ?? (sitting ? (look(clock) ?? rest(clock) ?? stands(clock)) : null);
    find("#cover").hidden = !what;
    find("#below").textContent = sitting ? "" : below(clock);
    find("#below").hidden = !find("#below").textContent;
    asking(clock);
    if (!what) return void (shown = "");
    find("#cover-head").textContent = what.head;
    find("#cover-text").textContent = what.text;
    find("#cover-more").textContent = what.more;
    find("#cover-ok").hidden = !what.ok;
    find("#cover-ok").textContent = what.ok ?? "";
    const view = find("#cover-view");
    view.hidden = !what.view;
    if (what.view && view.srcObject !== now().camera) view.srcObject = now().camera ?? null;
    act = what.act;
    if (shown !== what.head && what.ok) find("#cover-ok").focus();
    shown = what.head;
  }

  const waiting = (action) => [...asked.values()].filter((one) => one.action === action && NOT_YET.includes(one.stage));
  const last = (action) => [...asked.values()].filter((one) => one.action === action).at(-1);

  function warning() {
    const [one] = waiting("warn");
    if (!one) return null;
    const more = "You can answer in the chat.";
    return { head: "A word from your invigilator", text: one.text ?? "", more, ok: "I have read this", act: () => tell(one, "applied") };
  }

  function look(clock) {
    if (clock.phase === "on_break") return null;
    for (const [action, [head, how]] of Object.entries(LOOKS)) {
      const all = waiting(action);
      if (!all.length) continue;
      const stage = action === "return_look" ? "applied" : "acknowledged";
      const text = [how, all.at(-1).text].filter(Boolean).join("\n");
      const more = action === "return_look" ? "Your exam goes on already." : "This is not an accusation. Say when you have done it; an invigilator looks at it.";
      return { head, text, more, view: true, ok: "I have done this", act: () => Promise.all(all.map((one) => tell(one, stage))) };
    }
    return null;
  }

  function rest(clock) {
    const taken = clock.on_break;
    if (clock.phase !== "on_break" || !taken) return null;
    const seconds = (Date.parse(taken.until) + now().skew - Date.now()) / 1000;
    const runs = taken.kind === "comfort" || seconds < 0;
    const text = seconds < 0 ? `Your break is over since ${duration(-seconds)}.` : `${duration(seconds)} left of your break.`;
    const more = `${runs ? "The clock of your exam runs." : "The clock of your exam stands."} ${runs || last("break")?.platform ? "" : PLATFORM} Nothing that is seen meanwhile counts.`;
    const head = taken.kind === "rest" ? "You are on a rest break" : "You are on a break";
    return { head, text, more, view: true, ok: "I am back", act: () => call.post(`${at}/breaks/return`) };
  }

  function stands(clock) {
    if (!(clock.phase in STANDS)) return null;
    const [head, action] = STANDS[clock.phase];
    const one = last(action);
    const more = `The clock has stopped. This is not an accusation. ${one?.platform ? "" : PLATFORM} It goes on by itself here.`;
    return { head, text: one?.text ?? "", more };
  }

  /** Beside the checks: that the exam stands, so that nobody hurries. */
  function below(clock) {
    if (clock.phase === "on_break") return "You are on a break. Run the checks, go back to the exam, and say there that you are back.";
    return clock.phase in STANDS ? `${STANDS[clock.phase][0]}, and its clock has stopped. You can run the checks meanwhile.` : "";
  }

  function asking(clock) {
    const asks = clock.break_asked;
    find("#break-not").hidden = !asks;
    find("#break-ask").hidden = find("#break-kind").hidden = Boolean(asks);
    const minutes = Math.floor(clock.rest_left_s / 60);
    find("#break-said").textContent = asks
      ? "You have asked for a break; an invigilator will answer."
      : minutes ? `You have ${minutes} minutes of rest breaks; they begin at once.` : "";
  }

  return { intervention, show };
}
