// What was kept of an incident: the first picture that shows it, the clearest and the last, and the samples it rests on.

import { clockTime, make, words } from "/assets/show.js";

/** Up to three of the pictures, in the order in which they were taken, each with a caption that says what it is. */
export function pictures({ kind, evidence }) {
  const kept = (role) => evidence.filter((one) => one.role === role).at(-1);
  const three = [kept("first"), kept("best") ?? kept(null), kept("last")].filter(Boolean).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return make("div", { class: "shots" }, ...three.map((one) => figure(kind, one)));
}

/** How many samples showed it when it was opened, and each with its score; null where that was not told. */
export function restsOn({ samples }) {
  if (!samples.length) return null;
  const showed = samples.filter((one) => one.positive).length;
  const each = samples.map((one) => make("li", {}, `${clockTime(one.at)}: score ${one.raw_score.toFixed(2)}, ${one.positive ? "shows it" : "does not show it"}`));
  return make("details", {}, make("summary", {}, `Opened on ${showed} of ${samples.length} samples`), make("ul", {}, ...each));
}

function figure(kind, { at, caption, picture }) {
  const said = caption[0].toUpperCase() + caption.slice(1);
  return make("figure", {}, make("img", { src: picture, loading: "lazy", alt: `${said}: ${words(kind)}` }), make("figcaption", { class: "quiet" }, `${said}, ${clockTime(at)}`));
}
