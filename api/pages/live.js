// One schedule live: snapshot, then the stream from its position. Shown is what the server says, never a guess.

import { goingOn, whoActs } from "/assets/acts.js";
import { allowedWords } from "/assets/allowed.js";
import { dutyCard } from "/assets/duty.js";
import { openChat } from "/assets/focus.js";
import { incidentLog } from "/assets/incidents.js";
import { dayCard } from "/assets/paper.js";
import { helpQueue } from "/assets/queue.js";
import { waitingList } from "/assets/waiting.js";
import { RUNNING, busy, complain, duration, find, left, make, stands, words } from "/assets/show.js";
import { follow } from "/assets/stream.js";
import { openWall } from "/assets/wall.js";

const RISK = { high: ["▲▲ high", "bad"], warn: ["▲ look", "warn"], info: ["· note", "quiet"], none: ["", "quiet"] };
const RANK = { high: 0, warn: 1, info: 2, none: 3 };
const LETS_GO_ON = { in_progress: ["Pause", "pause"], paused: ["Resume", "resume"], locked: ["Unlock", "unlock"], on_break: ["Call back", "resume"] };

/** Opens the page for a schedule; gives a function that closes it. */
export async function openLive(call, schedule, me) {
  const lines = new Map(); // key of the row -> its line
  let rows = {};
  let stale = []; // keys of rows and streams that wait for a fix
  let lateSince = 0;
  const watcher = me.roles.some((role) => ["invigilator", "lead_invigilator"].includes(role));
  const plan = await call.get(`/schedules/${schedule}`);
  find("#where").textContent = plan.title;
  const shift = dutyCard(call, schedule, me, () => draw(Object.keys(rows)));
  const log = incidentLog(call, watcher, me, shift.nameOf);
  const focus = openChat(call, watcher, { me, policy: plan.policy });
  const waiting = waitingList(call, schedule, watcher, plan.policy.identity, () => rows);
  const queue = helpQueue(call, me, { rows: () => rows, choose: (key) => choose(key), nameOf: shift.nameOf });
  dayCard(call, schedule, me);
  const body = find("#sessions tbody");
  body.replaceChildren();

  function whole(snapshot) {
    ({ rows, stale } = snapshot);
    body.replaceChildren();
    lines.clear();
    draw(Object.keys(rows));
    const unseen = stale.filter((key) => !(key in rows)).length;
    complain(unseen ? new Error("Not every candidate can be shown at the moment. Tell your operator, who has to mend it.") : null, find("#unseen"));
  }

  function change(patches) {
    for (const { key, set } of patches) rows[key] = { ...rows[key], ...set };
    draw([...new Set(patches.map((patch) => patch.key))]);
  }

  function draw(keys) {
    for (const key of keys) {
      const row = rows[key];
      if (!lines.has(key)) lines.set(key, newLine(key));
      fill(lines.get(key), row, stale.includes(key));
      log.see(row);
      focus.see(row);
    }
    queue.see();
    waiting.see();
    order();
    const counts = {};
    for (const row of Object.values(rows)) if (!row.withdrawn) counts[row.phase] = (counts[row.phase] ?? 0) + 1;
    find("#counts").textContent = Object.entries(counts).map(([phase, count]) => `${words(phase)} ${count}`).join(" · ");
  }

  function newLine(key) {
    const cell = (name, extra = {}) => make("td", { "data-is": name, ...extra });
    const name = make("button", { type: "button", onclick: () => choose(key) });
    const act = make("button", { type: "button", onclick: (event) => busy(event.target, () => pauseOrResume(key)) });
    const picture = make("img", { class: "thumb", alt: "", width: 107, height: 80, hidden: true });
    const line = make(
      "tr", {}, make("td", {}, picture), make("th", { scope: "row" }, name), cell("state"), cell("risk"),
      cell("left", { class: "tabular" }), cell("unread"), cell("connection"), make("td", {}, act),
    );
    Object.assign(line, { key, name, act, picture, cell: (is) => find(`[data-is=${is}]`, line) });
    return line;
  }

  function fill(line, row, stale) {
    line.hidden = row.withdrawn || !matches(row);
    line.name.textContent = row.name ?? row.number ?? "(erased)";
    line.picture.alt = `Camera of ${line.name.textContent}`;
    line.classList.toggle("stale", stale);
    standing(line, row, stale);
    whoActs(call, row, me).then((found) => found && standing(line, rows[line.key], stale));
    const [risk, tone] = RISK[row.risk];
    const kinds = Object.values(row.open).map((incident) => words(incident.kind));
    line.cell("risk").textContent = [risk, kinds.join(", "), row.incidents ? `${row.incidents} in all` : ""].filter(Boolean).join(" · ");
    line.cell("risk").className = tone;
    line.name.title = allowedWords(row.allowed, row.muted);
    if (line.name.title) line.name.append(make("span", { class: "quiet", "aria-hidden": "true" }, " ◆"));
    line.cell("unread").textContent = [row.help && `✋ ${words(row.help.topic)}`, row.unread.length && `✉ ${row.unread.length}`].filter(Boolean).join(" ");
    const faults = Object.entries(row.faults).map(([what, fault]) => `${words(what)}: ${fault.why}`);
    const tracks = RUNNING.includes(row.phase) ? Object.entries(row.tracks).map(([track, { up }]) => `${track} ${up ? "●" : "lost (a fault)"}`) : [];
    line.cell("connection").textContent = [...tracks, ...faults].join(", ");
    line.act.hidden = !watcher || !RUNNING.includes(row.phase);
    line.act.textContent = LETS_GO_ON[row.phase]?.[0] ?? "";
    line.act.setAttribute("aria-label", `${line.act.textContent} ${line.name.textContent}`);
  }

  function matches(row) {
    const wanted = find("#filter").value.trim().toLowerCase();
    return !wanted || (row.name ?? "").toLowerCase().includes(wanted) || Object.keys(row.open).length > 0;
  }

  /** Who needs a look comes first; nothing moves under the pointer or the focus. */
  function order() {
    if (body.matches(":hover") || body.contains(document.activeElement)) return;
    const rank = (key) => [RANK[rows[key].risk], -rows[key].unread.length, rows[key].name ?? "", key];
    const sorted = [...lines.keys()].sort((a, b) => compare(rank(a), rank(b)));
    sorted.forEach((key, n) => body.children[n] !== lines.get(key) && body.insertBefore(lines.get(key), body.children[n]));
  }

  function choose(key) {
    for (const line of lines.values()) line.setAttribute("aria-selected", String(line.key === key));
    focus.open(rows[key]).catch(complain);
  }

  async function pauseOrResume(key) {
    const { session, phase } = rows[key];
    await call.post(`/sessions/${session}/interventions`, { kind: LETS_GO_ON[phase][1], reason_code: "wall" });
  }

  function standing(line, row, stale) {
    line.cell("state").textContent = [words(row.phase), goingOn(row, me, call.skew())].filter(Boolean).join(" ") + (stale ? " - not up to date" : "");
  }

  function state(now) {
    find("#stream").textContent = { live: "● live", late: "stream late", ended: "stream ended" }[now];
    find("#stream").className = now === "live" ? "good" : "bad";
    find("#late").hidden = now === "live";
    body.classList.toggle("stale", now !== "live");
    lateSince = now === "live" ? 0 : lateSince || Date.now();
    find("#late").textContent =
      now === "ended"
        ? "You may no longer see this schedule, or you are signed out. What is shown is old."
        : "The live stream is late or broken. What is shown may be old; it catches up by itself.";
  }

  function tick() {
    for (const [key, line] of lines) {
      const seconds = RUNNING.includes(rows[key].phase) ? left(rows[key].clock, call.skew()) : null;
      line.cell("left").textContent = seconds === null ? "" : duration(seconds) + (halted(rows[key], call.skew()) ? " (stands)" : "");
      if (rows[key].phase === "on_break") standing(line, rows[key], stale.includes(key));
    }
    if (lateSince) find("#stream").textContent = `last seen ${Math.round((Date.now() - lateSince) / 1000)} s ago`;
    order();
  }

  find("#filter").oninput = () => draw(Object.keys(rows));
  const stop = follow(call, `/schedules/${schedule}/live/stream`, {
    state,
    on: (name, data) => ({ snapshot: whole, change })[name]?.(data),
  });
  const wall = watcher
    ? openWall(schedule, (session, url) => {
        const line = [...lines.values()].find((one) => rows[one.key].session === session);
        if (!line) return;
        line.picture.src = url;
        line.picture.hidden = false;
      })
    : () => {};
  const clock = setInterval(tick, 1000);
  return () => {
    stop();
    wall();
    clearInterval(clock);
    focus.close();
    log.close();
    shift.close();
    queue.close();
    waiting.close();
  };
}

/** Whether the clock of a session that runs stands at the moment. */
function halted({ phase, clock }, skew) {
  return ["paused", "locked"].includes(phase) || (stands(clock) && Date.now() - skew < Date.parse(clock.on_break.until));
}

function compare(a, b) {
  for (let n = 0; n < a.length; n += 1) {
    if (a[n] < b[n]) return -1;
    if (a[n] > b[n]) return 1;
  }
  return 0;
}
