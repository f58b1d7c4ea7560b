// The moments before and after something was flagged, out of what is stored by then. Opening them is on the record.

import { make } from "/assets/show.js";

const BEFORE_MS = 10_000;
const AFTER_MS = 10_000;
const SAID = { 404: "It is being stored; try again in a few seconds." };

/** A button that plays what the camera of a session showed around `at`, an ISO time; once opened, the video itself. */
export function moments(call, session, at, of) {
  const said = make("span", { class: "quiet", role: "status" });
  const button = make("button", { type: "button", onclick: show }, "Show the moments before");
  const place = make("div", { class: "row" }, button, said);

  async function show() {
    const begins = Date.parse(at) - BEFORE_MS;
    const when = new URLSearchParams({ starts_at: new Date(begins).toISOString(), ends_at: new Date(begins + BEFORE_MS + AFTER_MS).toISOString() });
    button.disabled = true;
    said.textContent = "fetching ...";
    try {
      const answer = await fetch(call.url(`/recordings/${session}.camera/clip?${when}`));
      if (!answer.ok) throw new Error(SAID[answer.status] ?? `The server answered ${answer.status}.`);
      const src = URL.createObjectURL(await answer.blob());
      const video = make("video", { controls: true, src, "aria-label": `The camera around the flag: ${of}` });
      video.currentTime = Math.max(0, (begins - Date.parse(answer.headers.get("Vigil-Clip-Starts"))) / 1000);
      place.replaceChildren(video);
      video.play().catch(() => {}); // its controls are there
      video.focus();
    } catch (error) {
      said.textContent = error.message;
      button.disabled = false;
    }
  }

  return place;
}
