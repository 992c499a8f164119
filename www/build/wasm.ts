/** Resolves the engine's module to what `cargo xtask wasm` has built, and says so when it has not been built. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const FOLDER = fileURLToPath(new URL("../src/wasm/", import.meta.url));

/** Stands in for the module in builds that use the tests' engine only. */
const STUB = "export default async function init() {} export function presets() { return []; } export function knobs() { return []; } export function schedule() { return []; } export class Engine {}";

export function wasm(stub: boolean): Plugin {
  return {
    name: "trainyard-wasm",
    enforce: "pre",
    resolveId(id) {
      if (id !== "trainyard-wasm" && id !== "trainyard-wasm-binary") return null;
      if (stub) return `\0${id}`;
      const script = `${FOLDER}trainyard.js`;
      if (!existsSync(script)) this.error("The engine has not been built: run `cargo xtask wasm` first.");
      return id === "trainyard-wasm" ? script : `${FOLDER}trainyard_bg.wasm?url`;
    },
    load(id) {
      if (id === "\0trainyard-wasm") return STUB;
      if (id === "\0trainyard-wasm-binary") return 'export default "";';
      return null;
    },
  };
}
