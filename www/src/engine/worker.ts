/**
 * The worker: owns the WebAssembly module and, through it, the GPU device. Glue only; the loop is in `runner.ts`.
 */
import { describeError, PROTOCOL_VERSION, transferables, type Command, type Event } from "./protocol.ts";
import { Runner } from "./runner.ts";
import type { EngineModule } from "./surface.ts";

const post = (event: Event): void => {
  self.postMessage(event, { transfer: transferables(event) });
};

/** A turn of the event loop without the timers' clamp to four milliseconds. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** `engine` is "wasm", or in a build for tests "fake?" with the options of the stand-in. */
async function load(engine: string): Promise<EngineModule> {
  if (import.meta.env.MODE !== "production" && engine.startsWith("fake?")) {
    return (await import("../../test/fake/engine.ts")).fakeFromQuery(engine.slice("fake?".length));
  }
  return (await import("./wasm.ts")).loadWasm();
}

let module: Promise<EngineModule> | undefined;
let runner: Runner | undefined;

async function init(command: Extract<Command, { type: "init" }>): Promise<void> {
  try {
    if (command.version !== PROTOCOL_VERSION) throw new Error("The page and its worker come from different versions. Reload the page.");
    const first = module === undefined;
    module ??= load(command.engine);
    const loaded = await module;
    if (first) post({ type: "catalog", version: PROTOCOL_VERSION, presets: loaded.presets(), knobs: loaded.knobs() });
    const created = new Runner(loaded, { post, now: () => performance.now(), breathe });
    if (await created.create(command.device)) runner = created;
  } catch (thrown) {
    post({ type: "error", run: 0, error: describeError(thrown, "init") });
  }
}

self.onmessage = (message: MessageEvent<Command>): void => {
  if (message.data.type === "init") void init(message.data);
  else runner?.send(message.data);
};
