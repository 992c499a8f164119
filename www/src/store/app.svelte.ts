/**
 * The page's one store: it owns the engine's client, turns events into state and what people do into commands.
 *
 * Views read it and call its methods; they never see a message, a worker or the WebAssembly module.
 */
import { EngineClient } from "../engine/client.ts";
import type { EngineError, Event } from "../engine/protocol.ts";
import type { Caps, DeviceKind, GenerateRequest, Generation, Value } from "../engine/surface.ts";
import * as format from "./format.ts";
import type { Milestone } from "./milestones.ts";
import { problemOf, type Problem } from "./problems.ts";
import { Run } from "./run.svelte.ts";
import { Setup } from "./setup.svelte.ts";
import { readText, TextError, type TextData } from "./text.ts";
import { Ui } from "./ui.svelte.ts";
import { decode, type Draft } from "./url.ts";
import { Verification } from "./verification.svelte.ts";

export type Status =
  | "starting"
  | "compiling"
  | "ready"
  | "training"
  | "paused"
  | "finished"
  | "diverged"
  | "no_webgpu"
  | "failed";

/** Work that is thrown away only after a question, in milliseconds of training. */
const WORTH_ASKING_MS = 30_000;
const RECONFIGURE_MS = 300;
/** What a CPU trains while somebody watches. */
const TINY: Draft = { preset: "reverse", settings: { n_layer: 1, n_head: 2, n_embd: 32, batch: 8, dropout: 0 }, seed: 1 };
const MAPS_MS = { wide: 125, narrow: 250, calm: 500 };

/** What a file dialog offers; every file is looked at before it is used. */
export const TEXT_TYPES = ".txt,.md,.csv,text/*";

export interface Question {
  sentence: string;
  confirm: string;
  go: () => void;
}

export class App {
  readonly ui = new Ui();
  readonly setup = new Setup();
  readonly verification = new Verification({
    verify: (text) => this.client.verify(text),
    stop: (id) => {
      this.client.stopVerify(id);
    },
    say: (sentence) => {
      this.say(sentence);
    },
  });
  status = $state<Status>("starting");
  caps = $state.raw<Caps | undefined>(undefined);
  run = $state.raw<Run | undefined>(undefined);
  compile = $state.raw<{ done: number; total: number; label: string } | undefined>(undefined);
  problem = $state.raw<Problem | undefined>(undefined);
  probe = $state("");
  probeError = $state<string | undefined>(undefined);
  /** The run stands still because its task is solved. */
  solved = $state(false);
  note = $state.raw<Milestone | undefined>(undefined);
  announcement = $state("");
  question = $state.raw<Question | undefined>(undefined);
  generated = $state.raw<{ step: number; generation: Generation } | undefined>(undefined);
  generating = $state(false);
  enabling = $state(false);
  softwareNotice = $state(false);
  dropped = $state<string[]>([]);

  /** The picture of the prerendered shell, for the time before there is a map. */
  drawing: Node | undefined;

  /** Something can be trained from here on. */
  readonly trainable: boolean = $derived(["ready", "paused", "training"].includes(this.status));

  private client: EngineClient;
  private probeEdited = false;
  private startWhenReady = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly engine: string) {
    this.client = this.connect();
    this.client.init("gpu");
  }

  toggle(): void {
    if (this.status === "training") this.client.pause();
    else if (this.status === "ready" || this.status === "paused") {
      if (this.status === "ready" && this.setup.pending.length > 0) this.apply(true);
      else this.client.start();
    } else if (this.status === "starting" || this.status === "compiling") this.startWhenReady = !this.startWhenReady;
    else if (this.status === "finished" || this.status === "diverged") this.restart(true);
  }

  get queued(): boolean {
    return this.startWhenReady;
  }

  step(): void {
    if (this.trainable) this.client.step(1);
  }

  /** Starts over with the settings on the page. Asks first when much work would be lost. */
  restart(train = false): void {
    this.asking("Restart", () => {
      this.apply(train);
    });
  }

  choose(preset: string): void {
    this.asking("Load the preset", () => {
      this.setup.choose(preset);
      this.probeEdited = false;
      this.apply(false);
    });
  }

  setSeed(seed: number): void {
    this.setup.draft = { ...this.setup.draft, seed };
    this.changed();
  }

  setKnob(key: string, value: Value): void {
    this.setup.set(key, value);
    const knob = this.setup.knob(key);
    if (knob?.live === true && this.run !== undefined) {
      this.client.live(key, value);
      const applied = this.setup.applied;
      if (applied !== undefined) this.setup.applied = { ...applied, draft: { ...applied.draft, settings: { ...applied.draft.settings, [key]: value } } };
      if (this.run.step > 0) this.run.mark(`${knob.label} ${format.setting(value)}`);
      this.writeLink();
    } else this.changed();
  }

  /** A text of the visitor's. A bad one is refused here, before anything has happened to the run. */
  openText(name: string, bytes: Uint8Array): void {
    let text: TextData;
    try {
      text = readText(name, bytes);
    } catch (thrown) {
      const error = thrown instanceof TextError ? thrown : new TextError("text_binary", `"${name}" could not be read.`);
      this.problem = { code: error.code, title: "That text cannot be used", sentence: error.message, suggestion: undefined, remedies: ["dismiss"] };
      this.say(error.message);
      return;
    }
    this.asking("Use the text", () => {
      if (this.setup.preset?.data.kind === "task") {
        const preset = this.setup.presets.find((candidate) => candidate.data.kind !== "task");
        if (preset !== undefined) this.setup.choose(preset.name);
      }
      this.setup.text = text;
      this.probeEdited = false;
      this.apply(false);
    });
  }

  /** Opens the browser's file dialog, as a click on the drop area does. */
  chooseText(): void {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = TEXT_TYPES;
    input.onchange = () => {
      const file = input.files?.[0];
      if (file !== undefined) void this.openFile(file);
    };
    input.click();
  }

  /** A text to read, or by its name the tokenizer to read it with. */
  async openFile(file: File): Promise<void> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (file.name.endsWith(".json")) this.openTokenizer(file.name, bytes);
    else this.openText(file.name, bytes);
  }

  /** A `tokenizer.json`: text runs read with it from the next set-up on; the engine refuses a bad one. */
  openTokenizer(name: string, bytes: Uint8Array): void {
    this.asking("Use the tokenizer", () => {
      this.setup.tokenizer = { name, bytes };
      this.probeEdited = false;
      this.apply(false);
    });
  }

  ownTokenizer(): void {
    this.setup.tokenizer = undefined;
    this.changed();
  }

  builtInText(): void {
    this.setup.text = undefined;
    this.changed();
  }

  setProbe(text: string): void {
    this.probe = text;
    this.probeEdited = true;
    this.client.probe(text);
  }

  generate(request: GenerateRequest): void {
    this.generating = true;
    this.client.generate(request);
  }

  saveCheckpoint(): void {
    this.client.checkpoint();
  }

  /** Takes the settings of the running model back. */
  undo(): void {
    const applied = this.setup.applied;
    if (applied !== undefined) {
      this.setup.draft = applied.draft;
      this.setup.text = applied.text;
      this.setup.tokenizer = applied.tokenizer;
    } else this.setup.choose(this.setup.draft.preset);
    this.problem = undefined;
    this.writeLink();
    if (this.run === undefined) this.apply(false);
  }

  useDevice(device: DeviceKind, tiny: boolean): void {
    clearTimeout(this.timer);
    this.client.dispose();
    this.verification.reset();
    this.problem = undefined;
    this.run = undefined;
    this.setup.applied = undefined;
    this.status = "starting";
    if (tiny) this.setup.draft = { ...TINY, settings: { ...TINY.settings } };
    this.client = this.connect();
    this.client.init(device);
  }

  useTiny(): void {
    this.softwareNotice = false;
    this.asking("Use the tiny preset", () => {
      this.setup.draft = { ...TINY, settings: { ...TINY.settings } };
      this.setup.text = undefined;
      this.setup.tokenizer = undefined;
      this.apply(false);
    });
  }

  /** Tells the worker how often maps are wanted. */
  view(): void {
    const visible = !document.hidden && (!this.ui.narrow || this.ui.tab === "attention");
    this.client.view(visible, this.ui.calm ? MAPS_MS.calm : this.ui.narrow ? MAPS_MS.narrow : MAPS_MS.wide);
  }

  say(sentence: string): void {
    this.announcement = sentence;
  }

  /** Configures a run from the draft; the old run ends when the new one has been accepted. */
  apply(train: boolean): void {
    clearTimeout(this.timer);
    this.startWhenReady = train;
    this.problem = undefined;
    this.status = "compiling";
    this.compile = undefined;
    this.writeLink();
    this.client.configure(this.setup.config(), this.setup.files(), this.probeEdited ? this.probe : undefined);
  }

  private asking(confirm: string, go: () => void): void {
    const run = this.run;
    const worth = run !== undefined && run.activeMs > WORTH_ASKING_MS && this.status !== "diverged";
    if (!worth) {
      go();
      return;
    }
    this.question = { sentence: `This ends the current run: ${run.step} steps, ${Math.round(run.activeMs / 1000)} seconds of training.`, confirm, go };
  }

  /** A change that acts on restart: at once while nothing has been trained, else when the visitor restarts. */
  private changed(): void {
    this.writeLink();
    clearTimeout(this.timer);
    if (this.run !== undefined && this.run.step > 0) return;
    this.timer = setTimeout(() => {
      this.apply(false);
    }, RECONFIGURE_MS);
  }

  private writeLink(): void {
    history.replaceState(null, "", this.setup.link());
  }

  private connect(): EngineClient {
    return new EngineClient((event) => {
      this.receive(event);
    }, this.engine);
  }

  private receive(event: Event): void {
    switch (event.type) {
      case "catalog":
        this.catalog(event);
        return;
      case "caps":
        this.caps = event.caps;
        this.softwareNotice = event.caps.software && event.caps.device === "gpu";
        this.view();
        this.apply(this.startWhenReady);
        return;
      case "compiling":
        this.compile = event;
        return;
      case "configured":
        this.configured(event.info);
        return;
      case "metrics":
        this.milestones(this.run?.metrics(event) ?? []);
        return;
      case "evaluation":
        this.milestones(this.run?.evaluated(event.evaluation) ?? []);
        return;
      case "snapshot":
        this.milestones(this.run?.inspected(event.inspection) ?? []);
        if (this.status === "paused" || this.status === "finished") this.showTellingHead();
        this.probeError = undefined;
        return;
      case "sample":
        this.run?.sampled(event.step, event.generation);
        return;
      case "generated":
        this.generating = !event.done;
        this.generated = { step: event.step, generation: event.generation };
        return;
      case "state":
        this.changeState(event);
        return;
      case "checkpoint":
        download(event.files);
        return;
      case "verifying":
      case "verified":
      case "unverified":
        this.verification.receive(event);
        return;
      case "error":
        this.fail(event.error);
        return;
    }
  }

  private catalog(event: Extract<Event, { type: "catalog" }>): void {
    const first = this.setup.presets.length === 0;
    this.setup.presets = event.presets;
    this.setup.knobs = event.knobs;
    if (!first) return;
    const { draft, dropped } = decode(location.hash, event.presets, event.knobs);
    this.setup.draft = draft;
    this.dropped = dropped;
  }

  private configured(info: Run["info"]): void {
    this.run = new Run(info);
    this.setup.applied = this.setup.snapshot();
    this.generated = undefined;
    this.generating = false;
    this.solved = false;
    this.note = undefined;
    this.ui.pinned = undefined;
    this.ui.hover = undefined;
    this.ui.clamp(info.layers, info.heads);
    this.ui.chosen = false;
    if (!this.probeEdited) this.probe = info.default_probe;
    this.compile = undefined;
    this.status = "ready";
    if (this.startWhenReady) {
      this.startWhenReady = false;
      this.client.start();
    }
  }

  private changeState(event: Extract<Event, { type: "state" }>): void {
    const was = this.status;
    const run = this.run;
    // While the next run is being made, the old one's pause is no news.
    if (run === undefined || was === "compiling") return;
    this.status = event.state;
    if (event.state === "training" && was !== "training") this.say("Training started.");
    this.solved = event.solved === true;
    if (this.solved) this.say(`Solved at step ${run.step}. Paused to save energy.`);
    else if (event.state === "paused") this.say(`Paused at step ${run.step}.`);
    if (event.state === "finished") this.say(`Finished after ${run.step} steps.`);
    if (event.diverged !== undefined) {
      run.diverged = event.diverged;
      run.mark("diverged", event.diverged.step);
      this.say(event.diverged.sentence);
    }
  }

  /** Once the run stands still, the head that tells most comes into view, unless the visitor has chosen one. */
  private showTellingHead(): void {
    const head = this.run?.tellingHead;
    if (head !== undefined && !this.ui.chosen) this.ui.show(head.layer, head.head);
  }

  private milestones(found: Milestone[]): void {
    const last = found.at(-1);
    if (last === undefined) return;
    this.note = last;
    this.say(last.sentence);
    // The head that the note is about comes into view, unless the visitor looks at one of their own choice.
    if (last.head !== undefined && !this.ui.chosen) this.ui.show(last.head.layer, last.head.head);
  }

  private fail(error: EngineError): void {
    this.generating = false;
    if (error.during === "inspect") {
      this.probeError = error.message;
      return;
    }
    const run = this.run;
    this.problem = problemOf(error, run !== undefined);
    this.say(error.message);
    if (error.during === "init") this.verification.interrupt(error.message);
    if (error.during === "init") this.status = this.problem.title === "No WebGPU here" ? "no_webgpu" : "failed";
    else if (error.during === "configure") {
      this.startWhenReady = false;
      this.compile = undefined;
      // A tokenizer that was refused is not kept for the next try.
      if (error.code.startsWith("tokenizer")) this.setup.tokenizer = this.setup.applied?.tokenizer;
      this.status = run === undefined ? "failed" : run.step === 0 ? "ready" : run.diverged !== undefined ? "diverged" : run.step >= run.info.steps ? "finished" : "paused";
    }
  }
}

/** Hands files to the browser's download, under the names that a checkpoint folder has. */
function download(files: readonly { name: string; bytes: Uint8Array }[]): void {
  for (const file of files) {
    const address = URL.createObjectURL(new Blob([new Uint8Array(file.bytes)]));
    const link = document.createElement("a");
    link.href = address;
    link.download = file.name;
    link.click();
    setTimeout(() => {
      URL.revokeObjectURL(address);
    }, 10_000);
  }
}
