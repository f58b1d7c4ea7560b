// What was recorded of a candidate, for themselves: camera and screen to play, and the pictures behind a finding.

import { complain, dayTime, make, words } from "/assets/show.js";

/** Shows the films in `place`. Nothing is fetched of one until it is played; that it was is on the record. */
export async function showFilms(call, at, seen, place) {
  const { recordings } = await call.get(`${at}/own-recordings`);
  const films = recordings.filter((one) => one.file?.link).map(film);
  const stills = recordings.filter((one) => one.stills.length).map((one) => pictures(call, `stills of the ${words(one.track)}`, one.stills.map((still) => still.picture)));
  const said = [...withheld(seen), ...recordings.filter((one) => !one.file && one.segments).map((one) => `${words(one.track)}: not finished yet; come back a little later.`)];
  place.replaceChildren(make("div", { class: "films" }, ...films), ...stills, ...said.map((text) => make("p", { class: "quiet" }, text)));
}

function film({ track, file, started_at }) {
  const video = make("video", { src: file.link, preload: "none", controls: true, playsinline: true, "aria-label": `Your ${words(track)}` });
  return make("figure", { class: "live-picture" }, video, make("figcaption", { class: "quiet" }, `Your ${words(track)}, from ${dayTime(started_at)}`));
}

function withheld({ withheld }) {
  const what = { screen: "The recording of your screen", others: "The recording of your camera, in which other people are seen", staff: "Names of staff" };
  return Object.entries(withheld).map(([name, why]) => `${what[name]}: withheld, because of ${why}. What can be given of it is in the copy that you were given.`);
}

/** A button that fetches pictures, and puts them in its place. */
export function pictures(call, name, addresses) {
  const place = make("div", {});
  const show = async () => {
    try {
      place.replaceChildren(...(await Promise.all(addresses.map((address, n) => picture(call, address, `${n + 1} of ${addresses.length} ${name}`)))));
    } catch (error) {
      complain(error);
    }
  };
  place.append(make("button", { type: "button", onclick: show }, `Show ${addresses.length} ${name}`));
  return place;
}

async function picture(call, address, alt) {
  const answer = await fetch(address, { headers: { Authorization: `Bearer ${call.token}` }, credentials: "omit" });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return make("img", { src: URL.createObjectURL(await answer.blob()), alt });
}
