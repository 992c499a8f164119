/**
 * The map of masks, drawn as textbooks draw it (D2L 11.9): queries upward with the first token at the bottom, keys to the
 * right. A model with two stacks is one grid of n + m tokens: the encoder's square lower left, above it the decoder's view
 * of the encoder, to its right the decoder's triangle; the lower right corner stays empty, for no input attends to an output.
 */
import { table, type Theme } from "./color.ts";
import { allowedKeys, weightAt, type Cell, type HeadMap } from "./layout.ts";
import type { Context, Inks } from "./matrix.ts";
import { place, type ScaleName } from "./scale.ts";

export interface Block<Name extends string = string> {
  name: Name;
  map: HeadMap;
  /** First row counted from the bottom, and first column. */
  row: number;
  column: number;
}

export interface Figure<Name extends string = string> {
  blocks: Block<Name>[];
  /** From the bottom. */
  rows: string[];
  columns: string[];
}

export interface FigureLayout {
  size: number;
  cell: number;
  left: number;
  width: number;
  height: number;
}

const MAX_CELL = 40;
const MIN_CELL = 9;

/** Fits a figure of `size` tokens a side into a width; both margins hold a label, the lower one upright. */
export function figureLayout(size: number, available: number, label: number): FigureLayout {
  const left = Math.min(96, label) + 10;
  const cell = Math.max(MIN_CELL, Math.min(MAX_CELL, Math.floor((available - left - 2) / Math.max(1, size))));
  return { size, cell, left, width: left + size * cell + 2, height: size * cell + left + 2 };
}

/** The block and its cell under a point. */
export function blockAt<Name extends string>(figure: Figure<Name>, layout: FigureLayout, x: number, y: number): { block: Block<Name>; cell: Cell } | undefined {
  const column = Math.floor((x - layout.left) / layout.cell);
  const row = layout.size - 1 - Math.floor((y - 1) / layout.cell);
  for (const block of figure.blocks) {
    const cell = { query: row - block.row, key: column - block.column };
    if (cell.query >= 0 && cell.key >= 0 && cell.query < block.map.queries && cell.key < block.map.keys) return { block, cell };
  }
  return undefined;
}

/** Allowed cells in gray, and over them the weights: the deeper the color, the larger. */
export function paintFigure(context: Context, figure: Figure, layout: FigureLayout, inks: Inks, scale: ScaleName, theme: Theme): void {
  const { size, cell, left } = layout;
  const [r, g, b] = table(theme)[255] ?? [0, 0, 0];
  const y = (row: number): number => 1 + (size - 1 - row) * cell;
  context.clearRect(0, 0, layout.width, layout.height);
  for (const { map, row, column } of figure.blocks) {
    for (let query = 0; query < map.queries; query += 1) {
      for (let key = 0; key < allowedKeys(map, query); key += 1) {
        const at: [number, number, number, number] = [left + (column + key) * cell + 1.5, y(row + query) + 1.5, cell - 3, cell - 3];
        context.fillStyle = inks.hatchGround;
        context.fillRect(...at);
        context.fillStyle = `rgb(${r} ${g} ${b} / ${place(scale, weightAt(map, { query, key })).toFixed(3)})`;
        context.fillRect(...at);
        context.strokeStyle = inks.hatch;
        context.lineWidth = 1;
        context.strokeRect(at[0], at[1], at[2], at[3]);
      }
    }
  }
  // Where the encoder's tokens end and the decoder's begin.
  const first = figure.blocks.reduce((most, { row }) => Math.max(most, row), 0);
  if (first > 0) {
    context.strokeStyle = inks.muted;
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(left, y(first - 1));
    context.lineTo(left + size * cell, y(first - 1));
    context.moveTo(left + first * cell, 1);
    context.lineTo(left + first * cell, 1 + size * cell);
    context.stroke();
    context.setLineDash([]);
  }
  context.strokeStyle = inks.text;
  context.beginPath();
  context.moveTo(left - 1, 0);
  context.lineTo(left - 1, size * cell + 2);
  context.lineTo(layout.width, size * cell + 2);
  context.stroke();
  context.font = inks.font;
  context.fillStyle = inks.text;
  context.textBaseline = "middle";
  for (let i = 0; i < size; i += 1) {
    context.textAlign = "right";
    context.fillText(figure.rows[i] ?? "", left - 8, y(i) + cell / 2, left - 9);
    context.save();
    context.translate(left + (i + 0.5) * cell, size * cell + 8);
    context.rotate(-Math.PI / 2);
    context.fillText(figure.columns[i] ?? "", 0, 0, left - 10);
    context.restore();
  }
}
