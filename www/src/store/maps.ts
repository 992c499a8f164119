/** Reading an inspection: one head's map, the labels of its axes, and what a cell says in words. */
import type { Inspection, Predicted, Stage, StageName } from "../engine/surface.ts";
import { allowedKeys, forbidden, weightAt, type Cell, type HeadMap } from "../draw/layout.ts";
import * as format from "./format.ts";
import { detect, entropy, type HeadPattern, type MapTokens, type Pattern } from "./patterns.ts";

export interface HeadFacts {
  pattern: Pattern | undefined;
  entropy: number;
}

/** One kind of attention with everything that a view of it needs. Made once for an inspection, however many views ask. */
export interface StageView {
  name: StageName;
  title: string;
  layers: number;
  heads: number;
  queries: number;
  keys: number;
  causal: boolean;
  step: number;
  tokens: MapTokens;
  /** Axis labels as they are painted. */
  rows: string[];
  columns: string[];
  map: (layer: number, head: number) => HeadMap;
  /** Pattern and entropy, layers by rows. */
  facts: HeadFacts[];
}

export const STAGE_TITLES: Record<StageName, string> = {
  encoder: "Encoder self-attention",
  decoder: "Decoder self-attention",
  cross: "Cross-attention",
};

/** Whether later keys are forbidden: read off the weights, for a prefix may be visible to a decoder as a whole. */
function isCausal({ name, queries, keys, probs }: Stage): boolean {
  if (name !== "decoder") return false;
  for (let query = 0; query < queries; query += 1) {
    for (let key = query + 1; key < keys; key += 1) if (probs[query * keys + key] !== 0) return false;
  }
  return true;
}

/** What each position is to predict; after the last token of a text, what the model finds likeliest. */
function predictedBy(predictions: readonly Predicted[], rows: number): (string | undefined)[] {
  const labels = new Array<string | undefined>(rows).fill(undefined);
  for (const { position, expected, next } of predictions) if (position < rows) labels[position] = expected ?? next[0]?.token;
  return labels;
}

const known = new WeakMap<Inspection, StageView[]>();

/** The stages of an inspection, in the order of the data. */
export function stagesOf(inspection: Inspection): StageView[] {
  let views = known.get(inspection);
  if (views === undefined) {
    const order: StageName[] = ["encoder", "cross", "decoder"];
    const sorted = [...inspection.stages].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    views = sorted.map((stage) => viewOf(inspection, stage));
    known.set(inspection, views);
  }
  return views;
}

function viewOf(inspection: Inspection, stage: Stage): StageView {
  const { name, layers, heads, queries, keys, probs } = stage;
  const two = inspection.decoder_tokens.length > 0;
  const rowTokens = two && name !== "encoder" ? inspection.decoder_tokens : inspection.tokens;
  const columnTokens = two && name === "decoder" ? inspection.decoder_tokens : inspection.tokens;
  // In an encoder beside a decoder no position predicts anything.
  const expected = predictedBy(two && name === "encoder" ? [] : inspection.predictions, queries);
  const causal = isCausal(stage);
  const size = queries * keys;
  const map = (layer: number, head: number): HeadMap => {
    const start = (layer * heads + head) * size;
    return { values: probs.subarray(start, start + size), queries, keys, causal };
  };
  const tokens: MapTokens = { rows: rowTokens, columns: columnTokens, expected };
  const facts = Array.from({ length: layers * heads }, (_, i) => {
    const one = map(Math.floor(i / heads), i % heads);
    return { pattern: detect(name, one, tokens), entropy: entropy(one) };
  });
  const rows = rowTokens.map((token, i) => {
    const label = format.token(token);
    const next = expected[i];
    return next === undefined ? label : `${label}→${format.token(next)}`;
  });
  return { name, title: STAGE_TITLES[name], layers, heads, queries, keys, causal, step: inspection.step, tokens, rows, columns: columnTokens.map(format.token), map, facts };
}

export const factsOf = (stage: StageView, layer: number, head: number): HeadFacts =>
  stage.facts[layer * stage.heads + head] ?? { pattern: undefined, entropy: 0 };

/** The heads whose pattern has a name. */
export const namedHeads = (inspection: Inspection): HeadPattern[] =>
  stagesOf(inspection).flatMap(({ name, heads, facts }) =>
    facts.flatMap(({ pattern }, i) => (pattern === undefined ? [] : [{ ...pattern, stage: name, layer: Math.floor(i / heads), head: i % heads }])),
  );

/** One cell as a sentence's worth of words. */
export function cellWords(stage: StageView, map: HeadMap, cell: Cell): string {
  const next = stage.tokens.expected[cell.query];
  const query = `query ${format.token(stage.tokens.rows[cell.query] ?? "")}${next === undefined ? "" : `, predicting ${format.token(next)}`}`;
  const key = `key ${format.token(stage.tokens.columns[cell.key] ?? "")}`;
  return `${query}; ${key}; ${forbidden(map, cell) ? "forbidden, the future" : weightAt(map, cell).toFixed(3)}`;
}

/** A whole map in a few words, for readers who do not see it. */
export function mapWords(stage: StageView, layer: number, head: number): string {
  const map = stage.map(layer, head);
  let best: Cell | undefined;
  for (let query = 0; query < map.queries; query += 1) {
    const allowed = allowedKeys(map, query);
    for (let key = 0; key < allowed && allowed > 1; key += 1) {
      if (best === undefined || weightAt(map, { query, key }) > weightAt(map, best)) best = { query, key };
    }
  }
  const { pattern, entropy: spread } = factsOf(stage, layer, head);
  const kind = pattern === undefined ? "No named pattern" : `Pattern: ${pattern.name}, score ${pattern.score.toFixed(2)}`;
  const strongest = best === undefined ? "" : ` Strongest: ${cellWords(stage, map, best)}.`;
  return (
    `${stage.title}${stage.causal ? " with a causal mask" : ""}, layer ${layer + 1}, head ${head + 1}, step ${stage.step}. ${kind}. ` +
    `Normalized entropy ${spread.toFixed(2)}.${strongest}`
  );
}
