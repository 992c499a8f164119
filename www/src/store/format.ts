/** Numbers, times and sizes as people read them. One place, so that every panel writes them alike. */
import type { Value } from "../engine/surface.ts";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

export const count = (value: number): string => (value < 10_000 ? whole.format(value).replace(",", " ") : compact.format(value));

/** Thousands separated by a thin space: "1 240". */
export const steps = (value: number): string => whole.format(value).replaceAll(",", " ");

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let size = value / 1024;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size < 10 ? size.toFixed(1) : size.toFixed(0)} ${units[unit] ?? ""}`;
}

/** Minutes and seconds, hours when there are any. */
export function duration(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const pad = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(total % 60)}` : `${pad(minutes)}:${pad(total % 60)}`;
}

export const rate = (value: number): string => (value >= 100 ? count(Math.round(value)) : value.toFixed(value < 10 ? 1 : 0));

export const loss = (value: number): string => (Number.isFinite(value) ? value.toFixed(value < 0.1 ? 4 : 3) : String(value));

/** A small number by its size: "1.2e-7". */
export const small = (value: number): string => (value === 0 ? "0" : Number.isFinite(value) ? value.toExponential(1).replace(/\.0(?=e)/, "") : "no number");

export const percent = (share: number): string => `${(share * 100).toFixed(share > 0.999 && share < 1 ? 2 : 1)} %`;

/** A setting's value as the page shows it: no trailing zeros, exponents where zeros would pile up. */
export function setting(value: Value): string {
  if (value === null) return "auto";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string") return choice(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e6 ? value.toExponential().replace("e+", "e") : String(Number(value.toPrecision(6)));
}

/** Words of the engine that people write otherwise. */
const WORDS: Partial<Record<string, string>> = {
  adamw: "AdamW", sgd: "SGD", adafactor: "Adafactor", lion: "Lion", muon: "Muon",
  inverse_sqrt: "inverse square root", wsd: "warm-up, stable, decay", bpe: "BPE", wordpiece: "WordPiece", unigram: "Unigram",
};

/** A choice as the page shows it. */
export const choice = (name: string): string => WORDS[name] ?? name;

/** A head by the names of its tile: counted from 1. */
export const headName = ({ layer, head }: { layer: number; head: number }): string => `Layer ${layer + 1}, head ${head + 1}`;

/** Special tokens as textbooks write them, whatever a tokenizer file calls them. */
const SPECIAL: Partial<Record<string, string>> = {
  "[PAD]": "<pad>", "[UNK]": "<unk>", "[CLS]": "<cls>", "[SEP]": "<sep>", "[MASK]": "<mask>",
  "<s>": "<bos>", "</s>": "<eos>", "<|endoftext|>": "<eos>",
};

/** Sentinels by letters: X, Y, Z, and then numbers. */
const SENTINELS = ["<X>", "<Y>", "<Z>"];

const sentinel = (number: number): string => SENTINELS[number] ?? `<S${number + 1}>`;

/** A text that a model has written, with the sentinels in it by the names that people know. */
export const written = (text: string): string => text.replaceAll(/<extra_id_(\d+)>/g, (_, number: string) => sentinel(Number(number)));

/** A token's label: what would be invisible gets a sign, special tokens the names that people know. */
export function token(label: string): string {
  if (label === " ") return "␣";
  if (/^<extra_id_\d+>$/.test(label)) return written(label);
  return SPECIAL[label] ?? label.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replaceAll("\r", "␍");
}
