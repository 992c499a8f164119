/**
 * The loop inside the worker: it trains, and between two calls of the engine it serves what the page asks.
 *
 * The engine must not be entered twice, so that every call goes through one pump: commands first, in order, then the
 * next few steps. Pausing is therefore never more than one call away. Nothing here knows of the DOM, of WebAssembly or
 * of WebGPU: the same code runs in the tests over a stand-in engine and a clock they control.
 */
import { describeError, type Activity, type Command, type Event, type ProbeText, type RunState } from "./protocol.ts";
import { nextSteps, Periodic } from "./pace.ts";
import { Verifier } from "./verify.ts";
import { answers, Writer, writes, type Piece } from "./writer.ts";
import { openOrigin } from "./origin.ts";
import type { EngineHandle, EngineModule, LoadReport, Progress, RunInfo, StepRecord, TrainResult } from "./surface.ts";

export interface RunnerOptions {
  post: (event: Event) => void;
  now: () => number;
  /** Gives waiting messages a turn. */
  breathe: () => Promise<void>;
}

type Serve = Exclude<Command, { type: "init" }>;

/** Metrics cross to the page at most this often, in milliseconds. */
const METRICS_MS = 100;
/** A task is solved when this share of held-out answers has been right in so many evaluations in a row. */
const SOLVED = { accuracy: 0.99, evaluations: 3 };

export class Runner {
  private engine: EngineHandle | undefined;
  private readonly queue: Serve[] = [];
  private pumping = false;
  private run = 0;
  /** Ends the reading of a checkpoint. */
  private loading: AbortController | undefined;
  private info: RunInfo | undefined;
  private training = false;
  private ended = false;
  private step = 0;
  private stepsPerCall = 1;
  private activeMs = 0;
  private records: StepRecord[] = [];
  private probe: ProbeText = { text: "" };
  private prompt = "";
  private evaluatedAt = 0;
  /** Evaluations in a row that found the task solved; undefined once that has been said. */
  private solved: number | undefined = 0;
  private writer: Writer;
  private readonly verifier: Verifier;
  private showMaps = true;
  private readonly metrics = new Periodic(METRICS_MS, 1);
  private readonly maps = new Periodic(125, 0.2);
  private readonly evaluation = new Periodic(250, 0.15);
  private readonly sample = new Periodic(1500, 0.1);

  constructor(
    private readonly module: EngineModule,
    private readonly options: RunnerOptions,
  ) {
    this.writer = new Writer(options.now);
    this.verifier = new Verifier(options);
  }

  /** Makes the engine on a device and says what it is; the error event says why not. */
  async create(device: "gpu" | "cpu"): Promise<boolean> {
    try {
      this.engine?.free();
      this.engine = undefined;
      this.engine = await this.module.create(device);
      this.options.post({ type: "caps", caps: this.engine.caps() });
      return true;
    } catch (thrown) {
      this.fail(thrown, "init");
      return false;
    }
  }

  send(command: Serve): void {
    if (command.type === "view") {
      this.showMaps = command.maps;
      this.maps.interval = command.interval_ms;
      return;
    }
    if (command.type === "stop_verify") {
      this.verifier.stop(command.id);
      return;
    }
    if (command.type === "cancel_load") {
      this.loading?.abort();
      return;
    }
    if (command.type === "schedule") {
      void this.attempt("schedule", () => {
        this.options.post({ type: "schedule", points: this.module.schedule(command.preset, command.settings, command.points) });
      });
      return;
    }
    this.queue.push(command);
    void this.pump();
  }

  /** Runs until there is neither a command nor training left. */
  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    try {
      for (;;) {
        const command = this.queue.shift();
        if (command !== undefined) await this.serve(command);
        else if (this.training || this.writer.busy) {
          await this.answer();
          await this.advance();
        } else break;
        await this.options.breathe();
      }
    } finally {
      this.pumping = false;
    }
  }

  private async serve(command: Serve): Promise<void> {
    const engine = this.engine;
    if (engine === undefined) return;
    if (command.type === "configure") return this.configure(engine, command);
    if (command.type === "verify") {
      if (this.training) await this.pause(engine);
      return this.verifier.run(engine, command);
    }
    if (command.type === "view" || command.type === "schedule" || command.type === "stop_verify" || command.type === "cancel_load" || command.run !== this.run || this.info === undefined) return;
    switch (command.type) {
      case "start":
        if (!this.ended) {
          this.training = true;
          this.state("training");
        }
        return;
      case "pause":
        if (this.training) await this.pause(engine);
        return;
      case "step":
        return this.single(engine, command.count);
      case "probe":
        this.probe = command.probe;
        if (this.show(engine)) await this.inspect(engine);
        return;
      case "generate":
        this.writer.ask(command.id, command.request);
        return;
      case "live":
        return this.attempt("live", () => {
          engine.set_live(command.key, command.value);
          if (this.info !== undefined) this.info.settings[command.key] = command.value;
        });
      case "checkpoint":
        return this.attempt("checkpoint", async () => {
          const files = await engine.checkpoint();
          this.options.post({ type: "checkpoint", run: this.run, step: this.step, files });
        });
    }
  }

  /** Starts a new run. If it is refused, the old one stays as it was and can go on. */
  private async configure(engine: EngineHandle, command: Extract<Serve, { type: "configure" }>): Promise<void> {
    if (this.training) await this.pause(engine);
    try {
      const progress = (done: number, total: number, label: string): void => {
        this.options.post({ type: "compiling", run: command.run, done, total, label });
      };
      const { info, report } = await this.make(engine, command, progress);
      this.run = command.run;
      this.info = info;
      this.ended = false;
      this.step = 0;
      this.stepsPerCall = 1;
      this.activeMs = 0;
      this.records = [];
      this.evaluatedAt = 0;
      this.solved = 0;
      this.writer = new Writer(this.options.now);
      this.probe = command.probe ?? { text: info.default_probe };
      this.prompt = command.prompt ?? "";
      for (const job of [this.metrics, this.maps, this.evaluation, this.sample]) job.reset();
      this.options.post({ type: "configured", run: this.run, info, ...(report === undefined ? {} : { loaded: report }) });
    } catch (thrown) {
      this.options.post({ type: "error", run: command.run, error: describeError(thrown, "configure") });
      return;
    }
    // A probe kept from an earlier run may not fit the new vocabulary: then the run's own one takes its place.
    const kept = command.probe !== undefined;
    if (this.show(engine, { report: !kept }) && (await this.inspect(engine, !kept))) return;
    if (!kept) return;
    this.probe = { text: this.info.default_probe };
    if (this.show(engine, { replaced: true })) await this.inspect(engine);
  }

  /** The new run: from nothing, or from a checkpoint. */
  private async make(engine: EngineHandle, command: Extract<Serve, { type: "configure" }>, progress: Progress): Promise<{ info: RunInfo; report?: LoadReport }> {
    const { run, config, text, tokenizer, origin } = command;
    if (origin === undefined) return { info: await engine.configure(config, text, progress, tokenizer) };
    const loading = new AbortController();
    this.loading = loading;
    const files = openOrigin(origin, loading.signal, (name, done, total) => {
      this.options.post({ type: "loading", run, name, done, total });
    });
    try {
      return await engine.load(config, text, progress, files);
    } finally {
      this.loading = undefined;
    }
  }

  private async advance(): Promise<void> {
    const engine = this.engine;
    if (!this.training || engine === undefined || this.info === undefined) return;
    const started = this.options.now();
    try {
      const left = Math.max(1, this.info.steps - this.step);
      const result = await engine.train(Math.min(this.stepsPerCall, left));
      this.stepsPerCall = nextSteps(this.stepsPerCall, this.options.now() - started);
      const goesOn = await this.absorb(engine, result);
      if (goesOn) await this.look(engine);
      this.activeMs += this.options.now() - started;
    } catch (thrown) {
      this.training = false;
      this.flush();
      this.state("paused");
      this.fail(thrown, "train");
    }
  }

  /** Exactly `count` more steps, then stands still. */
  private async single(engine: EngineHandle, count: number): Promise<void> {
    if (this.training) await this.pause(engine);
    if (this.ended || this.info === undefined) return;
    await this.attempt("train", async () => {
      const started = this.options.now();
      const first = await engine.train(count);
      const rest = await engine.drain();
      this.activeMs += this.options.now() - started;
      await this.absorb(engine, joined(first, rest));
      if (this.ended) return;
      this.flush();
      this.state("paused");
      await this.inspect(engine);
    });
  }

  private async pause(engine: EngineHandle, solved = false): Promise<void> {
    this.training = false;
    await this.attempt("train", async () => {
      await this.absorb(engine, await engine.drain());
      if (this.ended) return;
      this.flush();
      this.options.post({ type: "state", run: this.run, state: "paused", ...(solved ? { solved } : {}) });
      await this.inspect(engine);
    });
  }

  /** Takes over what was read back; ends the run when it is finished or has diverged, else says that it goes on. */
  private async absorb(engine: EngineHandle, result: TrainResult): Promise<boolean> {
    this.records.push(...result.records);
    this.step = result.records.at(-1)?.step ?? this.step;
    if (result.diverged === undefined && !result.finished) {
      if (this.metrics.due(this.options.now())) this.flush();
      return true;
    }
    this.training = false;
    this.ended = true;
    this.flush();
    if (result.diverged !== undefined) {
      this.options.post({ type: "state", run: this.run, state: "diverged", diverged: result.diverged });
      return false;
    }
    if (this.evaluationInterval() > 0) await this.evaluate(engine);
    await this.inspect(engine);
    await this.write(engine);
    this.state("finished");
    return false;
  }

  /** Side work that is due: maps, validation loss, a sample. */
  private async look(engine: EngineHandle): Promise<void> {
    if (this.showMaps && this.maps.due(this.options.now())) await this.inspect(engine);
    const every = this.evaluationInterval();
    if (every > 0 && this.step - this.evaluatedAt >= every && this.evaluation.due(this.options.now())) await this.evaluate(engine);
    if (this.solved === SOLVED.evaluations) {
      this.solved = undefined;
      await this.pause(engine, true);
    } else if (this.step > 0 && this.sample.due(this.options.now())) await this.write(engine);
  }

  private async inspect(engine: EngineHandle, report = true): Promise<boolean> {
    const started = this.options.now();
    try {
      const inspection = await engine.inspect(this.probe.text, this.probe.hidden);
      this.options.post({ type: "snapshot", run: this.run, inspection });
      return true;
    } catch (thrown) {
      if (report) this.fail(thrown, "inspect");
      return false;
    } finally {
      this.maps.done(started, this.options.now());
    }
  }

  /** Tells what the objective makes of the probe. */
  private show(engine: EngineHandle, { report = true, replaced = false } = {}): boolean {
    const { probe } = this;
    try {
      const shown = engine.show(probe.text, probe.hidden);
      this.options.post({ type: "shown", run: this.run, probe, shown, replaced });
      return true;
    } catch (thrown) {
      if (report) this.fail(thrown, "inspect");
      return false;
    }
  }

  private async evaluate(engine: EngineHandle): Promise<void> {
    const started = this.options.now();
    this.evaluatedAt = this.step;
    await this.attempt("train", async () => {
      const evaluation = await engine.evaluate();
      this.options.post({ type: "evaluation", run: this.run, evaluation });
      const right = this.task() && (evaluation.accuracy ?? 0) >= SOLVED.accuracy;
      if (this.solved !== undefined) this.solved = right ? this.solved + 1 : 0;
    });
    this.evaluation.done(started, this.options.now());
  }

  /** Shows one sample: a held-out example for a task, a continuation for a text. */
  private async write(engine: EngineHandle): Promise<void> {
    const { info } = this;
    if (info === undefined || !writes(info)) return;
    const started = this.options.now();
    await this.attempt("generate", async () => {
      const generation = await this.writer.sample(engine, info, { source: this.probe.text, prompt: this.prompt === "" ? info.default_prompt : this.prompt });
      this.options.post({ type: "sample", run: this.run, step: this.step, generation });
    });
    this.sample.done(started, this.options.now());
  }

  /** The next piece of the text that the visitor has asked for. */
  private async answer(): Promise<void> {
    const { engine, info } = this;
    if (engine === undefined || info === undefined || !this.writer.busy) return;
    const post = (piece: Piece): void => {
      this.options.post({ type: "generated", run: this.run, step: this.step, ...piece });
    };
    await this.attempt("generate", async () => {
      const piece = await this.writer.piece(engine, answers(info), async (begun) => {
        post(begun);
        await this.options.breathe();
        // What would make the answer pointless ends it.
        return !this.queue.some(({ type }) => type === "generate" || type === "configure" || type === "pause");
      });
      if (piece !== undefined) post(piece);
    });
  }

  private task(): boolean {
    return this.info?.data.kind === "task";
  }

  /** Steps between evaluations; 0 never evaluates. */
  private evaluationInterval(): number {
    return Number(this.info?.settings.eval_every ?? 100);
  }

  private async attempt(during: Activity, action: () => Promise<void> | void): Promise<void> {
    try {
      await action();
    } catch (thrown) {
      this.fail(thrown, during);
    }
  }

  private flush(): void {
    const now = this.options.now();
    this.metrics.done(now, now);
    if (this.records.length === 0) return;
    this.options.post({ type: "metrics", run: this.run, records: this.records, active_ms: this.activeMs });
    this.records = [];
  }

  private state(state: RunState): void {
    this.options.post({ type: "state", run: this.run, state });
  }

  private fail(thrown: unknown, during: Activity): void {
    this.options.post({ type: "error", run: this.run, error: describeError(thrown, during) });
  }
}

function joined(first: TrainResult, second: TrainResult): TrainResult {
  const diverged = first.diverged ?? second.diverged;
  return {
    records: [...first.records, ...second.records],
    finished: first.finished || second.finished,
    ...(diverged === undefined ? {} : { diverged }),
  };
}
