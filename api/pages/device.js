// The device that an exam is taken on: a key of this browser's own, and asking to go on here when it is taken elsewhere.

import { busy, find } from "/assets/show.js";

let fallback = ""; // where a browser keeps nothing

/** The same whenever this browser comes again. */
export function deviceKey() {
  try {
    let key = localStorage.getItem("vigil-device");
    if (!key) localStorage.setItem("vigil-device", (key = fresh()));
    return key;
  } catch {
    return (fallback ||= fresh());
  }
}

function fresh() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Says that the exam is taken on another device, and lets the candidate go on here: at once, or when somebody agrees. */
export function elsewhere(call, at, started) {
  const said = find("#device-said");
  const ask = find("#device-ask");
  said.textContent = started
    ? "Your exam is taken on another device, so nothing is sent from here. You can ask to go on here; an invigilator decides."
    : "Your exam was opened on another device since.";
  ask.hidden = false;
  ask.onclick = (event) =>
    busy(event.target, async () => {
      if (!started) return location.reload();
      await call.post(`${at}/devices`);
      look();
    });

  async function look() {
    const { standing } = await call.get(`${at}/devices/mine`).catch(() => ({ standing: "" }));
    if (standing === "live") return location.reload();
    ask.hidden = standing === "asking";
    if (standing === "asking") said.textContent = "You have asked to go on here. An invigilator decides; keep this page open.";
    if (standing === "refused") said.textContent = "The invigilator did not agree. Go on where you took your exam before, or ask again.";
    if (standing !== "refused") setTimeout(look, 2000);
  }
}
