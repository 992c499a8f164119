/**
 * The typed surface of the engine: what the WebAssembly module exports, and what the stand-in of the tests implements.
 *
 * Everything the page knows about training passes through these types. Errors thrown by an engine are `Error` objects
 * with a stable `code`; the sentence in `message` is for people and is never parsed.
 */

/** `null` stands for "follows from the other settings", where a knob allows it. */
export type Value = number | string | boolean | null;
export type Settings = Record<string, Value>;
export type DeviceKind = "gpu" | "cpu";

/** Which stacks a model has: the three modes. */
export type Architecture = "encoder-only" | "encoder-decoder" | "decoder-only";
export type Family = "bert" | "t5" | "bart" | "transformer" | "gpt2";

export interface Preset {
  name: string;
  title: string;
  summary: string;
  /** Every knob's value under this preset. */
  settings: Settings;
  data: { kind: "task" | "world" | "text" | "figure"; name: string };
  family: Family;
  architecture: Architecture;
  /** Names of the objectives that the family can be trained with; the first is the one that it was published with. */
  objectives: string[];
  /** What to look at first, and the tokens of it to hide, counted without special tokens. */
  example: { probe: string; hidden: number[] } | null;
}

export type KnobGroup = "data" | "tokens" | "model" | "objective" | "optimizer";

export interface Knob {
  key: string;
  label: string;
  kind: "int" | "float" | "choice" | "bool";
  /** Bounds of a number; choices and switches have none. */
  min: number;
  max: number;
  /** May be null. */
  nullable?: boolean;
  choices?: string[];
  /** Live knobs act on the running model; the others act on restart. */
  live: boolean;
  group: KnobGroup;
  /** The families that have it; empty for all. */
  families: Family[];
  help: string;
}

export interface RunConfig {
  preset: string;
  /** Only what differs from the preset. */
  settings: Settings;
  seed: number;
  text_name?: string;
}

export interface RunInfo {
  parameters: number;
  gpu_bytes: number;
  dispatches: number;
  submits_per_chunk: number;
  vocab_size: number;
  /** Loss of a uniform guess, ln V. */
  random_guess: number;
  family: Family;
  architecture: Architecture;
  /** Layers and heads of a stack; null where there is none. */
  encoder: [layers: number, heads: number] | null;
  decoder: [layers: number, heads: number] | null;
  objectives: string[];
  context: number;
  batch: number;
  steps: number;
  data: {
    kind: string;
    name: string;
    train_tokens?: number;
    validation_tokens?: number;
    vocab_size: number;
    notices: string[];
  };
  default_probe: string;
  default_prompt: string;
  settings: Settings;
}

export interface StepRecord {
  step: number;
  loss: number;
  lr: number;
  grad_norm: number;
  tokens: number;
  ms: number;
}

export interface Divergence {
  step: number;
  what: "loss" | "gradient";
  value: string;
  sentence: string;
}

export interface TrainResult {
  records: StepRecord[];
  finished: boolean;
  diverged?: Divergence;
}

export interface Evaluation {
  step: number;
  val_loss: number;
  /** Share of held-out task answers that are exactly right. */
  accuracy?: number;
}

export interface NextToken {
  token: string;
  p: number;
}

export type StageName = "encoder" | "decoder" | "cross";

/** The maps of one kind of attention. */
export interface Stage {
  name: StageName;
  layers: number;
  heads: number;
  queries: number;
  keys: number;
  /** Attention probabilities, (layers, heads, queries, keys). */
  probs: Float32Array;
}

export interface Predicted {
  /** In an encoder and decoder: of the decoder. */
  position: number;
  /** What was to be predicted there, where anything was. */
  expected?: string;
  /** The five likeliest tokens. */
  next: NextToken[];
}

export interface Inspection {
  step: number;
  /** What the first stack reads. */
  tokens: string[];
  /** What the decoder reads, where an encoder stands before it. */
  decoder_tokens: string[];
  /** In the order in which the model computes them. */
  stages: Stage[];
  predictions: Predicted[];
  loss?: number;
}

/** Positions from `start` on, `end` not included. */
export interface Span {
  start: number;
  end: number;
}

/** What an objective does to a part of a text; spans are numbered from 0. */
export type Role = "masked" | "replaced" | "kept" | { span: number } | "deleted" | "inserted" | "permuted" | "rotated" | "continued";

export interface Change {
  role: Role;
  text: Span;
  input: Span;
  target: Span;
}

/** A text before and after an objective. */
export interface Shown {
  objective: string;
  /** Its tokens, without special ones. */
  text: string[];
  /** What the model reads. */
  input: string[];
  /** What it is to write, or what stood in the input before. */
  target: string[];
  changed: Change[];
}

/** Steps of a run with their learning rates, in order. */
export type SchedulePoints = [step: number, rate: number][];

export interface GenerateRequest {
  /** Empty: the engine draws a held-out example by `seed`. */
  prompt: string;
  max_new: number;
  temperature: number;
  top_k: number;
  seed: number;
}

export interface Generation {
  prompt: string;
  text: string;
  correct?: boolean;
}

export interface Caps {
  device: DeviceKind;
  adapter: string;
  software: boolean;
  max_buffer_bytes: number;
  features: string[];
}

export interface CheckpointFile {
  name: string;
  bytes: Uint8Array;
}

/** A known answer as it came out here. */
export interface KnownAnswer {
  name: string;
  outcome: "pass" | "fail" | "skip";
  /** The sentence that says so. */
  detail: string;
  /** The quantity closest to its gate, or farthest past it; where numbers were compared. */
  worst?: { quantity: string; error: number; gate: number };
}

/** Called before each case with the result of the one before, and after the last; `false` ends the verification. */
export type VerifyProgress = (done: number, total: number, name: string, result: KnownAnswer | undefined) => Promise<boolean>;

/** A file of a checkpoint; `read` gives exactly as many bytes as are asked for. */
export interface OpenFile {
  size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Files of a checkpoint by name; what it throws comes out of `load`. */
export interface CheckpointDirectory {
  open(name: string): Promise<OpenFile | undefined>;
}

/** How a checkpoint met the parameters of the run. */
export interface LoadReport {
  sentence: string;
  loaded: number;
  missing: string[];
  unexpected: string[];
  ignored: string[];
  /** Loaded tensors that were not in single precision. */
  cast: number;
  parameters: { checkpoint: number; run: number };
}

export type Progress = (done: number, total: number, label: string) => void;

/** One model on one device. Calls must not overlap: the runner makes them one after another. */
export interface EngineHandle {
  caps(): Caps;
  configure(config: RunConfig, text: Uint8Array | undefined, progress: Progress, tokenizer?: Uint8Array): Promise<RunInfo>;
  /** A run with the model, tokenizer and weights of a checkpoint. */
  load(config: RunConfig, text: Uint8Array | undefined, progress: Progress, files: CheckpointDirectory): Promise<{ info: RunInfo; report: LoadReport }>;
  train(steps: number): Promise<TrainResult>;
  drain(): Promise<TrainResult>;
  evaluate(): Promise<Evaluation>;
  /** `hidden` are tokens of the text, counted without special ones; without it the seed decides what is hidden. */
  inspect(text: string, hidden?: number[]): Promise<Inspection>;
  show(text: string, hidden?: number[]): Shown;
  /** After every token `each` hears the text so far; `false` ends the text. */
  generate(request: GenerateRequest, each?: (text: string, token: string) => boolean | Promise<boolean>): Promise<Generation>;
  set_live(key: string, value: Value): void;
  checkpoint(): Promise<CheckpointFile[]>;
  /** Runs a file of known answers, whatever the run; gives the results so far. */
  verify(text: string, progress: VerifyProgress): Promise<KnownAnswer[]>;
  free(): void;
}

/** What a module that can make engines offers. */
export interface EngineModule {
  presets(): Preset[];
  knobs(): Knob[];
  /** The learning rate over a run of these settings, before there is one. */
  schedule(preset: string, settings: Settings, points: number): SchedulePoints;
  create(device: DeviceKind): Promise<EngineHandle>;
}
