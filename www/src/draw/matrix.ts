/**
 * Paints maps on a canvas: small tiles, and the large map with its axes, hatch and crosshair. Every function paints from
 * its arguments alone, in CSS pixels; the caller has scaled the context to the screen's pixels.
 */
import type { Cell, Layout } from "./layout.ts";

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

/** A square thumbnail of a map. */
export function paintTile(context: Context, picture: Picture, inks: Inks, size: number, length: number, mask: boolean): void {
  context.clearRect(0, 0, size, size);
  if (mask) hatch(context, inks, 0, 0, size / length, length, 5);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, size, size);
}

export interface MatrixView {
  layout: Layout;
  picture: Picture;
  rows: readonly string[];
  columns: readonly string[];
  mask: boolean;
  cursor: Cell | undefined;
  pinned: boolean;
}

export function paintMatrix(context: Context, view: MatrixView, inks: Inks): void {
  const { layout } = view;
  const size = layout.cell * layout.length;
  context.clearRect(0, 0, layout.width, layout.height);
  if (view.mask) hatch(context, inks, layout.left, layout.top, layout.cell, layout.length, 7);
  context.imageSmoothingEnabled = false;
  context.drawImage(view.picture, layout.left, layout.top, size, size);
  if (layout.cell >= 12) rule(context, layout, inks);
  label(context, view, inks);
  if (view.cursor !== undefined) crosshair(context, view, view.cursor, inks);
}

/** Lines the color of the page between cells. */
function rule(context: Context, layout: Layout, inks: Inks): void {
  const size = layout.cell * layout.length;
  context.strokeStyle = inks.ground;
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 0; i <= layout.length; i += 1) {
    const at = i * layout.cell;
    // The lines stop at the diagonal: the hatched area stays one.
    const row = Math.min(size, at + layout.cell);
    context.moveTo(layout.left, layout.top + at);
    context.lineTo(layout.left + Math.min(size, row), layout.top + at);
    context.moveTo(layout.left + at, layout.top + Math.max(0, at - layout.cell));
    context.lineTo(layout.left + at, layout.top + size);
  }
  context.stroke();
}

function label(context: Context, view: MatrixView, inks: Inks): void {
  const { layout, cursor } = view;
  context.font = inks.font;
  context.textBaseline = "middle";
  for (let i = 0; i < layout.length; i += 1) {
    const shown = i % layout.every === 0;
    const middle = (i + 0.5) * layout.cell;
    const near = (index: number | undefined): boolean => index === i;
    const crowded = (index: number | undefined): boolean => index !== undefined && !near(index) && Math.abs(index - i) < layout.every;
    if ((shown && !crowded(cursor?.query)) || near(cursor?.query)) {
      context.fillStyle = near(cursor?.query) ? inks.accent : inks.text;
      context.textAlign = "right";
      context.fillText(view.rows[i] ?? "", layout.left - 7, layout.top + middle, layout.left - 8);
    }
    if ((shown && !crowded(cursor?.key)) || near(cursor?.key)) {
      context.fillStyle = near(cursor?.key) ? inks.accent : inks.text;
      context.save();
      context.translate(layout.left + middle, layout.top - 7);
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
}

function crosshair(context: Context, view: MatrixView, cursor: Cell, inks: Inks): void {
  const { layout } = view;
  const size = layout.cell * layout.length;
  const x = layout.left + cursor.key * layout.cell;
  const y = layout.top + cursor.query * layout.cell;
  context.strokeStyle = inks.accent;
  context.globalAlpha = 0.55;
  context.lineWidth = 1;
  context.strokeRect(layout.left + 0.5, y + 0.5, size - 1, layout.cell - 1);
  context.strokeRect(x + 0.5, layout.top + 0.5, layout.cell - 1, size - 1);
  context.globalAlpha = 1;
  context.lineWidth = view.pinned ? 3 : 2;
  context.strokeRect(x, y, layout.cell, layout.cell);
}
