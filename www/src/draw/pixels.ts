/** A map as pixels, one per cell: the picture that tiles and large maps scale up. Pure: numbers in, bytes out. */
import { level, table, type Theme } from "./color.ts";
import { place, type ScaleName } from "./scale.ts";

/**
 * RGBA bytes of a causal map, row = query. A forbidden cell stays transparent, so that the hatch under it shows and "0
 * because forbidden" never looks like "0 because learned".
 */
export function mapPixels(map: ArrayLike<number>, length: number, scale: ScaleName, theme: Theme): Uint8ClampedArray<ArrayBuffer> {
  const colors = table(theme);
  const bytes = new Uint8ClampedArray(length * length * 4);
  for (let query = 0; query < length; query += 1) {
    for (let key = 0; key <= query; key += 1) {
      const cell = query * length + key;
      const color = colors[level(place(scale, map[cell] ?? 0))] ?? [0, 0, 0];
      bytes[cell * 4] = color[0];
      bytes[cell * 4 + 1] = color[1];
      bytes[cell * 4 + 2] = color[2];
      bytes[cell * 4 + 3] = 255;
    }
  }
  return bytes;
}
