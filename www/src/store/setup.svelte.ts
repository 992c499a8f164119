/** The set-up being edited, beside the one that runs: what differs, what may change at once, what waits for a restart. */
import type { Knob, KnobGroup, Preset, RunConfig, Settings, Value } from "../engine/surface.ts";
import type { TextData } from "./text.ts";
import { DEFAULT_PRESET, DEFAULT_SEED, encode, valueOf, type Draft } from "./url.ts";

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

  readonly preset: Preset | undefined = $derived(this.presets.find((preset) => preset.name === this.draft.preset));

  /** Labels of what differs from the running model and acts on restart only. */
  readonly pending: string[] = $derived.by(() => {
    const applied = this.applied;
    if (applied === undefined) return [];
    const before = this.presets.find((preset) => preset.name === applied.draft.preset);
    if (applied.draft.preset !== this.draft.preset) return ["Preset"];
    const changed = this.knobs
      .filter((knob) => !knob.live && valueOf(applied.draft, before, knob.key) !== valueOf(this.draft, this.preset, knob.key))
      .map((knob) => knob.label);
    if (applied.tokenizer !== this.tokenizer) changed.unshift("Tokenizer");
    if (applied.text !== this.text) changed.unshift("Data");
    if (applied.draft.seed !== this.draft.seed) changed.push("Random seed");
    return changed;
  });

  knob(key: string): Knob | undefined {
    return this.knobs.find((knob) => knob.key === key);
  }

  /** The knobs that mean something for what is set. */
  get shown(): Knob[] {
    return this.knobs.filter((knob) => this.applies(knob));
  }

  group(group: KnobGroup): Knob[] {
    return this.shown.filter((knob) => knob.group === group);
  }

  /** A task makes its own data and knows its length; sizes that follow from others are not for turning. */
  private applies({ key, group }: Knob): boolean {
    const kind = this.preset?.data.kind;
    if (key === "vocab_size" || key === "n_positions") return false;
    if (key === "bpe_vocab") return this.value("tokenizer") === "bpe";
    if (key === "world_seed") return kind === "world" && this.text === undefined;
    return kind !== "task" || (group !== "tokens" && key !== "context");
  }

  value(key: string): Value | undefined {
    return valueOf(this.draft, this.preset, key);
  }

  number(key: string): number | undefined {
    const value = this.value(key);
    return typeof value === "number" ? value : undefined;
  }

  changed(key: string): boolean {
    return key in this.draft.settings;
  }

  set(key: string, value: Value): void {
    const settings: Settings = Object.fromEntries(Object.entries(this.draft.settings).filter(([other]) => other !== key));
    if (this.preset?.settings[key] !== value) settings[key] = value;
    this.draft = { ...this.draft, settings };
  }

  reset(key: string): void {
    const value = this.preset?.settings[key];
    if (value !== undefined) this.set(key, value);
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
