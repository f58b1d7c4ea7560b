// The camera and the screen of the candidate in focus, live.

import { RUNNING, find } from "/assets/show.js";
import { watch } from "/assets/whep.js";

const TRACKS = ["camera", "screen"];

/** Gives `see(row)`, which shows whoever sits the exam on that row, and `close`. */
export function livePictures(call, policy) {
  const how = {}; // what a viewer of each track says of itself
  let session = "";
  let views = {}; // of each track
  let connections = {}; // their numbers, as the candidate last connected

  function see(row) {
    const wanted = RUNNING.includes(row.phase) ? row.session : "";
    if (wanted !== session) {
      close();
      if (wanted) begin(row);
    }
    for (const track of TRACKS) {
      const { up, connection } = row.tracks[track] ?? {};
      if (up && connection !== connections[track]) {
        if (connections[track]) views[track]?.connectedAnew();
        connections[track] = connection;
      }
      find(`#live-${track}-state`).textContent = `${track}: ${up ? how[track] : "nothing comes from the candidate at the moment"}`;
    }
  }

  function begin(row) {
    session = row.session;
    for (const track of TRACKS.filter((name) => policy[name])) {
      const video = find(`#live-${track}`);
      const say = (text) => {
        how[track] = text;
        find(`#live-${track}-state`).textContent = `${track}: ${text}`;
      };
      find(`#live-${track}-place`).hidden = false;
      video.setAttribute("aria-label", `${track} of ${row.name ?? "the candidate"}, live`);
      const told = (state, why) => say({ live: "live", lost: why }[state] ?? "waiting for a picture");
      views[track] = watch(call, `/sessions/${session}`, track, video, told);
    }
  }

  function close() {
    for (const view of Object.values(views)) view.stop();
    [views, connections] = [{}, {}];
    for (const track of TRACKS) find(`#live-${track}-place`).hidden = true;
    session = "";
  }

  return { see, close };
}
