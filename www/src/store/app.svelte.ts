/**
 * The page's one store: it owns the engine's client, turns events into state and what people do into commands.
 *
 * Views read it and call its methods; they never see a message, a worker or the WebAssembly module. This file holds what
 * people do; how events become state is in `live.svelte.ts`.
 */
import type { Origin } from "../engine/origin.ts";
import type { DeviceKind, Family, GenerateRequest, Value } from "../engine/surface.ts";
import { chooseFile, textOrProblem } from "./files.ts";
import * as format from "./format.ts";
import { draftFor } from "./loading.svelte.ts";
import { Live } from "./live.svelte.ts";
import { SCHEDULE_POINTS } from "./schedule.ts";
import type { Draft } from "./url.ts";

/** Work that is thrown away only after a question, in milliseconds of training. */
const WORTH_ASKING_MS = 30_000;
const RECONFIGURE_MS = 300;
/** What a CPU trains while somebody watches. */
const TINY: Draft = { preset: "reverse", settings: { n_layer: 1, n_head: 2, n_embd: 32, batch: 8, dropout: 0 }, seed: 1 };

export class App extends Live {
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
      this.probe.forget();
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

  chooseFamily(family: Family): void {
    this.asking("Change the family", () => {
      const before = this.setup.preset;
      this.setup.chooseFamily(family);
      if (this.setup.preset !== before) this.probe.forget();
      this.apply(false);
    });
  }

  chooseObjective(objective: string): void {
    this.asking("Change the objective", () => {
      this.setup.chooseObjective(objective);
      this.apply(false);
    });
  }

  /** Takes a change of the visitor's back. */
  resetKnob(key: string): void {
    const base = this.setup.base(key);
    this.setup.reset(key);
    if (base !== undefined) this.setKnob(key, base);
    else this.changed();
  }

  /** A text of the visitor's. A bad one is refused here, before anything has happened to the run. */
  openText(name: string, bytes: Uint8Array): void {
    const text = textOrProblem(name, bytes);
    if ("sentence" in text) {
      this.problem = text;
      this.say(text.sentence);
      return;
    }
    this.asking("Use the text", () => {
      if (this.setup.preset?.data.kind === "task") {
        const preset = this.setup.presets.find((candidate) => candidate.data.kind !== "task");
        if (preset !== undefined) this.setup.choose(preset.name);
      }
      this.setup.text = text;
      this.probe.forget();
      this.apply(false);
    });
  }

  /** Starts a run from a checkpoint; the run before stays until the new one is loaded. */
  async load(origin: Origin): Promise<void> {
    this.loading.begin();
    try {
      this.setup.draft = await draftFor(origin, this.setup.draft, this.setup.presets);
    } catch (thrown) {
      this.loading.failed(thrown instanceof Error ? thrown.message : String(thrown));
      return;
    }
    this.probe.forget();
    this.apply(false, origin);
  }

  cancelLoad(): void {
    this.client.cancelLoad();
  }

  chooseText(): void {
    chooseFile((file) => void this.openFile(file));
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
      this.probe.forget();
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
    this.client.probe(this.probe.edit(text));
  }

  /** Hides or shows a token of the probe. */
  toggleToken(position: number): void {
    this.client.probe(this.probe.toggle(position));
  }

  /** Hides what the seed draws. */
  drawHidden(): void {
    this.client.probe(this.probe.draw());
  }

  /** Asks for the learning rate over a run with the settings on the page. */
  previewSchedule(): void {
    const { preset, settings } = this.setup.draft;
    if (this.caps !== undefined) this.client.schedule(preset, { ...settings }, SCHEDULE_POINTS);
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
}
