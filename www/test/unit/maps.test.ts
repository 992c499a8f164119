/** Attention maps: scales, colors, pixels, layout, names of patterns, and words for cells. */
import { describe, expect, it } from "vitest";
import { colorAt, contrast, luminance, table, type Rgb } from "../../src/draw/color.ts";
import { cellAt, layoutFor, moved } from "../../src/draw/layout.ts";
import { mapPixels } from "../../src/draw/pixels.ts";
import { LOG_FLOOR, place } from "../../src/draw/scale.ts";
import { cellWords, headMap, mapWords, rowLabels } from "../../src/store/maps.ts";
import { detect, entropy, scores } from "../../src/store/patterns.ts";
import { makeFake } from "../fake/engine.ts";

/** A causal map from weights, rows made to sum to 1. */
function causal(length: number, weight: (query: number, key: number) => number): Float32Array {
  const map = new Float32Array(length * length);
  for (let query = 0; query < length; query += 1) {
    let sum = 0;
    for (let key = 0; key <= query; key += 1) sum += weight(query, key);
    for (let key = 0; key <= query; key += 1) map[query * length + key] = weight(query, key) / sum;
  }
  return map;
}

describe("scales", () => {
  it("are fixed at both ends and monotone", () => {
    for (const scale of ["sqrt", "linear", "log"] as const) {
      expect(place(scale, 0)).toBe(0);
      expect(place(scale, 1)).toBe(1);
      for (let p = 0.01; p < 1; p += 0.01) expect(place(scale, p + 0.01)).toBeGreaterThan(place(scale, p));
    }
    expect(place("sqrt", 0.25)).toBe(0.5);
    expect(place("log", LOG_FLOOR / 2)).toBe(0);
  });
});

describe("color scales", () => {
  it("end more than 12 to 1 apart, with monotone lightness", () => {
    for (const theme of ["light", "dark"] as const) {
      expect(contrast(colorAt(theme, 0), colorAt(theme, 1))).toBeGreaterThan(12);
      const lights = table(theme).map(luminance);
      const direction = theme === "light" ? -1 : 1;
      for (let i = 1; i < lights.length; i += 1) expect(direction * ((lights[i] ?? 0) - (lights[i - 1] ?? 0))).toBeGreaterThanOrEqual(-2e-3);
    }
  });
  it("know black from white", () => {
    const [black, white]: Rgb[] = [[0, 0, 0], [255, 255, 255]];
    expect(contrast(black ?? [0, 0, 0], white ?? [0, 0, 0])).toBeCloseTo(21, 6);
  });
});

describe("mapPixels", () => {
  it("leaves every forbidden cell transparent and colors every allowed one, zeros included", () => {
    const length = 5;
    const pixels = mapPixels(causal(length, (_, key) => (key === 0 ? 1 : 0)), length, "sqrt", "light");
    for (let query = 0; query < length; query += 1) {
      for (let key = 0; key < length; key += 1) expect(pixels[(query * length + key) * 4 + 3]).toBe(key > query ? 0 : 255);
    }
  });
});

describe("layout", () => {
  const labels = { row: 40, column: 10, line: 17 };
  it("finds the cell under each of its pixels", () => {
    const layout = layoutFor(7, 400, labels);
    for (let query = 0; query < 7; query += 1) {
      const y = layout.top + (query + 0.5) * layout.cell;
      expect(cellAt(layout, layout.left + 0.5, y)).toEqual({ query, key: 0 });
      expect(cellAt(layout, layout.left + 7 * layout.cell - 0.5, y)).toEqual({ query, key: 6 });
    }
    expect(cellAt(layout, layout.left - 1, layout.top + 1)).toBeUndefined();
    expect(cellAt(layout, layout.left + 1, layout.top + 7 * layout.cell + 1)).toBeUndefined();
  });
  it("never overlaps labels, however many tokens there are", () => {
    for (const length of [1, 8, 33, 128, 256]) {
      const layout = layoutFor(length, 320, labels);
      expect(layout.every * layout.cell).toBeGreaterThanOrEqual(labels.line);
      expect(layout.cell).toBeGreaterThanOrEqual(5);
    }
  });
  it("moves the cursor by keys and stays inside", () => {
    expect(moved({ query: 0, key: 0 }, "ArrowUp", 4)).toEqual({ query: 0, key: 0 });
    expect(moved({ query: 2, key: 1 }, "ArrowRight", 4)).toEqual({ query: 2, key: 2 });
    expect(moved({ query: 2, key: 0 }, "End", 4)).toEqual({ query: 2, key: 2 });
    expect(moved({ query: 2, key: 0 }, "a", 4)).toBeUndefined();
  });
});

describe("patterns", () => {
  const word = [..."hello|olle"];
  it("names pure heads", () => {
    expect(detect(causal(10, (q, k) => (k === Math.max(0, q - 1) ? 1 : 0)), word)).toMatchObject({ name: "previous" });
    expect(detect(causal(10, (q, k) => (k === q ? 1 : 0)), word)).toMatchObject({ name: "self" });
    expect(detect(causal(10, (_, k) => (k === 0 ? 1 : 0)), word)).toMatchObject({ name: "first" });
    // A head that reads hello backwards: from the bar on, key 9 - query.
    const backwards = causal(10, (q, k) => (q < 5 ? 1 : k === 9 - q ? 20 : 0.1));
    expect(detect(backwards, word)).toMatchObject({ name: "anti-diagonal" });
  });
  it("gives a uniform head no name and score 0", () => {
    const uniform = causal(10, () => 1);
    expect(detect(uniform, word)).toBeUndefined();
    for (const { score } of scores(uniform, word)) expect(score).toBeCloseTo(0, 6);
  });
  it("does not name a map with too few rows", () => {
    expect(detect(causal(3, (q, k) => (k === q ? 1 : 0)), ["a", "b", "c"])).toBeUndefined();
  });
  it("measures entropy from 0 (one key) to 1 (all alike)", () => {
    expect(entropy(causal(6, () => 1), 6)).toBeCloseTo(1, 6);
    expect(entropy(causal(6, (q, k) => (k === q ? 1 : 0)), 6)).toBe(0);
  });
});

describe("words", () => {
  it("name cells and maps", async () => {
    const engine = await makeFake().create("gpu");
    await engine.configure({ preset: "reverse", settings: {}, seed: 1 }, undefined, () => undefined);
    const inspection = await engine.inspect("ab|b");
    const map = headMap(inspection, 1, 2);
    expect(map.length).toBe(16);
    expect(map[0]).toBeCloseTo(1, 6);
    expect(rowLabels(inspection)).toEqual(["a→b", "b→|", "|→b", "b→·"]);
    expect(cellWords(inspection, map, { query: 1, key: 3 })).toBe("query b, predicting |; key b; forbidden, the future");
    expect(cellWords(inspection, map, { query: 0, key: 0 })).toBe("query a, predicting b; key a; 1.000");
    expect(mapWords(inspection, 1, 2)).toContain("layer 2, head 3, step 0");
  });
});
