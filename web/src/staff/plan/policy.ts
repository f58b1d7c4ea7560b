// A policy as a form holds it.

import type { Schemas } from "../../lib/api";

export type Policy = Schemas["Policy"];
export type Kind = Schemas["Registered"]["kind"];
type DetectorKind = Schemas["DetectorSetting"]["kind"];
type BrowserKind = Schemas["BrowserSetting"]["kind"];

export const DETECTORS: readonly DetectorKind[] = [
  "out_of_view", "several_people", "handheld_device", "second_screen", "book", "face_not_visible", "looking_away", "voice",
];
export const OF_THE_PAGE: readonly BrowserKind[] = [
  "focus_lost", "fullscreen_left", "pasted", "second_display", "camera_muted", "screen_share_stopped",
];
export const KINDS: readonly Kind[] = [...DETECTORS, ...OF_THE_PAGE];
export const PEOPLE: readonly Schemas["Grant"]["people"][number][] = ["reader", "scribe", "interpreter", "assistant"];
export const ROUTES: readonly Schemas["Grant"]["identity_route"][] = ["photos", "in_person", "video_call", "known_to_staff"];
export const BASES: readonly Policy["legal_basis"][] = ["public_task", "contract", "legitimate_interests", "consent"];
export const PURPOSES = ["live_view", "recording", "ai_flags", "identity", "face_geometry"] as const;

/** The usual one, as the server gives it to a schedule that is made without any. */
export const USUAL: Policy = {
  version: 1, camera: true, microphone: true, screen: true, room_scan: false, reasons: {}, identity: false,
  detectors: [{ kind: "out_of_view", threshold: null }, { kind: "several_people", threshold: null }],
  browser: (["focus_lost", "second_display", "camera_muted", "screen_share_stopped"] as const).map((kind) => ({ kind, after_s: null })),
  full_screen: false, legal_basis: "public_task", bases: {}, media_kept_days: 180, record_kept_days: 730, appeal_days: 28,
  decided_by: "the examination board", second_reviewer: false, blind_review: false, independent_review: false, alternative: "", language: "en",
};

/** What is off unless a planner says why this exam needs it. */
export const SENSITIVE: readonly string[] = ["room_scan", "voice", "looking_away", "face_not_visible"];

/** Whether a policy has it on. */
export function has(policy: Policy, name: string): boolean {
  if (name === "room_scan") return policy.room_scan;
  return policy.detectors.some((one) => one.kind === name) || policy.browser.some((one) => one.kind === name);
}

/** The same policy with a kind pointed out, or not. */
export function pointing(policy: Policy, kind: Kind, on: boolean): Policy {
  const detector = DETECTORS.find((one) => one === kind);
  if (detector) {
    const others = policy.detectors.filter((one) => one.kind !== detector);
    return { ...policy, detectors: on ? [...others, { kind: detector, threshold: null }] : others };
  }
  const page = OF_THE_PAGE.find((one) => one === kind);
  const others = policy.browser.filter((one) => one.kind !== page);
  return { ...policy, browser: on && page ? [...others, { kind: page, after_s: null }] : others };
}

/** Without reasons for what is off, as it is sent. */
export function tidy(policy: Policy): Policy {
  const reasons = Object.entries(policy.reasons).filter(([name]) => has(policy, name));
  const bases = Object.entries(policy.bases).filter(([, basis]) => basis);
  return { ...policy, reasons: Object.fromEntries(reasons), bases: Object.fromEntries(bases) };
}
