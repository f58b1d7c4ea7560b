// Every address of the staff's pages. Each is a deep link, and the front door serves the same page for all of them.

import { createRouter } from "sv-router";

export const { p, navigate, route, isActive } = createRouter({
  "/": () => import("./plan/Schedules.svelte"),
  "/schedules": () => import("./plan/Schedules.svelte"),
  "*": () => import("./Nowhere.svelte"),
});
