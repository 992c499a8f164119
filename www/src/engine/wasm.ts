/**
 * The only file that imports the WebAssembly module. It is built by `cargo xtask wasm` into `src/wasm/`; the alias
 * `trainyard-wasm` (vite.config.ts) points there, so that types and tests do not need a Rust build.
 */
import init, { Engine, knobs, presets, schedule } from "trainyard-wasm";
import wasmUrl from "trainyard-wasm-binary";
import type { EngineModule } from "./surface.ts";

/** Fetches and instantiates the module; resolves once engines can be made. */
export async function loadWasm(): Promise<EngineModule> {
  await init({ module_or_path: new URL(wasmUrl, import.meta.url) });
  return { presets, knobs, schedule, create: (device) => Engine.create(device) };
}
