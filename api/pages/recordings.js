// The recordings of a session for who reviews: camera and screen play in step, and beside them stands what is missing of
// them, what came late, and the stills. That they are opened is on the record.

import { clockTime, make, words } from "/assets/show.js";

const APART_S = 0.12; // a seek takes longer than to wait out less
const NAMES = { camera: "Camera", screen: "Screen" };

/** Shows them in `place`. Nothing is fetched of a video until it is played. */
export async function showRecordings(call, session, place) {
  const { recordings } = await call.get(`/sessions/${session}/recordings`);
  const films = recordings.filter((one) => one.file).map(film);
  follow(films);
  const pending = recordings.filter((one) => !one.file).map((one) => make("p", { class: "quiet" }, `${NAMES[one.track]}: not finished yet.`));
  const facts = recordings.flatMap((one) => events(one, call, films)).sort((a, b) => a.at - b.at);
  const list = make("ul", { class: "log", tabindex: 0, "aria-label": "What is missing, what came late, and stills" }, ...facts.map((one) => one.line));
  const parts = [make("div", { class: "films" }, ...films.map((one) => one.figure)), ...pending];
  if (facts.length) parts.push(list);
  if (!recordings.length) parts.push(make("p", { class: "quiet" }, "Nothing was recorded."));
  place.replaceChildren(...parts);
}

/** `begins` is the time of the video's first moment, in ms. */
function film({ track, file, started_at }, number) {
  const video = make("video", { src: file.link ?? file.media, preload: "metadata", controls: !number, playsinline: true, "aria-label": NAMES[track] });
  video.muted = number > 0;
  const figure = make("figure", { class: "live-picture" }, video, make("figcaption", { class: "quiet" }, NAMES[track]));
  return { track, video, figure, begins: Date.parse(started_at) };
}

/** The first film has the controls; the others do what it does, each at the same time of the day. */
function follow([leader, ...others]) {
  for (const other of others) {
    const due = () => leader.video.currentTime + (leader.begins - other.begins) / 1000;
    const there = () => due() >= 0 && due() <= (other.video.duration || Infinity);
    const step = () => {
      if (there() && Math.abs(other.video.currentTime - due()) > APART_S) other.video.currentTime = due();
      if (leader.video.paused || !there()) other.video.pause();
      else if (other.video.paused) other.video.play().catch(() => {});
    };
    for (const name of ["play", "playing", "pause", "seeking", "seeked", "timeupdate"]) leader.video.addEventListener(name, step);
    leader.video.addEventListener("ratechange", () => (other.video.playbackRate = leader.video.playbackRate));
  }
}

function events(one, call, films) {
  const line = (at, until, ...what) => ({ at: Date.parse(at), line: make("li", {}, jump(at, films), until ? ` to ${clockTime(until)} · ` : " · ", `${one.track}: `, ...what) });
  const still = (n, src) => make("img", { src, loading: "lazy", alt: `Still ${n} of the ${one.track}` });
  return [
    ...one.gaps.map((gap) => line(gap.started_at, gap.ended_at, `nothing came (${words(gap.why)}). No finding.`)),
    ...one.late.map((late) => line(late.started_at, late.ended_at, "sent late, out of the candidate's own copy; nobody saw it live")),
    ...one.stills.map((shot, n) => line(shot.at, null, "a still, while no video held ", still(n + 1, shot.picture))),
  ];
}

/** A button that goes to a time of the day. */
function jump(at, [leader]) {
  if (!leader) return clockTime(at);
  const go = () => (leader.video.currentTime = Math.max(0, (Date.parse(at) - leader.begins) / 1000));
  return make("button", { type: "button", onclick: go, "aria-label": `Go to ${clockTime(at)}` }, clockTime(at));
}
