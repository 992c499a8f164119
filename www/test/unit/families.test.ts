/** Families, objectives and what they do to a text. */
import { describe, expect, it } from "vitest";
import type { Shown } from "../../src/engine/surface.ts";
import { Bases, familyOf, objectiveOf } from "../../src/store/base.ts";
import { alongDecoder, hiddenIn, rowsOf, toggled } from "../../src/store/corruption.ts";
import { MODES, presetFor, SIZES, sizeKeys } from "../../src/store/families.ts";
import { hidesTokens, objectiveWords } from "../../src/store/objectives.ts";
import type { Draft } from "../../src/store/url.ts";
import { knobs, OBJECTIVES, presets } from "../fake/catalog.ts";

const preset = (name: string) => presets.find((one) => one.name === name);
const draft = (name: string, settings: Draft["settings"] = {}): Draft => ({ preset: name, settings, seed: 1 });
const knob = (key: string) => {
  const found = knobs.find((one) => one.key === key);
  if (found === undefined) throw new Error(`the catalog has no ${key}`);
  return found;
};

describe("families", () => {
  it("belong to one mode each, and name the sizes they have", () => {
    expect(MODES.flatMap(({ families }) => families).sort()).toEqual(Object.keys(SIZES).sort());
    expect(sizeKeys("t5")).toEqual(["num_layers", "num_decoder_layers", "num_heads", "d_model"]);
    expect(sizeKeys("gpt2")).toEqual(["n_layer", "n_head", "n_embd"]);
  });
  it("keep a text, and leave a task that they have no rows for", () => {
    expect(presetFor("bert", preset("gpt-nano"), presets)?.name).toBe("gpt-nano");
    expect(presetFor("bert", preset("reverse"), presets)?.name).toBe("figure-bert");
    expect(presetFor("gpt2", preset("sort"), presets)?.name).toBe("sort");
  });
  it("bring their own objective unless one is chosen", () => {
    expect(objectiveOf(draft("gpt-nano"), preset("gpt-nano"), presets)).toBe("causal");
    expect(objectiveOf(draft("gpt-nano", { family: "t5" }), preset("gpt-nano"), presets)).toBe("span");
    expect(objectiveOf(draft("gpt-nano", { family: "t5", objective: "prefix_lm" }), preset("gpt-nano"), presets)).toBe("prefix_lm");
    expect(familyOf(draft("gpt-nano", { family: "nonsense" }), preset("gpt-nano"))).toBe("gpt2");
  });
});

describe("what a setting goes back to", () => {
  it("is the preset's, or what the engine said of another family", () => {
    const bases = new Bases();
    const value = (key: string, of: Draft) => bases.value(knob(key), of, preset(of.preset), presets);
    const other = draft("gpt-nano", { family: "bert", num_attention_heads: 8 });
    expect(value("n_layer", draft("gpt-nano"))).toBe(3);
    expect(value("hidden_size", other)).toBeUndefined();
    bases.learn(other, preset("gpt-nano"), presets, { hidden_size: 48, num_attention_heads: 8, lr: 1 });
    expect(value("hidden_size", other)).toBe(48);
    // What the visitor had set says nothing of where it started.
    expect(value("num_attention_heads", other)).toBeUndefined();
    expect(value("lr", other)).toBe(5e-4);
    expect(value("mask_rate", draft("figure-bert"))).toBe(0.15);
    expect(value("mask_rate", draft("figure-bert", { objective: "mlm+nsp" }))).toBeUndefined();
  });
});

describe("objectives", () => {
  it("have a name in words, whatever the engine offers", () => {
    for (const name of Object.values(OBJECTIVES).flat()) expect(objectiveWords(name).title).not.toBe(name);
    expect(objectiveWords("unheard_of").title).toBe("unheard_of");
    expect([hidesTokens("mlm"), hidesTokens("causal")]).toEqual([true, false]);
  });
});

describe("before and after", () => {
  const shown: Shown = {
    objective: "span", text: ["I", "love", "this", "red", "car"], input: ["I", "<X>", "this", "<Y>"], target: ["<X>", "love", "<Y>", "red", "car"],
    changed: [
      { role: { span: 0 }, text: { start: 1, end: 2 }, input: { start: 1, end: 2 }, target: { start: 1, end: 2 } },
      { role: { span: 1 }, text: { start: 3, end: 5 }, input: { start: 3, end: 4 }, target: { start: 3, end: 5 } },
    ],
  };
  it("marks the same part in every row", () => {
    const rows = rowsOf(shown);
    expect(rows.text.map(({ mark }) => mark?.number)).toEqual([undefined, 1, undefined, 2, 2]);
    expect(rows.input.map(({ mark }) => mark?.change)).toEqual([undefined, 0, undefined, 1]);
    expect(rows.target.map(({ mark }) => mark?.number)).toEqual([undefined, 1, undefined, 2, 2]);
    expect(rows.roles).toEqual(["span"]);
  });
  it("never marks beyond a row that is cut", () => {
    expect(rowsOf({ ...shown, target: shown.target.slice(0, 4) }).target.map(({ mark }) => mark?.number)).toEqual([undefined, 1, undefined, 2]);
  });
  it("knows what is hidden, and that what only moved is not", () => {
    expect(hiddenIn(shown)).toEqual([1, 3, 4]);
    const [first] = shown.changed;
    if (first === undefined) throw new Error("no change");
    expect(hiddenIn({ ...shown, changed: [{ ...first, role: "permuted" }] })).toEqual([]);
  });
  it("of a decoder by itself is its own sequence moved by one, a question read only", () => {
    const question: Shown = { objective: "causal", text: [..."ab|"], input: [..."ab|"], target: [..."ba"], changed: [] };
    const predictions = ["b", "|", "b", "a", undefined].map((expected, position) => ({ position, next: [], ...(expected === undefined ? {} : { expected }) }));
    const inspection = { step: 0, tokens: [..."ab|ba"], decoder_tokens: [], stages: [], predictions };
    expect(alongDecoder(question, inspection)).toEqual({ shown: { ...question, input: [..."ab|ba"], target: [..."b|ba"] }, counted: 2 });
    const text = { ...question, target: [..."b|c"] };
    expect(alongDecoder(text, inspection)).toEqual({ shown: text, counted: 0 });
  });
  it("a click hides and shows again", () => {
    expect(toggled([1, 4], 3)).toEqual([1, 3, 4]);
    expect(toggled([1, 3, 4], 3)).toEqual([1, 4]);
  });
});
