// The camera and the screen of the candidate in focus, live.

import { RUNNING, find } from "/assets/show.js";
import { watch } from "/assets/whep.js";

const TRACKS = ["camera", "screen"];

/** Gives `see(row)`, which shows whoever sits the exam on that row, and `close`. */
export function livePictures(call, policy) {
  const how = {}; // what a viewer of each track says of itself
  let session = "";
  let stops = [];

  function see(row) {
    const wanted = RUNNING.includes(row.phase) ? row.session : "";
    if (wanted !== session) {
      close();
      if (wanted) begin(row);
    }
    for (const track of TRACKS) {
      const up = row.tracks[track]?.up;
      find(`#live-${track}-state`).textContent = `${track}: ${up ? how[track] : "nothing comes from the candidate at the moment"}`;
    }
  }

  function begin(row) {
    session = row.session;
    stops = TRACKS.filter((track) => policy[track]).map((track) => {
      const video = find(`#live-${track}`);
      const say = (text) => {
        how[track] = text;
        find(`#live-${track}-state`).textContent = `${track}: ${text}`;
      };
      find(`#live-${track}-place`).hidden = false;
      video.setAttribute("aria-label", `${track} of ${row.name ?? "the candidate"}, live`);
      return watch(call, `/sessions/${session}`, track, video, (state, why) => say({ live: "live", lost: why }[state] ?? "waiting for a picture"));
    });
  }

  function close() {
    for (const stop of stops.splice(0)) stop();
    for (const track of TRACKS) find(`#live-${track}-place`).hidden = true;
    session = "";
  }

  return { see, close };
}
