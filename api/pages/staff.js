// The staff's page: sign in, the list of schedules, and on from there. Every address is a deep link.

import { client } from "/assets/calls.js";
import { busy, complain, dayTime, find, make, words } from "/assets/show.js";

const PAGES = ["sign-in", "schedules"];
// They come for the exam; others for its records.
const RUNS_IT = ["invigilator", "lead_invigilator", "planner"];
const call = client();

addEventListener("hashchange", route);

async function route() {
  complain(null);
  find("#where").textContent = "";
  find("#stream").textContent = "";
  try {
    const me = await call.get("/me");
    find("#who").textContent = `${me.name ?? me.actor} (${me.roles.map(words).join(", ")})`;
    find("#sign-out").hidden = false;
    const schedule = /^#\/schedules\/([a-z0-9]+)$/.exec(location.hash)?.[1];
    if (schedule) {
      const runs = me.roles.some((role) => RUNS_IT.includes(role));
      return location.replace(`/schedules/${schedule}/${runs ? "live" : "gradebook"}`);
    } else await schedules();
  } catch (error) {
    if (error.status === 401) signIn();
    else {
      complain(error);
      show(null);
    }
  }
}

function show(page) {
  for (const name of PAGES) find(`#page-${name}`).hidden = name !== page;
}

function signIn() {
  find("#who").textContent = "";
  find("#sign-out").hidden = true;
  show("sign-in");
  find("#email").focus();
}

find("#sign-in").onsubmit = (event) => {
  event.preventDefault();
  busy(find("#sign-in button"), async () => {
    await call.post("/sign-in", { email: find("#email").value, password: find("#password").value, keep: "cookie" });
    find("#password").value = "";
    await route();
  });
};

find("#sign-out").onclick = (event) =>
  busy(event.target, async () => {
    await call.post("/sign-out");
    await route();
  });

async function schedules() {
  const { schedules: found, alarms } = await call.all("/schedules", "schedules");
  find("#no-schedules").hidden = found.length > 0;
  find("#schedules").replaceChildren(...found.map((schedule) => line(schedule, alarms[schedule.schedule])));
  show("schedules");
}

function line(schedule, alarm) {
  const counts = Object.entries(schedule.phases).map(([phase, count]) => `${words(phase)} ${count}`);
  const link = make("a", { href: `#/schedules/${schedule.schedule}` }, schedule.title);
  const opens = schedule.window ? `${dayTime(schedule.window.opens_at, schedule.window.time_zone)} (${schedule.window.time_zone})` : "";
  const state = schedule.live_proctoring ? words(schedule.phase) : `${words(schedule.phase)}, live proctoring off`;
  return make("tr", {}, make("th", { scope: "row" }, link), make("td", {}, opens), make("td", {}, state, alarm ? make("div", { class: "bad" }, alarm) : null, ...schedule.warnings.map((one) => make("div", { class: "warn" }, one))), make("td", {}, counts.join(" · ") || "none yet"));
}

await route();
