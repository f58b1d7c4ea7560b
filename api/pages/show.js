// Small ways to build and fill pages. Text is always set as text, never as HTML.

export const find = (selector, within = document) => within.querySelector(selector);

/** An element: `make("button", { class: "main", onclick: f }, "Start")`. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Shows what went wrong in the page's own place for it. */
export function complain(error, place = find("#problem")) {
  place.hidden = !error;
  place.textContent = error ? error.message : "";
}

/** Runs what a button or form asks for; it is disabled meanwhile, and an error is shown. */
export async function busy(control, work) {
  control.disabled = true;
  try {
    complain(null);
    await work();
  } catch (error) {
    complain(error);
  } finally {
    control.disabled = false;
  }
}

export function clockTime(moment) {
  return new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function dayTime(moment, zone) {
  return new Date(moment).toLocaleString([], { dateStyle: "medium", timeStyle: "short", timeZone: zone });
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part, n) => (n ? String(part).padStart(2, "0") : String(part))).join(":");
}

/**
 * What is left on a session's clock, in seconds; null before the start. `skew` is our clock minus the server's, in ms.
 * On a rest break it stands until that is over, and what is due lies as much later.
 */
export function left(clock, skew = 0) {
  if (!clock.started_at) return null;
  const until = stands(clock) ? Date.parse(clock.on_break.until) : 0;
  if (clock.due_at) return (Date.parse(clock.due_at) - Math.max(until, Date.now() - skew)) / 1000;
  const given = clock.duration_s + clock.extra_s + clock.stopped_s;
  const last = Date.parse(clock.stopped_since ?? clock.ended_at ?? clock.started_at);
  return given - (last - Date.parse(clock.started_at)) / 1000;
}

/** Whether somebody is on a break for which the clock has been stopped. */
export const stands = (clock) => clock.on_break?.kind === "rest" && Boolean(clock.stopped_since);

export const words = (name) => String(name ?? "").replaceAll("_", " ");
