/** A map as pixels, one per cell: the picture that tiles and large maps scale up. Pure: numbers in, bytes out. */
import { level, table, type Theme } from "./color.ts";
import { allowedKeys, weightAt, type HeadMap } from "./layout.ts";
import { place, type ScaleName } from "./scale.ts";

/**
 * RGBA bytes of a map, row = query. A forbidden cell stays transparent, so that the hatch under it shows and "0 because
 * forbidden" never looks like "0 because learned".
 */
export function mapPixels(map: HeadMap, scale: ScaleName, theme: Theme): Uint8ClampedArray<ArrayBuffer> {
  const colors = table(theme);
  const bytes = new Uint8ClampedArray(map.queries * map.keys * 4);
  for (let query = 0; query < map.queries; query += 1) {
    for (let key = 0; key < allowedKeys(map, query); key += 1) {
      const cell = (query * map.keys + key) * 4;
      const color = colors[level(place(scale, weightAt(map, { query, key })))] ?? [0, 0, 0];
      bytes[cell] = color[0];
      bytes[cell + 1] = color[1];
      bytes[cell + 2] = color[2];
      bytes[cell + 3] = 255;
    }
  }
  return bytes;
}
