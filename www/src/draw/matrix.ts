/**
 * Paints maps on a canvas: small tiles, and the large map with its axes, hatch and crosshair. Every function paints from
 * its arguments alone, in CSS pixels; the caller has scaled the context to the screen's pixels.
 */
import type { Cell, Extent, Layout } from "./layout.ts";

/** Colors that come from the page's tokens. */
export interface Inks {
  text: string;
  muted: string;
  hatch: string;
  hatchGround: string;
  accent: string;
  ground: string;
  font: string;
}

export type Context = CanvasRenderingContext2D;
export type Picture = CanvasImageSource;

/** Hatches the forbidden upper triangle as one area, so that the lines run on across cells. */
export function hatch(context: Context, inks: Inks, x: number, y: number, cell: number, length: number, spacing: number): void {
  const size = cell * length;
  context.save();
  context.beginPath();
  for (let query = 0; query < length - 1; query += 1) {
    context.rect(x + (query + 1) * cell, y + query * cell, size - (query + 1) * cell, cell);
  }
  context.clip();
  context.fillStyle = inks.hatchGround;
  context.fillRect(x, y, size, size);
  context.strokeStyle = inks.hatch;
  context.lineWidth = 1;
  context.beginPath();
  for (let offset = spacing; offset < 2 * size; offset += spacing) {
    context.moveTo(x + offset, y);
    context.lineTo(x + offset - size, y + size);
  }
  context.stroke();
  context.restore();
}

/** A thumbnail of a map; `hatched` where the later keys are forbidden and the mask is to be seen. */
export function paintTile(context: Context, picture: Picture, inks: Inks, size: { width: number; height: number }, extent: Extent, hatched: boolean): void {
  context.clearRect(0, 0, size.width, size.height);
  if (hatched) hatch(context, inks, 0, 0, size.width / extent.keys, extent.queries, 5);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, size.width, size.height);
}

export interface MatrixView {
  layout: Layout;
  picture: Picture;
  rows: readonly string[];
  columns: readonly string[];
  /** The later keys are forbidden. */
  causal: boolean;
  mask: boolean;
  cursor: Cell | undefined;
  pinned: boolean;
}

export function paintMatrix(context: Context, view: MatrixView, inks: Inks): void {
  const { layout } = view;
  context.clearRect(0, 0, layout.width, layout.height);
  if (view.mask && view.causal) hatch(context, inks, layout.left, layout.top, layout.cell, layout.queries, 7);
  context.imageSmoothingEnabled = false;
  context.drawImage(view.picture, layout.left, layout.top, layout.cell * layout.keys, layout.cell * layout.queries);
  if (layout.cell >= 12) rule(context, layout, view.causal, inks);
  label(context, view, inks);
  if (view.cursor !== undefined) crosshair(context, view, view.cursor, inks);
}

/** Lines the color of the page between cells; under a causal mask they stop at the diagonal, so that the hatched area stays one. */
function rule(context: Context, layout: Layout, causal: boolean, inks: Inks): void {
  const { left, top, cell } = layout;
  const [width, height] = [cell * layout.keys, cell * layout.queries];
  context.strokeStyle = inks.ground;
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 0; i <= layout.queries; i += 1) {
    context.moveTo(left, top + i * cell);
    context.lineTo(left + (causal ? Math.min(width, (i + 1) * cell) : width), top + i * cell);
  }
  for (let i = 0; i <= layout.keys; i += 1) {
    context.moveTo(left + i * cell, top + (causal ? Math.max(0, (i - 1) * cell) : 0));
    context.lineTo(left + i * cell, top + height);
  }
  context.stroke();
}

function label(context: Context, view: MatrixView, inks: Inks): void {
  const { layout, cursor } = view;
  context.font = inks.font;
  context.textBaseline = "middle";
  /** Every label that has room, and always the cursor's, which keeps its neighbors away. */
  const shown = (i: number, at: number | undefined): boolean =>
    i === at || (i % layout.every === 0 && (at === undefined || Math.abs(at - i) >= layout.every));
  const ink = (i: number, at: number | undefined): string => (i === at ? inks.accent : inks.text);
  for (let i = 0; i < layout.queries; i += 1) {
    if (!shown(i, cursor?.query)) continue;
    context.fillStyle = ink(i, cursor?.query);
    context.textAlign = "right";
    context.fillText(view.rows[i] ?? "", layout.left - 7, layout.top + (i + 0.5) * layout.cell, layout.left - 8);
  }
  for (let i = 0; i < layout.keys; i += 1) {
    if (!shown(i, cursor?.key)) continue;
    context.fillStyle = ink(i, cursor?.key);
    context.save();
    context.translate(layout.left + (i + 0.5) * layout.cell, layout.top - 7);
    if (layout.upright) {
      context.rotate(-Math.PI / 2);
      context.textAlign = "left";
      context.fillText(view.columns[i] ?? "", 0, 0, layout.top - 8);
    } else {
      context.textAlign = "center";
      context.fillText(view.columns[i] ?? "", 0, -4);
    }
    context.restore();
  }
}

function crosshair(context: Context, view: MatrixView, cursor: Cell, inks: Inks): void {
  const { layout } = view;
  const x = layout.left + cursor.key * layout.cell;
  const y = layout.top + cursor.query * layout.cell;
  context.strokeStyle = inks.accent;
  context.globalAlpha = 0.55;
  context.lineWidth = 1;
  context.strokeRect(layout.left + 0.5, y + 0.5, layout.cell * layout.keys - 1, layout.cell - 1);
  context.strokeRect(x + 0.5, layout.top + 0.5, layout.cell - 1, layout.cell * layout.queries - 1);
  context.globalAlpha = 1;
  context.lineWidth = view.pinned ? 3 : 2;
  context.strokeRect(x, y, layout.cell, layout.cell);
}
