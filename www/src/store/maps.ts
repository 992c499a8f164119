/** Reading an inspection: one head's map, the labels of its axes, and what a cell says in words. */
import type { Inspection } from "../engine/surface.ts";
import type { Cell } from "../draw/layout.ts";
import * as format from "./format.ts";
import { detect, entropy } from "./patterns.ts";

/** The map of one head, (query, key), without a copy. */
export function headMap(inspection: Inspection, layer: number, head: number): Float32Array {
  const size = inspection.length * inspection.length;
  const start = (layer * inspection.heads + head) * size;
  return inspection.probs.subarray(start, start + size);
}

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
  const pattern = detect(map, inspection.tokens);
  const kind = pattern === undefined ? "No named pattern" : `Pattern: ${pattern.name}, score ${pattern.score.toFixed(2)}`;
  const strongest = length > 1 ? ` Strongest: ${cellWords(inspection, map, best)}.` : "";
  return (
    `Causal self-attention, layer ${layer + 1}, head ${head + 1}, step ${inspection.step}. ${kind}. ` +
    `Normalized entropy ${entropy(map, length).toFixed(2)}.${strongest}`
  );
}
