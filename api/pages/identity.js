// The identity check, as the candidate does it: a picture of themselves and one of their document, and what became of them.

import { busy, find } from "/assets/show.js";

const SAID = {
  none: "Take a picture of yourself and one of your identity document. An invigilator looks at them to see that it is you.",
  waiting: "Your pictures were sent. An invigilator is looking at them; you can start as soon as they have.",
  deferred: "Please take the two pictures again on this device. Your exam goes on meanwhile.",
};

/** `camera` gives the stream of the camera. Gives a function that shows how far it came. */
export function identityCheck(call, at, camera) {
  const view = find("#identity-view");

  async function watch() {
    if (!view.srcObject) view.srcObject = await camera();
    await view.play();
  }

  async function take(picture) {
    if (!view.srcObject) await watch();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [view.videoWidth, view.videoHeight];
    canvas.getContext("2d").drawImage(view, 0, 0);
    const body = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
    const headers = { "Content-Type": "image/jpeg", Authorization: `Bearer ${call.token}` };
    const response = await fetch(call.url(`${at}/identity/${picture}`), { method: "PUT", headers, body });
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? "The picture was not taken.");
  }

  for (const picture of ["photo", "document"])
    find(`#identity-${picture}`).onclick = (event) => busy(event.target, () => take(picture));

  /** `open` says whether it is asked for now; an accommodation may spare them the pictures. */
  return ({ standing, pictures, reason }, open, allowed) => {
    const spared = (allowed?.accommodation.identity_route ?? "photos") !== "photos";
    for (const button of document.querySelectorAll("#identity .row, #identity-view")) button.hidden = spared;
    const shown = open && (["none", "waiting", "rejected"].includes(standing) || (standing === "deferred" && pictures.length < 2));
    find("#identity").hidden = !shown;
    if (!shown) return void (view.srcObject = null);
    if (spared) return void (find("#identity-said").textContent = "An invigilator sees who you are before you start. You need no pictures.");
    find("#identity-said").textContent =
      standing === "rejected" ? `Your pictures were not accepted${reason ? `: ${reason}` : ""} Please take new ones.` : SAID[standing];
    for (const picture of ["photo", "document"]) find(`#identity-${picture}-done`).textContent = pictures.includes(picture) ? "sent" : "not yet";
    watch().catch(() => {}); // without a camera the buttons say what is wrong
  };
}
