/** Reading an inspection: one head's map, the labels of its axes, and what a cell says in words. */
import type { Inspection } from "../engine/surface.ts";
import type { Cell } from "../draw/layout.ts";
import * as format from "./format.ts";
import { detect, entropy, type HeadPattern, type Pattern } from "./patterns.ts";

/** The map of one head, (query, key), without a copy. */
export function headMap(inspection: Inspection, layer: number, head: number): Float32Array {
  const size = inspection.length * inspection.length;
  const start = (layer * inspection.heads + head) * size;
  return inspection.probs.subarray(start, start + size);
}

export interface HeadFacts {
  pattern: Pattern | undefined;
  entropy: number;
}

const known = new WeakMap<Inspection, HeadFacts[]>();

/** Pattern and entropy of every head, layers by rows; found once for an inspection, however many views ask. */
function allFacts(inspection: Inspection): HeadFacts[] {
  const found = known.get(inspection);
  if (found !== undefined) return found;
  const facts = Array.from({ length: inspection.layers * inspection.heads }, (_, i) => {
    const map = headMap(inspection, Math.floor(i / inspection.heads), i % inspection.heads);
    return { pattern: detect(map, inspection.tokens), entropy: entropy(map, inspection.length) };
  });
  known.set(inspection, facts);
  return facts;
}

export const headFacts = (inspection: Inspection, layer: number, head: number): HeadFacts =>
  allFacts(inspection)[layer * inspection.heads + head] ?? { pattern: undefined, entropy: 0 };

/** The heads whose pattern has a name. */
export const namedHeads = (inspection: Inspection): HeadPattern[] =>
  allFacts(inspection).flatMap(({ pattern }, i) =>
    pattern === undefined ? [] : [{ ...pattern, layer: Math.floor(i / inspection.heads), head: i % inspection.heads }],
  );

export const columnLabels = (inspection: Inspection): string[] => inspection.tokens.map(format.token);

/** A decoder's row carries two tokens: the one at that place and the one it predicts. */
export const rowLabels = (inspection: Inspection): string[] =>
  inspection.tokens.map((label, i) => `${format.token(label)}→${format.token(inspection.targets[i] ?? "")}`);

export const forbidden = (cell: Cell): boolean => cell.key > cell.query;

const shown = (label: string | undefined): string => format.token(label ?? "");

/** One cell as a sentence's worth of words. */
export function cellWords(inspection: Inspection, map: Float32Array, cell: Cell): string {
  const query = `query ${shown(inspection.tokens[cell.query])}, predicting ${shown(inspection.targets[cell.query])}`;
  const key = `key ${shown(inspection.tokens[cell.key])}`;
  const value = forbidden(cell) ? "forbidden, the future" : (map[cell.query * inspection.length + cell.key] ?? 0).toFixed(3);
  return `${query}; ${key}; ${value}`;
}

/** A whole map in a few words, for readers who do not see it. */
export function mapWords(inspection: Inspection, layer: number, head: number): string {
  const map = headMap(inspection, layer, head);
  const { length } = inspection;
  let best: Cell = { query: 0, key: 0 };
  let most = 0;
  for (let query = 1; query < length; query += 1) {
    for (let key = 0; key <= query; key += 1) {
      const p = map[query * length + key] ?? 0;
      if (p > most) {
        most = p;
        best = { query, key };
      }
    }
  }
  const { pattern, entropy: spread } = headFacts(inspection, layer, head);
  const kind = pattern === undefined ? "No named pattern" : `Pattern: ${pattern.name}, score ${pattern.score.toFixed(2)}`;
  const strongest = length > 1 ? ` Strongest: ${cellWords(inspection, map, best)}.` : "";
  return (
    `Causal self-attention, layer ${layer + 1}, head ${head + 1}, step ${inspection.step}. ${kind}. ` +
    `Normalized entropy ${spread.toFixed(2)}.${strongest}`
  );
}
