/**
 * A slider's travel for a knob: even steps for counts, even ratios where the useful range spans orders of magnitude.
 *
 * A slider covers what is worth trying; the field beside it takes everything that the engine accepts. A knob without a
 * useful range has a field only.
 */
import type { Knob } from "../engine/surface.ts";

export const TRAVEL = 1000;

export interface Dial {
  min: number;
  max: number;
  /** Distance of neighboring values; 0 for a dial that moves in ratios. */
  step: number;
}

const share = { min: 0, max: 0.6, step: 0.05 };

const layers = { min: 1, max: 12, step: 1 };
const heads = { min: 1, max: 12, step: 1 };
const width = { min: 8, max: 512, step: 8 };

const DIALS: Partial<Record<string, Dial>> = {
  context: { min: 8, max: 512, step: 8 },
  bpe_vocab: { min: 260, max: 8192, step: 0 },
  n_layer: layers,
  num_hidden_layers: layers,
  num_layers: layers,
  encoder_layers: layers,
  decoder_layers: layers,
  n_head: heads,
  num_attention_heads: heads,
  num_heads: heads,
  encoder_attention_heads: heads,
  decoder_attention_heads: heads,
  n_embd: width,
  hidden_size: width,
  d_model: width,
  mask_rate: { min: 0, max: 0.95, step: 0.05 },
  mean_span: { min: 1, max: 8, step: 0.5 },
  permute: { min: 0, max: 1, step: 0.05 },
  mask_tokens: { min: 0, max: 0.9, step: 0.05 },
  delete_tokens: { min: 0, max: 0.9, step: 0.05 },
  insert: { min: 0, max: 0.9, step: 0.05 },
  rotate: { min: 0, max: 1, step: 0.05 },
  label_smoothing: { min: 0, max: 0.5, step: 0.05 },
  decay_fraction: { min: 0, max: 1, step: 0.05 },
  momentum: { min: 0, max: 0.99, step: 0.01 },
  dropout: share,
  dropout_rate: share,
  hidden_dropout_prob: share,
  attention_probs_dropout_prob: share,
  attention_dropout: share,
  activation_dropout: share,
  resid_pdrop: share,
  embd_pdrop: share,
  attn_pdrop: share,
  initializer_range: { min: 0.001, max: 1, step: 0 },
  init_std: { min: 0.001, max: 1, step: 0 },
  batch: { min: 1, max: 512, step: 0 },
  steps: { min: 50, max: 50_000, step: 0 },
  lr: { min: 1e-5, max: 0.1, step: 0 },
  min_lr: { min: 0, max: 0.1, step: 0 },
  warmup: { min: 0, max: 2000, step: 10 },
  beta1: { min: 0, max: 0.99, step: 0.01 },
  beta2: { min: 0.8, max: 0.999, step: 0.001 },
  weight_decay: { min: 0, max: 1, step: 0.01 },
  clip: { min: 0, max: 10, step: 0.1 },
  eval_every: { min: 0, max: 1000, step: 10 },
  eval_batches: { min: 1, max: 64, step: 1 },
};

/** Where a dial of ratios starts after 0. */
const FLOOR = 1e-6;

/** The dial of a knob, inside what the engine accepts. */
export function dialOf(knob: Knob): Dial | undefined {
  const dial = knob.kind === "int" || knob.kind === "float" ? DIALS[knob.key] : undefined;
  return dial === undefined ? undefined : { ...dial, min: Math.max(dial.min, knob.min), max: Math.min(dial.max, knob.max) };
}

const floorOf = (dial: Dial): number => (dial.min > 0 ? dial.min : FLOOR);

/** Where the slider stands for a value, 0 to TRAVEL; a value beyond the dial stands at its end. */
export function toTravel(dial: Dial, value: number): number {
  const inside = Math.min(dial.max, Math.max(dial.min, value));
  if (dial.step > 0) return ((inside - dial.min) / (dial.max - dial.min || 1)) * TRAVEL;
  const floor = floorOf(dial);
  // The lowest place of a range that starts at 0 is 0 itself.
  if (inside < floor) return 0;
  const start = dial.min > 0 ? 0 : 1;
  return start + (Math.log(inside / floor) / Math.log(dial.max / floor)) * (TRAVEL - start);
}

/** The value at a place of the slider, on the dial's grid and inside its range. */
export function fromTravel(dial: Dial, kind: Knob["kind"], travel: number): number {
  if (travel >= TRAVEL) return dial.max;
  const clamp = (value: number): number => Math.min(dial.max, Math.max(dial.min, value));
  if (dial.step > 0) {
    const raw = dial.min + (travel / TRAVEL) * (dial.max - dial.min);
    return clamp(Number((dial.min + Math.round((raw - dial.min) / dial.step) * dial.step).toPrecision(10)));
  }
  const floor = floorOf(dial);
  const start = dial.min > 0 ? 0 : 1;
  if (travel < start) return dial.min;
  const raw = floor * (dial.max / floor) ** ((travel - start) / (TRAVEL - start));
  // Two digits: sliders are for round numbers, the field beside them for any other.
  const rounded = Number(raw.toPrecision(2));
  return clamp(kind === "int" ? Math.round(rounded) : rounded);
}
