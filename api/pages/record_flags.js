// What was flagged in a session, for who reviews it: from when to when, what it rests on, and its pictures.

import { pictures, restsOn } from "/assets/evidence.js";
import { clockTime, make, words } from "/assets/show.js";

/** Shows them in the list `place`. */
export async function showFlags(call, session, place) {
  const { incidents } = await call.all(`/sessions/${session}/incidents`, "incidents");
  const none = make("li", { class: "quiet" }, "Nothing was flagged. Whether anything could have been stands above.");
  place.replaceChildren(...(incidents.length ? incidents.map(line) : [none]));
}

function line(one) {
  const until = one.ended_at ? ` to ${clockTime(one.ended_at)}` : ", going on";
  const verdict = one.verdicts.at(-1)?.verdict ?? "nobody has judged it";
  const lasted = one.raised_by ? `${clockTime(one.started_at)}: ${one.note ?? "(erased)"}` : `${clockTime(one.started_at)}${until}`;
  return make(
    "li", {}, make("div", {}, make("strong", {}, words(one.kind)), ` (${one.severity}), ${verdict}`),
    make("div", { class: "quiet" }, lasted), restsOn(one), pictures(one),
  );
}
