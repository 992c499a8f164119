/** Where the cells of a large map lie, and which cell a pointer is over. Lengths are CSS pixels. */

export interface Layout {
  length: number;
  cell: number;
  left: number;
  top: number;
  /** Column labels stand upright when they are wider than a cell. */
  upright: boolean;
  /** Every how many cells an axis is labeled. */
  every: number;
  width: number;
  height: number;
}

export interface Cell {
  query: number;
  key: number;
}

export interface LabelSizes {
  /** Widest row label. */
  row: number;
  /** Widest column label. */
  column: number;
  /** Height of a line of labels. */
  line: number;
}

const GAP = 8;
const MIN_CELL = 5;
const MAX_CELL = 46;
const MAX_LABEL = 92;

/** Fits a map of `length` tokens into a width; it grows beyond the width only where cells would become too small to see. */
export function layoutFor(length: number, available: number, labels: LabelSizes): Layout {
  const left = Math.min(MAX_LABEL, labels.row) + GAP;
  const cell = Math.max(MIN_CELL, Math.min(MAX_CELL, Math.floor((available - left - 1) / Math.max(1, length))));
  const upright = labels.column > cell - 2;
  const top = (upright ? Math.min(MAX_LABEL, labels.column) : labels.line) + GAP;
  const every = Math.max(1, Math.ceil(labels.line / cell));
  return { length, cell, left, top, upright, every, width: left + cell * length + 1, height: top + cell * length + 1 };
}

export function cellAt(layout: Layout, x: number, y: number): Cell | undefined {
  const key = Math.floor((x - layout.left) / layout.cell);
  const query = Math.floor((y - layout.top) / layout.cell);
  const inside = key >= 0 && query >= 0 && key < layout.length && query < layout.length;
  return inside ? { query, key } : undefined;
}

/** Where an arrow key, Home or End takes the cursor; undefined for any other key. */
export function moved(cell: Cell, key: string, length: number): Cell | undefined {
  const clamp = (value: number): number => Math.min(length - 1, Math.max(0, value));
  switch (key) {
    case "ArrowUp":
      return { ...cell, query: clamp(cell.query - 1) };
    case "ArrowDown":
      return { ...cell, query: clamp(cell.query + 1) };
    case "ArrowLeft":
      return { ...cell, key: clamp(cell.key - 1) };
    case "ArrowRight":
      return { ...cell, key: clamp(cell.key + 1) };
    case "Home":
      return { ...cell, key: 0 };
    case "End":
      return { ...cell, key: cell.query };
    default:
      return undefined;
  }
}
