/** The set-up being edited, beside the one that runs: what differs, what may change at once, what waits for a restart. */
import type { Family, Knob, KnobGroup, Preset, RunConfig, Settings, Value } from "../engine/surface.ts";
import { Bases, familyOf, objectiveOf, objectivesOf } from "./base.ts";
import { presetFor } from "./families.ts";
import type { TextData } from "./text.ts";
import { belongs, DEFAULT_PRESET, DEFAULT_SEED, encode, knobOf, type Draft } from "./url.ts";

/** A `tokenizer.json` of the visitor's; the engine checks it when a run is set up. */
export interface TokenizerFile {
  name: string;
  bytes: Uint8Array;
}

interface Applied {
  draft: Draft;
  text: TextData | undefined;
  tokenizer: TokenizerFile | undefined;
}

export class Setup {
  presets = $state.raw<Preset[]>([]);
  knobs = $state.raw<Knob[]>([]);
  draft = $state.raw<Draft>({ preset: DEFAULT_PRESET, settings: {}, seed: DEFAULT_SEED });
  text = $state.raw<TextData | undefined>(undefined);
  tokenizer = $state.raw<TokenizerFile | undefined>(undefined);
  /** What the running model was made from. */
  applied = $state.raw<Applied | undefined>(undefined);

  /** Grows when the engine has said what a family starts from. */
  private learned = $state(0);
  private readonly bases = new Bases();

  readonly preset: Preset | undefined = $derived(this.presets.find((preset) => preset.name === this.draft.preset));
  readonly family: Family | undefined = $derived(familyOf(this.draft, this.preset));
  readonly objective: string | undefined = $derived(objectiveOf(this.draft, this.preset, this.presets));
  /** The objectives to choose from. */
  readonly objectives: string[] = $derived(objectivesOf(this.family, this.presets));

  /** Labels of what differs from the running model and acts on restart only. */
  readonly pending: string[] = $derived.by(() => {
    const applied = this.applied;
    if (applied === undefined) return [];
    const before = this.presets.find((preset) => preset.name === applied.draft.preset);
    if (applied.draft.preset !== this.draft.preset) return ["Preset"];
    // Another family is another model: its sizes are no further news.
    const changed =
      familyOf(applied.draft, before) !== this.family
        ? ["Family"]
        : this.knobs.filter((knob) => !knob.live && belongs(knob, this.family) && this.valueIn(applied.draft, knob) !== this.valueIn(this.draft, knob)).map((knob) => knob.label);
    if (applied.tokenizer !== this.tokenizer) changed.unshift("Tokenizer");
    if (applied.text !== this.text) changed.unshift("Data");
    if (applied.draft.seed !== this.draft.seed) changed.push("Random seed");
    return changed;
  });

  knob(key: string): Knob | undefined {
    return knobOf(this.knobs, key, this.family);
  }

  /** The knobs that mean something for what is set. */
  get shown(): Knob[] {
    return this.knobs.filter((knob) => belongs(knob, this.family) && this.applies(knob));
  }

  group(group: KnobGroup): Knob[] {
    return this.shown.filter((knob) => knob.group === group);
  }

  /** A task makes its own data and knows its length; sizes that follow from others are not for turning. */
  private applies(knob: Knob): boolean {
    const { key, group } = knob;
    const kind = this.preset?.data.kind;
    const is = (other: string, ...values: string[]): boolean => values.includes(String(this.value(other)));
    switch (key) {
      case "vocab_size":
      case "n_positions":
      case "max_position_embeddings":
      // These have places of their own on the page.
      case "family":
      case "objective":
        return false;
      case "bpe_vocab":
        return kind !== "task" && !is("tokenizer", "characters", "bytes");
      case "world_seed":
        return kind === "world" && this.text === undefined;
      case "mask_rate":
      case "mean_span":
      case "permute":
      case "mask_tokens":
      case "delete_tokens":
      case "insert":
      case "rotate":
        return typeof this.value(key) === "number";
      case "whole_words":
        return is("objective", "mlm", "mlm+nsp", "mlm+sop");
      case "decay_fraction":
        return is("schedule", "wsd");
      case "min_lr":
        return !is("schedule", "constant", "inverse_sqrt");
      case "momentum":
        return is("optimizer", "sgd", "muon");
      case "beta1":
        return is("optimizer", "adamw", "lion", "muon");
      case "beta2":
        return is("optimizer", "adamw", "lion", "muon");
      case "eps":
        return is("optimizer", "adamw", "muon");
      default:
        return kind !== "task" || (group !== "tokens" && key !== "context" && key !== "target");
    }
  }

  value(key: string): Value | undefined {
    if (key === "objective") return this.objective;
    const knob = this.knob(key);
    return knob === undefined ? undefined : this.valueIn(this.draft, knob);
  }

  /** The value in force under a draft: the visitor's, else what it was before. An override of null is an override. */
  private valueIn(draft: Draft, knob: Knob): Value | undefined {
    return knob.key in draft.settings ? draft.settings[knob.key] : this.baseIn(draft, knob);
  }

  private baseIn(draft: Draft, knob: Knob): Value | undefined {
    void this.learned;
    return this.bases.value(knob, draft, this.presets.find((preset) => preset.name === draft.preset), this.presets);
  }

  /** What a setting goes back to, where that is known. */
  base(key: string): Value | undefined {
    const knob = this.knob(key);
    return knob === undefined ? undefined : this.baseIn(this.draft, knob);
  }

  /** Takes over what the running model was made from. */
  accept(snapshot: Applied, settings: Settings): void {
    const preset = this.presets.find((candidate) => candidate.name === snapshot.draft.preset);
    this.bases.learn(snapshot.draft, preset, this.presets, settings);
    this.learned += 1;
    this.applied = snapshot;
  }

  number(key: string): number | undefined {
    const value = this.value(key);
    return typeof value === "number" ? value : undefined;
  }

  changed(key: string): boolean {
    return key in this.draft.settings;
  }

  set(key: string, value: Value): void {
    const settings = this.without(key);
    if (this.base(key) !== value) settings[key] = value;
    this.draft = { ...this.draft, settings };
  }

  reset(key: string): void {
    this.draft = { ...this.draft, settings: this.without(key) };
  }

  private without(...keys: string[]): Settings {
    return Object.fromEntries(Object.entries(this.draft.settings).filter(([key]) => !keys.includes(key)));
  }

  /** Another objective: what belonged to the old one goes. */
  chooseObjective(objective: string): void {
    const settings = this.without(...this.knobs.filter(({ group }) => group === "objective").map(({ key }) => key));
    const draft = { ...this.draft, settings };
    if (objectiveOf(draft, this.preset, this.presets) !== objective) settings.objective = objective;
    this.draft = draft;
  }

  /** Another family: the data stay where the family can read them, and what belonged to the old model goes. */
  chooseFamily(family: Family): void {
    const preset = presetFor(family, this.preset, this.presets);
    if (preset === undefined || family === this.family) return;
    if (preset !== this.preset) {
      this.choose(preset.name);
      return;
    }
    const gone = this.knobs.filter(({ group }) => ["model", "tokens", "objective"].includes(group)).map(({ key }) => key);
    const settings = this.without(...gone);
    if (family !== preset.family) settings.family = family;
    this.draft = { ...this.draft, settings };
  }

  choose(preset: string): void {
    this.draft = { preset, settings: {}, seed: this.draft.seed };
    if (this.preset?.data.kind === "task") {
      this.text = undefined;
      this.tokenizer = undefined;
    }
  }

  config(): RunConfig {
    return {
      preset: this.draft.preset,
      settings: { ...this.draft.settings },
      seed: this.draft.seed,
      ...(this.text === undefined ? {} : { text_name: this.text.name }),
    };
  }

  /** What of the visitor's files the engine reads. */
  files(): { text?: Uint8Array; tokenizer?: Uint8Array } {
    return {
      ...(this.text === undefined ? {} : { text: this.text.bytes }),
      ...(this.tokenizer === undefined ? {} : { tokenizer: this.tokenizer.bytes }),
    };
  }

  /** The set-up as a new run was made from it. */
  snapshot(): Applied {
    return { draft: this.draft, text: this.text, tokenizer: this.tokenizer };
  }

  link(): string {
    return encode(this.draft);
  }
}
