/** The map of masks of an inspection: every kind of attention in one grid, for one head or as the mean over heads. */
import type { Block, Figure } from "../draw/figure.ts";
import type { HeadMap } from "../draw/layout.ts";
import type { Inspection, Shown, StageName } from "../engine/surface.ts";
import * as format from "./format.ts";
import { stagesOf, type StageView } from "./maps.ts";

/** The mean over all layers and heads; `undefined` takes the head at a place, as far as a stage has it. */
export type Heads = { layer: number; head: number } | "mean";

function mapOf(stage: StageView, heads: Heads): HeadMap {
  if (heads !== "mean") return stage.map(Math.min(heads.layer, stage.layers - 1), Math.min(heads.head, stage.heads - 1));
  const values = new Float32Array(stage.queries * stage.keys);
  const count = stage.layers * stage.heads;
  for (let i = 0; i < count; i += 1) {
    const one = stage.map(Math.floor(i / stage.heads), i % stage.heads).values;
    for (let at = 0; at < values.length; at += 1) values[at] = (values[at] ?? 0) + (one[at] ?? 0) / count;
  }
  return { values, queries: stage.queries, keys: stage.keys, causal: stage.causal };
}

/** Rows are what comes out (the text that an encoder restores, the tokens that a decoder writes), columns what goes in. */
export function figureOf(inspection: Inspection, shown: Shown | undefined, heads: Heads): Figure<StageName> {
  const stages = stagesOf(inspection);
  const n = inspection.tokens.length;
  const alone = stages.length === 1;
  const blocks = stages.map((stage): Block<StageName> => {
    const row = stage.name === "encoder" || alone ? 0 : n;
    const column = stage.name === "decoder" && !alone ? n : 0;
    return { name: stage.name, map: mapOf(stage, heads), row, column };
  });
  const written = (stage: StageView): string[] => stage.tokens.rows.map((token, i) => stage.tokens.expected[i] ?? token);
  const restored = shown !== undefined && shown.input.length === n && shown.target.length === n ? shown.target : inspection.tokens;
  const decoder = stages.find(({ name }) => name === "decoder");
  const rows = decoder === undefined || (alone && restored !== inspection.tokens) ? restored : alone ? written(decoder) : [...inspection.tokens, ...written(decoder)];
  return { blocks, rows: rows.map(format.token), columns: [...inspection.tokens, ...inspection.decoder_tokens].map(format.token) };
}

const SHAPES: Record<StageName, string> = {
  encoder: "a full square: every input token attends to every other",
  cross: "a full rectangle: every output token attends to every input token",
  decoder: "a triangle: every output token attends to itself and those before it",
};

/** The picture in words. */
export function figureWords(inspection: Inspection): string {
  const parts = stagesOf(inspection).map(({ name, title, causal, queries, keys }) => `${title}, ${queries} by ${keys}, ${name === "decoder" && !causal ? "a full square" : SHAPES[name]}`);
  return `Map of masks at step ${inspection.step}, first token at the bottom. ${parts.join(". ")}.`;
}
