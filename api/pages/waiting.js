// Who waits to be let in: pictures to compare and to decide on, and devices that ask to go on with a session.

import { busy, clockTime, find, make, words } from "/assets/show.js";

export function waitingList(call, schedule, watcher, asks, rows) {
  const devices = find("#asking");
  let current = null; // whom we look at
  const holding = setInterval(() => current && call.post(`/sessions/${current.session}/identity/take`).catch(() => {}), 40_000);

  /** Called when rows have changed. */
  function see() {
    const all = Object.values(rows());
    const waiting = all.filter((row) => (row.identity.standing === "waiting" || spared(row)) && !row.withdrawn);
    const later = all.filter((row) => row.identity.standing === "deferred" && "document" in row.identity.pictures && "photo" in row.identity.pictures);
    find("#waiting-count").textContent = [waiting.length && `${waiting.length} waiting`, later.length && `${later.length} to decide later`].filter(Boolean).join(", ");
    const asking = all.flatMap((row) => (row.clock.ended_at ? [] : Object.entries(row.devices.asking).map(([device, since]) => ({ row, device, since }))));
    find("#waiting").hidden = !watcher || !(waiting.length || later.length || asking.length || current);
    find("#waiting-next").hidden = !(waiting.length || later.length) || Boolean(current);
    devices.replaceChildren(...asking.map(ask));
    const seen = current && all.find((row) => row.session === current.session);
    if (seen && !["none", "waiting", "deferred"].includes(seen.identity.standing)) put(null); // somebody else has decided
  }

  /** Whether an accommodation spares them the pictures, and everything else is done. */
  function spared(row) {
    const route = row.allowed?.accommodation.identity_route ?? "photos";
    return asks && route !== "photos" && row.phase === "ready" && row.identity.standing === "none";
  }

  function ask({ row, device, since }) {
    const answer = (what) => (event) => busy(event.target, () => call.post(`/sessions/${row.session}/devices/${device}/${what}`));
    return make(
      "li", {}, `${row.name ?? "(erased)"} asks to go on with another device, ${clockTime(since)} `,
      make("button", { type: "button", onclick: answer("admission") }, "Admit"), " ",
      make("button", { type: "button", onclick: answer("refusal") }, "Refuse"),
    );
  }

  /** The one whom we look at, or nobody. */
  function put(one) {
    current = one;
    find("#look").hidden = !one;
    if (!one) return;
    find("#look-who").textContent = `${one.name ?? "(erased)"}, ${one.number ?? ""}${one.standing === "deferred" ? " (sits already)" : ""}${one.route === "pictures" ? "" : `: to be seen ${words(one.route)}, no pictures`}`;
    for (const which of ["photo", "document", "reference"]) {
      find(`#look-${which}`).hidden = !one[which];
      if (one[which]) find(`#look-${which}`).src = `${one[which]}?${Date.now()}`;
    }
    find("#look-approve").focus();
  }

  async function next() {
    put((await call.post(`/schedules/${schedule}/waiting/next`)).waiting);
    see();
  }

  async function decide(decision) {
    const { session, route } = current;
    await call.post(`/sessions/${session}/identity/decision`, { decision, route, reason: find("#look-reason").value });
    find("#look-reason").value = "";
    await next();
  }

  find("#waiting-next").onclick = (event) =>
    busy(event.target, async () => {
      await next();
      if (!current) throw new Error("Nobody waits at whom no other invigilator looks.");
    });
  for (const decision of ["approve", "defer", "reject"]) find(`#look-${decision}`).onclick = (event) => busy(event.target, () => decide(decision));
  put(null);
  return { see, close: () => clearInterval(holding) };
}
