/** Attention maps: scales, colors, pixels, layout, names of patterns, and words for cells. */
import { describe, expect, it } from "vitest";
import { colorAt, contrast, luminance, table, type Rgb } from "../../src/draw/color.ts";
import { cellAt, layoutFor, moved, type HeadMap } from "../../src/draw/layout.ts";
import { blockAt, figureLayout } from "../../src/draw/figure.ts";
import { mapPixels } from "../../src/draw/pixels.ts";
import { LOG_FLOOR, place } from "../../src/draw/scale.ts";
import { figureOf } from "../../src/store/figure.ts";
import { cellWords, mapWords, stagesOf } from "../../src/store/maps.ts";
import { detect, entropy, scores } from "../../src/store/patterns.ts";
import { makeFake } from "../fake/engine.ts";

/** A map from weights, rows made to sum to 1. */
function mapOf(queries: number, keys: number, causal: boolean, weight: (query: number, key: number) => number): HeadMap {
  const values = new Float32Array(queries * keys);
  for (let query = 0; query < queries; query += 1) {
    const allowed = causal ? query + 1 : keys;
    let sum = 0;
    for (let key = 0; key < allowed; key += 1) sum += weight(query, key);
    for (let key = 0; key < allowed; key += 1) values[query * keys + key] = weight(query, key) / sum;
  }
  return { values, queries, keys, causal };
}
const causal = (length: number, weight: (query: number, key: number) => number): HeadMap => mapOf(length, length, true, weight);
const only = (wanted: (query: number) => number) => (query: number, key: number) => (key === wanted(query) ? 1 : 0);

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
    const pixels = mapPixels(causal(length, (_, key) => (key === 0 ? 1 : 0)), "sqrt", "light");
    for (let query = 0; query < length; query += 1) {
      for (let key = 0; key < length; key += 1) expect(pixels[(query * length + key) * 4 + 3]).toBe(key > query ? 0 : 255);
    }
  });
  it("colors every cell of a map without a mask, rectangles included", () => {
    const pixels = mapPixels(mapOf(2, 3, false, () => 1), "sqrt", "light");
    expect(pixels.length).toBe(24);
    for (let cell = 0; cell < 6; cell += 1) expect(pixels[cell * 4 + 3]).toBe(255);
  });
});

describe("layout", () => {
  const labels = { row: 40, column: 10, line: 17 };
  it("finds the cell under each of its pixels, in squares and rectangles", () => {
    for (const [queries, keys] of [[7, 7], [3, 8], [9, 2]] as const) {
      const layout = layoutFor({ queries, keys }, 400, labels);
      for (let query = 0; query < queries; query += 1) {
        const y = layout.top + (query + 0.5) * layout.cell;
        expect(cellAt(layout, layout.left + 0.5, y)).toEqual({ query, key: 0 });
        expect(cellAt(layout, layout.left + keys * layout.cell - 0.5, y)).toEqual({ query, key: keys - 1 });
      }
      expect(cellAt(layout, layout.left - 1, layout.top + 1)).toBeUndefined();
      expect(cellAt(layout, layout.left + keys * layout.cell + 0.5, layout.top + 1)).toBeUndefined();
      expect(cellAt(layout, layout.left + 1, layout.top + queries * layout.cell)).toBeUndefined();
    }
  });
  it("never overlaps labels, however many tokens there are", () => {
    for (const length of [1, 8, 33, 128, 256]) {
      const layout = layoutFor({ queries: length, keys: length }, 320, labels);
      expect(layout.every * layout.cell).toBeGreaterThanOrEqual(labels.line);
      expect(layout.cell).toBeGreaterThanOrEqual(5);
    }
  });
  it("moves the cursor by keys and stays inside", () => {
    const square = causal(4, () => 1);
    expect(moved({ query: 0, key: 0 }, "ArrowUp", square)).toEqual({ query: 0, key: 0 });
    expect(moved({ query: 2, key: 1 }, "ArrowRight", square)).toEqual({ query: 2, key: 2 });
    expect(moved({ query: 2, key: 0 }, "End", square)).toEqual({ query: 2, key: 2 });
    expect(moved({ query: 2, key: 0 }, "a", square)).toBeUndefined();
    const wide = mapOf(2, 5, false, () => 1);
    expect(moved({ query: 0, key: 0 }, "End", wide)).toEqual({ query: 0, key: 4 });
    expect(moved({ query: 1, key: 4 }, "ArrowRight", wide)).toEqual({ query: 1, key: 4 });
    expect(moved({ query: 1, key: 4 }, "ArrowDown", wide)).toEqual({ query: 1, key: 4 });
  });
});

describe("patterns", () => {
  const letters = [..."hello|olle"];
  const word = { rows: letters, columns: letters, expected: [..."ello|olleh"] };
  it("names pure heads", () => {
    expect(detect("decoder", causal(10, only((q) => Math.max(0, q - 1))), word)).toMatchObject({ name: "previous" });
    expect(detect("decoder", causal(10, only((q) => q)), word)).toMatchObject({ name: "self" });
    expect(detect("decoder", causal(10, only(() => 0)), word)).toMatchObject({ name: "first" });
    // A head that reads hello backwards: from the bar on, key 9 - query.
    const backwards = causal(10, (q, k) => (q < 5 ? 1 : k === 9 - q ? 20 : 0.1));
    expect(detect("decoder", backwards, word)).toMatchObject({ name: "anti-diagonal" });
  });
  it("names heads that look ahead, where that is allowed", () => {
    const six = { rows: [..."abcdef"], columns: [..."abcdef"], expected: [] };
    expect(detect("encoder", mapOf(6, 6, false, only((q) => Math.min(5, q + 1))), six)).toMatchObject({ name: "next" });
    expect(detect("encoder", mapOf(6, 6, false, only((q) => Math.min(5, q + 2))), six)).toMatchObject({ name: "2 ahead" });
  });
  it("names cross-attention that copies in order, backwards, or what it writes", () => {
    const source = [..."abcdef"];
    const reversed = { rows: ["<bos>", ..."fedcb"], columns: source, expected: [..."fedcba"] };
    expect(detect("cross", mapOf(6, 6, false, only((q) => 5 - q)), reversed)).toMatchObject({ score: 1 });
    expect(detect("cross", mapOf(5, 7, false, only((q) => q)), { rows: [..."vwxyz"], columns: [..."abcdefg"], expected: [] })).toMatchObject({ name: "diagonal" });
    const mixed = { rows: ["<bos>", ..."cafb"], columns: source, expected: [..."cafbe"] };
    expect(detect("cross", mapOf(5, 6, false, (q, k) => (source[k] === mixed.expected[q] ? 1 : 0)), mixed)).toMatchObject({ name: "the token it writes", score: 1 });
  });
  it("gives a uniform head no name and score 0", () => {
    const uniform = causal(10, () => 1);
    expect(detect("decoder", uniform, word)).toBeUndefined();
    for (const { score } of scores("decoder", uniform, word)) expect(score).toBeCloseTo(0, 6);
    for (const { score } of scores("cross", mapOf(4, 10, false, () => 1), word)) expect(score).toBeCloseTo(0, 6);
  });
  it("does not name a map with too few rows", () => {
    expect(detect("decoder", causal(3, only((q) => q)), { rows: ["a", "b", "c"], columns: ["a", "b", "c"], expected: [] })).toBeUndefined();
  });
  it("measures entropy from 0 (one key) to 1 (all alike)", () => {
    for (const mask of [true, false]) {
      expect(entropy(mapOf(6, 6, mask, () => 1))).toBeCloseTo(1, 6);
      expect(entropy(mapOf(6, 6, mask, only((q) => q)))).toBe(0);
    }
  });
});

describe("stages", () => {
  const inspected = async (preset: string, text: string, hidden?: number[]) => {
    const engine = await makeFake().create("gpu");
    await engine.configure({ preset, settings: {}, seed: 1 }, undefined, () => undefined);
    return { inspection: await engine.inspect(text, hidden), shown: engine.show(text, hidden) };
  };
  it("of a decoder: rows carry two tokens, the future is forbidden", async () => {
    const [stage, ...others] = stagesOf((await inspected("reverse", "ab|b")).inspection);
    if (stage === undefined) throw new Error("no stage");
    expect(others).toEqual([]);
    const map = stage.map(1, 2);
    expect(map).toMatchObject({ queries: 4, keys: 4, causal: true });
    expect(map.values[0]).toBeCloseTo(1, 6);
    expect(stage.rows).toEqual(["a→b", "b→|", "|→b", "b→·"]);
    expect(cellWords(stage, map, { query: 1, key: 3 })).toBe("query b, predicting |; key b; forbidden, the future");
    expect(cellWords(stage, map, { query: 0, key: 0 })).toBe("query a, predicting b; key a; 1.000");
    expect(mapWords(stage, 1, 2)).toContain("layer 2, head 3, step 0");
  });
  it("of an encoder: only hidden rows predict, nothing is forbidden", async () => {
    const [stage] = stagesOf((await inspected("figure-bert", "I love this red car", [1])).inspection);
    if (stage === undefined) throw new Error("no stage");
    expect(stage).toMatchObject({ name: "encoder", causal: false });
    expect(stage.rows).toEqual(["<cls>", "I", "<mask>→love", "this", "red", "car", "<sep>"]);
    expect(cellWords(stage, stage.map(0, 0), { query: 0, key: 6 })).toMatch(/^query <cls>; key <sep>; 0\.\d{3}$/);
  });
  it("of two stacks: each has its own tokens on each side", async () => {
    const stages = stagesOf((await inspected("figure-t5", "I love this red car", [1, 3, 4])).inspection);
    expect(stages.map(({ name, queries, keys, causal: mask }) => [name, queries, keys, mask])).toEqual([["encoder", 5, 5, false], ["cross", 6, 5, false], ["decoder", 6, 6, true]]);
    expect(stages[1]?.columns).toEqual(["I", "<X>", "this", "<Y>", "<eos>"]);
    expect(stages[1]?.rows[1]).toBe("<X>→love");
    expect(stages[2]?.columns).toEqual(["<pad>", "<X>", "love", "<Y>", "red", "car"]);
  });
  it("become the figure of the textbook: square below, rectangle above it, triangle beside that, the rest empty", async () => {
    const { inspection, shown } = await inspected("figure-t5", "I love this red car", [1, 3, 4]);
    const figure = figureOf(inspection, shown, { layer: 0, head: 0 });
    expect(figure.columns).toEqual(["I", "<X>", "this", "<Y>", "<eos>", "<pad>", "<X>", "love", "<Y>", "red", "car"]);
    expect(figure.rows).toEqual(["I", "<X>", "this", "<Y>", "<eos>", "<X>", "love", "<Y>", "red", "car", "<eos>"]);
    const layout = figureLayout(11, 600, 40);
    const at = (row: number, column: number) => blockAt(figure, layout, layout.left + (column + 0.5) * layout.cell, 1 + (11 - row - 0.5) * layout.cell);
    expect(at(0, 0)).toMatchObject({ block: { name: "encoder" }, cell: { query: 0, key: 0 } });
    expect(at(5, 4)).toMatchObject({ block: { name: "cross" }, cell: { query: 0, key: 4 } });
    expect(at(10, 10)).toMatchObject({ block: { name: "decoder" }, cell: { query: 5, key: 5 } });
    expect(at(4, 5)).toBeUndefined();
    expect(at(11, 0)).toBeUndefined();
    const mean = figureOf(inspection, shown, "mean").blocks[0]?.map;
    for (let query = 0; query < 5; query += 1) expect(mean?.values.slice(query * 5, query * 5 + 5).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  });
  it("label a figure of one stack with what comes out", async () => {
    const { inspection, shown } = await inspected("figure-bert", "I love this red car", [1]);
    const figure = figureOf(inspection, shown, "mean");
    expect(figure.rows[2]).toBe("love");
    expect(figure.columns[2]).toBe("<mask>");
  });
});
