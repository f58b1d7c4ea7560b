// The day on paper, and an outage: links to the lists, a signature, and one form for lead invigilators and planners.

import { busy, complain, find, make } from "/assets/show.js";

export function dayCard(call, schedule, me) {
  const at = `/schedules/${schedule}`;
  const may = (...roles) => me.roles.some((role) => roles.includes(role));
  const said = find("#day-said");
  said.textContent = "";
  for (const [id, path] of [["#attendance-sheet", "attendance.csv"], ["#day-page", "day-report.html"]]) find(id).href = call.url(`${at}/${path}`);
  find("#day-sign").hidden = !may("invigilator", "lead_invigilator");
  find("#outage").hidden = !may("planner", "lead_invigilator");

  find("#day-sign").onsubmit = (event) => {
    event.preventDefault();
    busy(event.submitter, async () => {
      const { sha256 } = await call.get(`${at}/day-report`);
      const { version } = await call.post(`${at}/day-report/signature`, { sha256, note: find("#day-note").value });
      find("#day-note").value = "";
      said.textContent = `Signed: version ${version} of the report. What becomes known later makes another version.`;
    });
  };

  find("#outage-form").onsubmit = (event) => {
    event.preventDefault();
    busy(event.submitter, async () => {
      // A little before the server's now: it takes no outage that lasts into the future.
      const to = new Date(Date.now() - call.skew() - 3000 - Number(find("#outage-ago").value) * 60_000);
      const from = new Date(to.getTime() - Number(find("#outage-minutes").value) * 60_000);
      const body = { from, to, whose: find("#outage-whose").value, cause: find("#outage-cause").value, text: find("#outage-text").value };
      const { answers } = await call.post(`${at}/outages`, body);
      const failed = answers.filter((answer) => answer.state !== "done").length;
      said.textContent = failed ? `Declared, but ${failed} sessions could not be reached; declare it once more.` : "Declared. Who ran then has the time back and was told.";
      await reopen();
    });
  };

  /** Who ended in it and can be let in again. */
  async function reopen() {
    const { outages } = await call.get(`${at}/outages`);
    const lost = outages.flatMap((one) => one.sessions.filter(({ session }) => one.to_reopen.includes(session)));
    const seen = new Map(lost.map((one) => [one.session, one]));
    find("#to-reopen").replaceChildren(
      ...[...seen.values()].map((one) => {
        const again = (event) =>
          busy(event.target, async () => {
            await call.post(`/sessions/${one.session}/reopen`, { reason: "outage" });
            await reopen();
          });
        return make("li", { class: "row" }, one.name ?? one.number ?? "(erased)", make("button", { type: "button", onclick: again }, "Reopen"));
      }),
    );
  }

  if (may("planner", "lead_invigilator")) reopen().catch(complain);
}
