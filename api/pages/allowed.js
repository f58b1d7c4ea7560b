// What an accommodation allows, in words, never why; which detectors stay silent; and how to be seen well.

import { find, words } from "/assets/show.js";

const ROUTES = { in_person: "identified in person", video_call: "identified in a video call", known_to_staff: "identified by somebody who knows them" };

/** Both as a live row has them: `allowed` may be null, and `muted` are kinds (a list, or by kind since when and why). */
export function allowedWords(allowed, muted) {
  const told = [];
  if (allowed) {
    const { accommodation: one, objects } = allowed;
    if (one.extra_time_percent) told.push(`${one.extra_time_percent} % more time`);
    if (one.extra_time_minutes) told.push(`${one.extra_time_minutes} minutes more`);
    if (one.rest_break_minutes) told.push(`${one.rest_break_minutes} minutes of rest breaks`);
    if (one.people.length) told.push(`in view: ${one.people.join(", ")}`);
    if (objects) told.push(`on the desk: ${objects.replaceAll("\n", ", ")}`);
    if (one.identity_route in ROUTES) told.push(ROUTES[one.identity_route]);
  }
  const silent = (Array.isArray(muted) ? muted : Object.keys(muted)).map(words).sort();
  return [told.length && `Allowed: ${told.join("; ")}.`, silent.length && `Not looked for: ${silent.join(", ")}.`].filter(Boolean).join(" ");
}

/** What the candidate can do so that they are seen well, or nothing. */
export function showGuidance({ guidance }) {
  const place = find("#guidance");
  if (place.textContent !== guidance) place.textContent = guidance; // said once, not with each thing that happens
  place.hidden = !guidance;
}

/** Shows it in the place that a page has for it, or nothing. */
export function showAllowed({ allowed, muted }) {
  const place = find("#allowed");
  place.textContent = allowedWords(allowed, muted);
  place.hidden = !place.textContent;
}
