/** The three modes and their families as people know them, and which settings hold a family's sizes. */
import type { Architecture, Family, Preset } from "../engine/surface.ts";

export interface Mode {
  architecture: Architecture;
  title: string;
  /** What it is for, in one sentence. */
  use: string;
  families: readonly Family[];
}

export const MODES: readonly Mode[] = [
  {
    architecture: "encoder-only",
    title: "Encoder-only",
    use: "All tokens attend to each other; every one becomes a representation.",
    families: ["bert"],
  },
  {
    architecture: "encoder-decoder",
    title: "Encoder–decoder",
    use: "A decoder writes token by token and attends to everything that the encoder has read.",
    families: ["t5", "bart", "transformer"],
  },
  {
    architecture: "decoder-only",
    title: "Decoder-only",
    use: "Each token attends to itself and the past: what is left without encoder and cross-attention.",
    families: ["gpt2"],
  },
];

export const FAMILY_TITLES: Record<Family, string> = { bert: "BERT", t5: "T5", bart: "BART", transformer: "Original Transformer", gpt2: "GPT" };

interface Sizes {
  encoderLayers?: string;
  decoderLayers?: string;
  encoderHeads?: string;
  decoderHeads?: string;
  width: string;
}

/** The settings that hold the sizes of each family, under Hugging Face's names. */
export const SIZES: Record<Family, Sizes> = {
  bert: { encoderLayers: "num_hidden_layers", encoderHeads: "num_attention_heads", width: "hidden_size" },
  t5: { encoderLayers: "num_layers", decoderLayers: "num_decoder_layers", encoderHeads: "num_heads", decoderHeads: "num_heads", width: "d_model" },
  bart: {
    encoderLayers: "encoder_layers", decoderLayers: "decoder_layers",
    encoderHeads: "encoder_attention_heads", decoderHeads: "decoder_attention_heads", width: "d_model",
  },
  transformer: { encoderLayers: "encoder_layers", decoderLayers: "decoder_layers", encoderHeads: "num_heads", decoderHeads: "num_heads", width: "d_model" },
  gpt2: { decoderLayers: "n_layer", decoderHeads: "n_head", width: "n_embd" },
};

/** The keys of a family's sizes, each once: what people turn first. */
export function sizeKeys(family: Family): string[] {
  const { encoderLayers, decoderLayers, encoderHeads, decoderHeads, width } = SIZES[family];
  return [...new Set([encoderLayers, decoderLayers, encoderHeads, decoderHeads, width])].filter((key) => key !== undefined);
}

export const isFamily = (value: unknown): value is Family => typeof value === "string" && value in SIZES;

export const modeOf = (family: Family): Mode => MODES.find(({ families }) => families.includes(family)) ?? { architecture: "decoder-only", title: "", use: "", families: [] };

/**
 * The preset to go on from when another family is wanted. A text can be read by any family, so its preset stays. A task
 * gives each mode rows of its own: it is kept only where it has them, otherwise the family's first preset takes over.
 */
export function presetFor(family: Family, current: Preset | undefined, presets: readonly Preset[]): Preset | undefined {
  if (current !== undefined && current.data.kind !== "task") return current;
  const own = presets.filter((preset) => preset.family === family);
  return own.find(({ data }) => data.kind === "task" && data.name === current?.data.name) ?? own.find(({ data }) => data.kind !== "task") ?? own[0];
}
