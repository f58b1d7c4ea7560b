// All that is done with camera and screen while the exam runs: they are published, copied, and stills stand in for them.

import { copySaid } from "/assets/copy_said.js";
import { filling } from "/assets/filling.js";
import { localCopy } from "/assets/local_copy.js";
import { find } from "/assets/show.js";
import { stills } from "/assets/stills.js";
import { publish } from "/assets/whip.js";

const PLACES = { camera: "#camera-state", screen: "#screen-state" };
const ENDED = ["stopped by you or your browser; reload this page", "bad"];
const PICTURES = ["pictures only: your network is slow", "warn"];
const WORDS = {
  live: () => ["● recording", "good"],
  connecting: () => ["connecting ...", "quiet"],
  lost: (why) => [`not sent: ${why}. It goes on by itself and is not held against you.`, "warn"],
};

/** For one session, also when its page is loaded again. `at` is its address. */
export function sender(call, at, session) {
  const sent = [];
  let tell = () => {};
  const copy = localCopy(call, session, () => {
    said.full();
    telling(tell);
  });
  const said = copySaid(copy);
  const missing = filling(call, at, copy, said.said);

  /** Sends a track, and shows how that goes. */
  function send(track, media) {
    if (!media) return show(track, ["not captured", "quiet"]);
    let how = WORDS.connecting();
    let still = false;
    const [video] = media.getVideoTracks();
    const shown = () => show(track, video.readyState === "ended" ? ENDED : still ? PICTURES : how);
    video.addEventListener("ended", shown);
    const instead = stills(call, at, track, media, {
      sent: () => published.pictures(),
      pictures: (on) => {
        still = on;
        shown();
      },
    });
    const published = publish(call, at, track, media, (state, why) => {
      how = WORDS[state](why);
      for (const one of [copy, missing]) one.stands(track, state === "live");
      instead.stands(state === "live");
      shown();
    });
    copy.record(track, media);
    sent.push({ track, published, instead });
  }

  /** The server knows that connections are lost, or that they soon will be. */
  function again(draining) {
    for (const { published } of sent) draining ? published.move() : published.again("the connection was lost");
  }

  /** `how("kept" | "full")` is told of the copy from now on. */
  function telling(how) {
    tell = how;
    const standing = copy.standing(); // of a copy that this browser cannot make nothing is told
    if (standing) tell(standing);
  }

  /** Nothing more is recorded here. */
  async function stop() {
    const all = sent.splice(0);
    for (const { track, instead } of all) {
      instead.stop();
      missing.stands(track, false);
    }
    await Promise.all([copy.stop(), ...all.map(({ published }) => published.stop())]);
  }

  return { send, again, telling, stop, finish: missing.finish };
}

function show(track, [text, tone]) {
  const place = find(PLACES[track]);
  place.className = tone;
  if (place.textContent !== text) place.textContent = text;
}
