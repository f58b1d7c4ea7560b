import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// What is built here the front door serves: one page for staff, one to sit an exam at, one for the record of it.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../api/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content policy takes pictures and fonts from our own address alone
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { pluginTimings: false }, input: ["staff.html", "join.html", "record.html"] },
  },
  test: { include: ["src/**/*.test.ts"] },
});
