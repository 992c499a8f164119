/**
 * The page's end of the worker. It turns method calls into commands, numbers the runs and hands events on, less those
 * of a run that is no longer the current one.
 */
import workerUrl from "./worker.ts?worker&url";
import { PROTOCOL_VERSION, type Command, type Event, type ProbeText } from "./protocol.ts";
import type { Origin } from "./origin.ts";
import type { DeviceKind, GenerateRequest, RunConfig, Settings, Value } from "./surface.ts";

export type Listener = (event: Event) => void;

/** The one place that makes a script address; Trusted Types lets nothing else start a worker. */
function scriptAddress(): string {
  const policy = window.trustedTypes?.createPolicy("app-worker", {
    createScriptURL: (address) => {
      if (address !== workerUrl) throw new TypeError("Only the engine's worker may be started.");
      return address;
    },
  });
  return policy?.createScriptURL(workerUrl) ?? workerUrl;
}

let address: string | undefined;

export class EngineClient {
  private readonly worker: Worker;
  private nextRun = 0;
  private nextRequest = 0;
  /** The run whose events count; moves on when a configuration has been accepted. */
  private current = 0;

  constructor(
    private readonly listener: Listener,
    private readonly engine: string,
  ) {
    address ??= scriptAddress();
    this.worker = new Worker(address, { type: "module", name: "engine" });
    this.worker.onmessage = (message: MessageEvent<Event>) => {
      this.receive(message.data);
    };
    this.worker.onerror = (event) => {
      event.preventDefault();
      const message = event.message || "The engine's worker could not be loaded.";
      listener({ type: "error", run: this.current, error: { code: "worker_failed", message, during: "init" } });
    };
  }

  init(device: DeviceKind): void {
    this.send({ type: "init", version: PROTOCOL_VERSION, device, engine: this.engine });
  }

  configure(config: RunConfig, files: { text?: Uint8Array; tokenizer?: Uint8Array; origin?: Origin }, probe: ProbeText | undefined): number {
    this.nextRun += 1;
    this.send({
      type: "configure",
      run: this.nextRun,
      config,
      ...files,
      ...(probe === undefined ? {} : { probe }),
    });
    return this.nextRun;
  }

  cancelLoad(): void {
    this.send({ type: "cancel_load" });
  }

  start(): void {
    this.send({ type: "start", run: this.current });
  }

  pause(): void {
    this.send({ type: "pause", run: this.current });
  }

  step(count: number): void {
    this.send({ type: "step", run: this.current, count });
  }

  probe(probe: ProbeText): void {
    this.send({ type: "probe", run: this.current, probe });
  }

  schedule(preset: string, settings: Settings, points: number): void {
    this.send({ type: "schedule", preset, settings, points });
  }

  generate(request: GenerateRequest): number {
    this.nextRequest += 1;
    this.send({ type: "generate", run: this.current, id: this.nextRequest, request });
    return this.nextRequest;
  }

  live(key: string, value: Value): void {
    this.send({ type: "live", run: this.current, key, value });
  }

  view(maps: boolean, intervalMs: number): void {
    this.send({ type: "view", maps, interval_ms: intervalMs });
  }

  checkpoint(): void {
    this.send({ type: "checkpoint", run: this.current });
  }

  verify(text: string): number {
    this.nextRequest += 1;
    this.send({ type: "verify", id: this.nextRequest, text });
    return this.nextRequest;
  }

  stopVerify(id: number): void {
    this.send({ type: "stop_verify", id });
  }

  dispose(): void {
    this.worker.terminate();
  }

  private receive(event: Event): void {
    if (event.type === "configured") this.current = event.run;
    else if (event.type === "compiling" || event.type === "loading") {
      if (event.run !== this.nextRun) return;
    } else if (event.type === "error") {
      // A refused configuration carries the number of the run that it would have been.
      const expected = event.error.during === "init" || event.run === this.current || event.run === this.nextRun;
      if (!expected) return;
    } else if ("run" in event && event.run !== this.current) return;
    this.listener(event);
  }

  private send(command: Command): void {
    this.worker.postMessage(command);
  }
}
