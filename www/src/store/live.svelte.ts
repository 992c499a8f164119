/**
 * The page's state as the worker reports it: events in, what the views show out. What people do is in `app.svelte.ts`.
 */
import { EngineClient } from "../engine/client.ts";
import type { Origin } from "../engine/origin.ts";
import type { EngineError, Event, ProbeText } from "../engine/protocol.ts";
import type { Caps, Generation, SchedulePoints } from "../engine/surface.ts";
import { download } from "./files.ts";
import { Loading } from "./loading.svelte.ts";
import type { Milestone } from "./milestones.ts";
import { Probe } from "./probe.svelte.ts";
import { problemOf, type Problem } from "./problems.ts";
import { Run } from "./run.svelte.ts";
import { Setup } from "./setup.svelte.ts";
import { Ui } from "./ui.svelte.ts";
import { decode } from "./url.ts";
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

const MAPS_MS = { wide: 125, narrow: 250, calm: 500 };

export interface Question {
  sentence: string;
  confirm: string;
  go: () => void;
}

export class Live {
  readonly ui = new Ui();
  readonly setup = new Setup();
  readonly probe = new Probe();
  readonly loading = new Loading();
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
  /** The run stands still because its task is solved. */
  solved = $state(false);
  note = $state.raw<Milestone | undefined>(undefined);
  announcement = $state("");
  question = $state.raw<Question | undefined>(undefined);
  generated = $state.raw<{ step: number; generation: Generation } | undefined>(undefined);
  generating = $state(false);
  /** The learning rate over a run with the settings on the page. */
  schedule = $state.raw<SchedulePoints>([]);
  enabling = $state(false);
  softwareNotice = $state(false);
  dropped = $state<string[]>([]);

  /** The picture of the prerendered shell, for the time before there is a map. */
  drawing: Node | undefined;

  /** Something can be trained from here on. */
  readonly trainable: boolean = $derived(["ready", "paused", "training"].includes(this.status));

  protected client: EngineClient;
  /** What the run under way was asked to show. */
  private asked: ProbeText | undefined;
  protected startWhenReady = false;
  protected timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly engine: string) {
    this.client = this.connect();
    this.client.init("gpu");
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
  apply(train: boolean, origin?: Origin): void {
    clearTimeout(this.timer);
    this.startWhenReady = train;
    this.problem = undefined;
    this.status = "compiling";
    this.compile = undefined;
    this.writeLink();
    this.asked = this.probe.wanted(this.setup.preset, this.setup.objective, this.setup.text !== undefined);
    this.client.configure(this.setup.config(), origin === undefined ? this.setup.files() : { ...this.setup.files(), origin }, this.asked);
  }

  protected writeLink(): void {
    history.replaceState(null, "", this.setup.link());
  }

  protected connect(): EngineClient {
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
        // What was verified is another device.
        this.verification.reset();
        this.softwareNotice = event.caps.software && event.caps.device === "gpu";
        this.view();
        this.apply(this.startWhenReady);
        return;
      case "compiling":
        this.compile = event;
        return;
      case "loading":
        this.loading.progress = event;
        return;
      case "configured":
        this.configured(event.info);
        if (event.loaded !== undefined) this.loading.loaded(event.loaded);
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
        return;
      case "shown":
        this.probe.answered(event);
        return;
      case "schedule":
        this.schedule = event.points;
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
    this.setup.accept(this.setup.snapshot(), info.settings);
    this.generated = undefined;
    this.generating = false;
    this.solved = false;
    this.note = undefined;
    this.ui.pinned = undefined;
    this.ui.hover = undefined;
    this.ui.fit(info);
    this.probe.configured(info.default_probe, this.asked);
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
    if (head !== undefined && !this.ui.chosen) this.ui.show(head);
  }

  private milestones(found: Milestone[]): void {
    const last = found.at(-1);
    if (last === undefined) return;
    this.note = last;
    this.say(last.sentence);
    // The head that the note is about comes into view, unless the visitor looks at one of their own choice.
    if (last.head !== undefined && !this.ui.chosen) this.ui.show(last.head);
  }

  private fail(error: EngineError): void {
    this.generating = false;
    if (error.during === "inspect") {
      this.probe.error = error.message;
      return;
    }
    const run = this.run;
    const load = error.during === "configure" && this.loading.busy;
    if (load) {
      // The dialog says it; the set-up of the run that goes on comes back.
      this.loading.failed(error.message);
      const applied = this.setup.applied;
      if (applied !== undefined) this.setup.draft = applied.draft;
    } else this.problem = problemOf(error, run !== undefined);
    this.say(error.message);
    if (error.during === "init") this.verification.interrupt(error.message);
    if (error.during === "init") this.status = this.problem?.title === "No WebGPU here" ? "no_webgpu" : "failed";
    else if (error.during === "configure") {
      this.startWhenReady = false;
      this.compile = undefined;
      // A tokenizer that was refused is not kept for the next try.
      if (error.code.startsWith("tokenizer")) this.setup.tokenizer = this.setup.applied?.tokenizer;
      this.status = run === undefined ? "failed" : run.step === 0 ? "ready" : run.diverged !== undefined ? "diverged" : run.step >= run.info.steps ? "finished" : "paused";
    }
  }
}
