/** Presets and knobs of the stand-in engine: the same shape as the real catalog, values chosen for the tests. */
import type { Architecture, Family, Knob, KnobGroup, Preset, Settings } from "../../src/engine/surface.ts";

export const ARCHITECTURES: Record<Family, Architecture> = {
  bert: "encoder-only", t5: "encoder-decoder", bart: "encoder-decoder", transformer: "encoder-decoder", gpt2: "decoder-only",
};
export const OBJECTIVES: Record<Family, string[]> = {
  bert: ["mlm", "mlm+nsp"], t5: ["span", "prefix_lm"], bart: ["denoise"], transformer: ["seq2seq"], gpt2: ["causal"],
};

const base: Settings = {
  family: "gpt2",
  objective: "causal",
  world_seed: 1,
  tokenizer: "characters",
  bpe_vocab: 512,
  n_layer: 3,
  n_head: 3,
  n_embd: 48,
  context: 12,
  norm: "pre",
  activation_function: "gelu_new",
  dropout: 0.1,
  batch: 64,
  steps: 2000,
  lr: 5e-4,
  min_lr: 0,
  schedule: "constant",
  warmup: 0,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weight_decay: 0.1,
  decay: "matrices",
  clip: 1,
  eval_every: 100,
};

const preset = (name: string, title: string, summary: string, kind: Preset["data"]["kind"], data: string, settings: Settings, family: Family = "gpt2", example: Preset["example"] = null): Preset => ({
  name,
  title,
  summary,
  settings: { ...base, family, objective: OBJECTIVES[family][0] ?? "", ...settings },
  data: { kind, name: data },
  family,
  architecture: ARCHITECTURES[family],
  objectives: OBJECTIVES[family],
  example,
});

const LOVE = "I love this red car";

export const presets: Preset[] = [
  preset("reverse", "Reverse a word", "Write the letters of a word backwards.", "task", "reverse", { context: 12, lr: 1e-3 }),
  preset("sort", "Sort letters", "Put six letters from a, b, c in order.", "task", "sort", { context: 11 }),
  preset("copy", "Copy a word", "Repeat a word after a bar.", "task", "copy", { lr: 1e-3 }),
  preset("add", "Add two numbers", "Add numbers of two digits.", "task", "add", { n_layer: 2, n_head: 4, n_embd: 64, lr: 1e-3 }),
  preset("gpt-nano", "GPT nano on a text", "Three layers, 48 wide; reads letters of a text.", "text", "story", { context: 32, steps: 1500 }),
  preset("story", "Stories", "Two layers on the built-in stories.", "text", "story", { n_layer: 2, n_head: 2, n_embd: 64, context: 32, batch: 16 }),
  preset("gpt-6", "GPT 6", "Six layers, 192 wide, context 128.", "text", "story", { n_layer: 6, n_head: 6, n_embd: 192, context: 128, batch: 8 }),
  preset("nanogpt-cpu", "nanoGPT (CPU column)", "Four layers, 128 wide, context 64.", "text", "story", { n_layer: 4, n_head: 4, n_embd: 128, context: 64, batch: 12, schedule: "cosine", warmup: 100, min_lr: 1e-4, lr: 1e-3 }),
  preset("nanogpt-baby", "nanoGPT (GPU column)", "Six layers, 384 wide, context 256.", "text", "story", { n_layer: 6, n_head: 6, n_embd: 384, context: 256, schedule: "cosine", warmup: 100, min_lr: 1e-4, lr: 1e-3, steps: 5000 }),
  preset("figure-bert", "Figure: BERT", "A word is hidden.", "figure", "figure", { num_hidden_layers: 1, num_attention_heads: 2, hidden_size: 32, mask_rate: 0.15, context: 8, steps: 400 }, "bert", { probe: LOVE, hidden: [1] }),
  preset("figure-t5", "Figure: T5", "Spans are hidden.", "figure", "figure", { num_layers: 1, num_decoder_layers: null, num_heads: 2, d_model: 32, mask_rate: 0.5, context: 8, steps: 400 }, "t5", { probe: LOVE, hidden: [1, 3, 4] }),
  preset("bench-c", "Benchmark C", "Two layers, 64 wide, context 32.", "text", "story", { n_layer: 2, n_head: 2, n_embd: 64, context: 32, batch: 8 }),
];

type Range = [min: number, max: number];
const number = (group: KnobGroup, key: string, label: string, kind: "int" | "float", [min, max]: Range, live: boolean, help: string, families: Family[] = []): Knob => ({
  key, label, kind, min, max, live, group, help, families,
});
const choice = (group: KnobGroup, key: string, label: string, choices: string[], help: string): Knob => ({
  key, label, kind: "choice", min: 0, max: 0, choices, live: false, group, help, families: [],
});

export const knobs: Knob[] = [
  number("data", "world_seed", "World seed", "int", [0, 1e6], false, "Seed of the built-in text."),
  choice("tokens", "tokenizer", "Tokenizer", ["characters", "bytes", "bpe"], "How text becomes tokens."),
  number("tokens", "bpe_vocab", "BPE vocabulary size", "int", [260, 8192], false, "Size of the byte-level BPE vocabulary."),
  choice("model", "family", "Family", ["bert", "t5", "bart", "transformer", "gpt2"], "Which stacks the model has."),
  number("model", "n_layer", "Layers", "int", [1, 12], false, "Transformer blocks.", ["gpt2"]),
  number("model", "n_head", "Attention heads", "int", [1, 12], false, "Heads per layer; they must divide the width.", ["gpt2"]),
  number("model", "n_embd", "Embedding dimension (d_model)", "int", [8, 768], false, "Width of the residual stream.", ["gpt2"]),
  number("model", "num_hidden_layers", "Layers", "int", [1, 12], false, "Transformer blocks.", ["bert"]),
  number("model", "num_attention_heads", "Attention heads", "int", [1, 12], false, "Heads per layer.", ["bert"]),
  number("model", "hidden_size", "Width (d_model)", "int", [8, 768], false, "Width of the residual stream.", ["bert"]),
  number("model", "num_layers", "Encoder layers", "int", [1, 12], false, "Blocks of the encoder.", ["t5"]),
  number("model", "num_heads", "Attention heads", "int", [1, 12], false, "Heads per layer.", ["t5"]),
  number("model", "d_model", "Width (d_model)", "int", [8, 768], false, "Width of the residual stream.", ["t5"]),
  choice("objective", "objective", "Objective", [...new Set(Object.values(OBJECTIVES).flat())], "What the model learns to do."),
  number("objective", "mask_rate", "Share of noise", "float", [0.001, 0.999], false, "Share of the tokens that are hidden.", ["bert", "t5"]),
  number("model", "context", "Context length", "int", [4, 512], false, "Tokens the model sees at once."),
  choice("model", "norm", "Layer normalization", ["pre", "post"], "Before or after each sublayer."),
  choice("model", "activation_function", "Activation", ["gelu_new", "gelu", "relu"], "Nonlinearity of the feed-forward layers."),
  number("model", "dropout", "Dropout", "float", [0, 0.9], false, "Share of activations zeroed in training."),
  number("optimizer", "lr", "Learning rate", "float", [1e-6, 10], true, "Step size of AdamW."),
  number("optimizer", "batch", "Batch size", "int", [1, 512], false, "Sequences per step."),
  number("optimizer", "steps", "Steps", "int", [1, 100000], false, "Length of the run."),
  choice("optimizer", "schedule", "Learning-rate schedule", ["constant", "linear", "cosine"], "Course of the learning rate after warm-up."),
  number("optimizer", "warmup", "Warm-up steps", "int", [0, 10000], false, "Steps over which the learning rate rises."),
  number("optimizer", "min_lr", "Final learning rate", "float", [0, 1], false, "Where linear and cosine schedules end."),
  number("optimizer", "weight_decay", "Weight decay", "float", [0, 1], true, "Decoupled decay."),
  number("optimizer", "clip", "Gradient clipping (max norm)", "float", [0, 10], true, "0 turns clipping off."),
  number("optimizer", "beta1", "Beta 1", "float", [0, 0.999], false, "Decay of the first moment."),
  number("optimizer", "beta2", "Beta 2", "float", [0, 0.9999], false, "Decay of the second moment."),
  number("optimizer", "eval_every", "Evaluate every (steps)", "int", [0, 10000], true, "Steps between validation losses."),
];
