/**
 * How the page is built. Modes: `production` is what is served; `fake` is the same page over the tests' engine, for work
 * on the page and for checks that need no Rust build.
 */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { shell } from "./build/shell.ts";
import { wasm } from "./build/wasm.ts";

export default defineConfig(({ mode, command }) => ({
  base: "./",
  plugins: [shell(command === "build"), wasm(mode === "fake"), svelte()],
  // The known answers that the page offers to run are the tests' own.
  server: { fs: { allow: [".", "../tests/fixtures"] } },
  worker: { format: "es" as const, plugins: () => [wasm(mode === "fake")] },
  build: {
    target: "es2022",
    modulePreload: false,
    // Everything is a file of its own: data addresses would widen the policy.
    assetsInlineLimit: 0,
  },
}));
