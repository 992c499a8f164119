/** Where the cells of a large map lie, and which cell a pointer is over. Lengths are CSS pixels. */

/** Rows and columns of a map. */
export interface Extent {
  queries: number;
  keys: number;
}

/** The map of one head, row = query. */
export interface HeadMap extends Extent {
  /** Weights, (queries, keys). */
  values: Float32Array;
  /** A query sees no later key: those cells are forbidden. */
  causal: boolean;
}

export interface Layout extends Extent {
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

/** How many keys a query may attend to. */
export const allowedKeys = ({ causal, keys }: HeadMap, query: number): number => (causal ? Math.min(keys, query + 1) : keys);

/** The cell is one that the mask forbids. */
export const forbidden = (map: HeadMap, cell: Cell): boolean => cell.key >= allowedKeys(map, cell.query);

export const weightAt = ({ values, keys }: HeadMap, { query, key }: Cell): number => values[query * keys + key] ?? 0;

/** Fits a map into a width; it grows beyond the width only where cells would become too small to see. */
export function layoutFor({ queries, keys }: Extent, available: number, labels: LabelSizes): Layout {
  const left = Math.min(MAX_LABEL, labels.row) + GAP;
  const cell = Math.max(MIN_CELL, Math.min(MAX_CELL, Math.floor((available - left - 1) / Math.max(1, keys))));
  const upright = labels.column > cell - 2;
  const top = (upright ? Math.min(MAX_LABEL, labels.column) : labels.line) + GAP;
  const every = Math.max(1, Math.ceil(labels.line / cell));
  return { queries, keys, cell, left, top, upright, every, width: left + cell * keys + 1, height: top + cell * queries + 1 };
}

export function cellAt(layout: Layout, x: number, y: number): Cell | undefined {
  const key = Math.floor((x - layout.left) / layout.cell);
  const query = Math.floor((y - layout.top) / layout.cell);
  const inside = key >= 0 && query >= 0 && key < layout.keys && query < layout.queries;
  return inside ? { query, key } : undefined;
}

/** Where an arrow key, Home or End takes the cursor; undefined for any other key. End is the last key that the query may see. */
export function moved(cell: Cell, key: string, map: HeadMap): Cell | undefined {
  const row = (value: number): number => Math.min(map.queries - 1, Math.max(0, value));
  const column = (value: number): number => Math.min(map.keys - 1, Math.max(0, value));
  switch (key) {
    case "ArrowUp":
      return { ...cell, query: row(cell.query - 1) };
    case "ArrowDown":
      return { ...cell, query: row(cell.query + 1) };
    case "ArrowLeft":
      return { ...cell, key: column(cell.key - 1) };
    case "ArrowRight":
      return { ...cell, key: column(cell.key + 1) };
    case "Home":
      return { ...cell, key: 0 };
    case "End":
      return { ...cell, key: allowedKeys(map, cell.query) - 1 };
    default:
      return undefined;
  }
}
