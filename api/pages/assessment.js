// The exam itself: in a frame of this page, or in a tab of its own.

import { find } from "/assets/show.js";

/** Shows where the exam is taken, once. `clipboard(value)` is called for what can be known of the clipboard there. */
export function assessment({ assessment_url: url, opens_in, policy }, clipboard) {
  const framed = opens_in === "frame" && Boolean(url);
  const frame = find("#assessment");
  find("#assessment-tab").hidden = framed || !url;
  find("#assessment-beside").hidden = framed;
  find("#full-screen").hidden = !(framed && policy.full_screen);
  frame.hidden = !framed;
  if (url) find("#assessment-tab a").href = url;
  if (!framed || frame.src === url) return;
  frame.src = url;
  frame.onload = () => {
    const inside = reach(frame);
    if (!inside) return;
    clipboard("watched");
    inside.addEventListener("paste", () => pasted(clipboard), true);
  };
  // An exam of another origin may tell by itself: postMessage({ vigil: "watched" }, origin), and { vigil: "pasted" }.
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow) return;
    if (event.data?.vigil === "watched") clipboard("watched");
    if (event.data?.vigil === "pasted") pasted(clipboard);
  });
}

function pasted(clipboard) {
  clipboard("pasted");
  clipboard("watched");
}

/** The document inside, if it is of our own origin. */
function reach(frame) {
  try {
    return frame.contentDocument;
  } catch {
    return null;
  }
}

export function fullScreen() {
  if (!document.fullscreenElement) document.documentElement.requestFullscreen?.().catch(() => {}); // the button stays
}

find("#full-screen").onclick = fullScreen;
