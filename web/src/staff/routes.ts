// Every address of the staff's pages. Each is a deep link, and the front door serves the same page for all of them.

import { createRouter } from "sv-router";

export const { p, navigate, route, isActive } = createRouter({
  "/": () => import("./Home.svelte"),
  "/schedules": () => import("./plan/Schedules.svelte"),
  "/schedules/:schedule": () => import("./plan/Schedule.svelte"),
  "/schedules/:schedule/live": () => import("./wall/Wall.svelte"),
  "/people": () => import("./admin/People.svelte"),
  "/detectors": () => import("./admin/Detectors.svelte"),
  "/templates": () => import("./admin/Templates.svelte"),
  "/texts": () => import("./admin/Texts.svelte"),
  "/tokens": () => import("./admin/Tokens.svelte"),
  "/system": () => import("./admin/System.svelte"),
  "/schedules/:schedule/as-of": () => import("./audit/AsOf.svelte"),
  "/sessions/:session/timeline": () => import("./audit/Timeline.svelte"),
  "/exports": () => import("./audit/Exports.svelte"),
  "/requests": () => import("./audit/Requests.svelte"),
  "/requests/:request": () => import("./audit/Request.svelte"),
  "/holds": () => import("./audit/Holds.svelte"),
  "/proofs": () => import("./audit/Proofs.svelte"),
  "/schedules/:schedule/gradebook": () => import("./review/Gradebook.svelte"),
  "/appeals": () => import("./review/AppealQueue.svelte"),
  "/sessions/:session": () => import("./review/Record.svelte"),
  "*": () => import("./Nowhere.svelte"),
});
