/** The set-up in the address, texts, sliders, milestones, problems and numbers in words. */
import { describe, expect, it } from "vitest";
import { describeError, transferables, type Event } from "../../src/engine/protocol.ts";
import type { StageName } from "../../src/engine/surface.ts";
import { dialOf, fromTravel, toTravel, TRAVEL } from "../../src/store/dial.ts";
import * as format from "../../src/store/format.ts";
import { Milestones } from "../../src/store/milestones.ts";
import { problemOf } from "../../src/store/problems.ts";
import { readText, TextError } from "../../src/store/text.ts";
import { belongs, decode, encode, parseValue, type Draft } from "../../src/store/url.ts";
import { knobs, presets } from "../fake/catalog.ts";
import { FakeError, noise } from "../fake/engine.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("address", () => {
  it("gives back what was written, for many random set-ups", () => {
    for (let round = 0; round < 200; round += 1) {
      const preset = presets[Math.floor(noise(round, 1) * presets.length)];
      if (preset === undefined) throw new Error("the catalog has no presets");
      const draft: Draft = { preset: preset.name, settings: {}, seed: Math.floor(noise(round, 2) * 2 ** 32) };
      for (const knob of knobs) {
        if (noise(round, knobs.indexOf(knob), 3) < 0.6 || !belongs(knob, preset.family) || knob.key === "family") continue;
        const dial = dialOf(knob);
        const value = dial === undefined ? knob.choices?.at(-1) : fromTravel(dial, knob.kind, noise(round, 4) * TRAVEL);
        if (value !== undefined && value !== preset.settings[knob.key]) draft.settings[knob.key] = value;
      }
      expect(decode(encode(draft), presets, knobs)).toEqual({ draft, dropped: [] });
    }
  });
  it("drops what it cannot read, and says so", () => {
    const { draft, dropped } = decode("#v=1&preset=sort&n_layer=two&nonsense=1&lr=1e9&seed=-4&n_head=2", presets, knobs);
    expect(draft).toEqual({ preset: "sort", settings: { n_head: 2 }, seed: 1 });
    expect(dropped).toEqual(["n_layer two", "nonsense 1", "lr 1e9", "seed -4"]);
  });
  it("starts with the default for no address, another version or an unknown preset", () => {
    expect(decode("", presets, knobs).draft.preset).toBe("reverse");
    expect(decode("#v=9&preset=sort", presets, knobs).dropped).toEqual(["version 9"]);
    expect(decode("#v=1&preset=unknown", presets, knobs).dropped).toEqual(["preset unknown"]);
  });
  it("reads a family's own settings, and drops those of another", () => {
    const { draft, dropped } = decode("#v=1&preset=gpt-nano&hidden_size=64&n_layer=2&family=bert&tokenizer=characters", presets, knobs);
    // The tokenizer is written out even where it is the preset's: another family starts from another one.
    expect(draft.settings).toEqual({ family: "bert", hidden_size: 64, tokenizer: "characters" });
    expect(dropped).toEqual(["n_layer 2"]);
    expect(decode(encode(draft), presets, knobs)).toEqual({ draft, dropped: [] });
    expect(decode("#v=1&preset=gpt-nano&family=elmo", presets, knobs).dropped).toEqual(["family elmo"]);
  });
  it("refuses values outside a knob's range or grid", () => {
    const heads = knobs.find((knob) => knob.key === "n_head");
    if (heads === undefined) throw new Error("the catalog has no n_head");
    for (const text of ["", "0", "1.5", "NaN", "1e3", "Infinity", "three"]) expect(parseValue(heads, text)).toBeUndefined();
    expect(parseValue(heads, "4")).toBe(4);
    // Only a knob that may be left to the engine takes the words for that.
    expect(parseValue(heads, "auto")).toBeUndefined();
    expect(["auto", "null", ""].map((text) => parseValue({ ...heads, nullable: true }, text))).toEqual([null, null, null]);
  });
});

describe("text", () => {
  const fault = (data: Uint8Array): string => {
    try {
      readText("a.txt", data);
    } catch (thrown) {
      if (thrown instanceof TextError) return `${thrown.code}: ${thrown.message}`;
    }
    return "accepted";
  };
  it("takes a text and counts it in characters", () => {
    expect(readText("a.txt", bytes("héllo héllo"))).toMatchObject({ characters: 11, distinct: 5 });
  });
  it("refuses what is no text, naming the place", () => {
    expect(fault(new Uint8Array())).toContain("text_empty");
    expect(fault(bytes(" \n "))).toContain("text_empty");
    expect(fault(Uint8Array.of(72, 105, 0, 1))).toContain("byte 2 is zero");
    expect(fault(Uint8Array.of(104, 105, 0xff, 104))).toMatch(/text_invalid_utf8: .*byte 2/);
    // A sequence cut off at the end of the file is invalid as well.
    expect(fault(Uint8Array.of(104, 0xc3))).toContain("text_invalid_utf8");
  });
});

describe("slider", () => {
  it("meets both ends of every dial, stays inside the knob, and comes back near where it was", () => {
    let dials = 0;
    for (const knob of knobs) {
      const dial = dialOf(knob);
      if (dial === undefined) continue;
      dials += 1;
      expect(fromTravel(dial, knob.kind, 0)).toBe(dial.min);
      expect(fromTravel(dial, knob.kind, TRAVEL)).toBe(dial.max);
      for (let travel = 0; travel <= TRAVEL; travel += 50) {
        const value = fromTravel(dial, knob.kind, travel);
        expect(parseValue(knob, String(value))).toBe(value);
        const again = fromTravel(dial, knob.kind, toTravel(dial, value));
        expect(Math.abs(again - value)).toBeLessThanOrEqual(Math.max(dial.step, Math.abs(value) * 0.06));
      }
    }
    expect(dials).toBeGreaterThan(10);
  });
  it("stands at the end for a value beyond the dial", () => {
    const dial = { min: 1, max: 12, step: 1 };
    expect([toTravel(dial, 0), toTravel(dial, 100)]).toEqual([0, TRAVEL]);
  });
});

describe("milestones", () => {
  it("come once each, and only when true", () => {
    const milestones = new Milestones();
    const at = (step: number, loss: number | undefined, accuracy?: number) => milestones.next({ step, loss, guess: 3.4, accuracy, heads: [] }).map(({ id }) => id);
    expect(at(1, 3.4)).toEqual([]);
    expect(at(2, undefined)).toEqual([]);
    expect(at(10, 3.0)).toEqual(["learned"]);
    expect(at(11, 2.9)).toEqual([]);
    expect(at(20, 1.6)).toEqual(["halved"]);
    expect(at(30, 0.1, 0.98)).toEqual([]);
    expect(at(40, 0.1, 0.995)).toEqual(["solved"]);
    expect(at(50, 20)).toEqual(["worse"]);
  });
});

describe("milestones of heads", () => {
  const at = (name: string, score: number, stage: StageName = "decoder") =>
    new Milestones().next({ step: 9, loss: undefined, guess: 3, accuracy: undefined, heads: [{ name, score, stage, layer: 1, head: 2 }] });
  it("name the head that reads backwards, copies or repeats", () => {
    expect(at("anti-diagonal", 0.7)).toMatchObject([{ id: "backwards", head: { layer: 1, head: 2 } }]);
    expect(at("anti-diagonal", 0.7)[0]?.sentence).toContain("Layer 2, head 3");
    expect(at("6 back", 0.7)[0]?.sentence).toContain("6 tokens back");
    expect(at("anti-diagonal", 0.7, "cross")[0]?.sentence).toContain("Cross-attention, layer 2, head 3");
    expect(at("induction", 0.7)).toMatchObject([{ id: "induction" }]);
  });
  it("pass over ordinary heads", () => {
    expect(at("previous", 0.9)).toEqual([]);
    expect(at("2 back", 0.9)).toEqual([]);
    expect(at("anti-diagonal", 0.9, "encoder")).toEqual([]);
  });
});

describe("errors", () => {
  it("keep their code, sentence and suggestion", () => {
    const error = describeError(new FakeError("out_of_memory", "Too big.", "Halve it."), "configure");
    expect(error).toEqual({ code: "out_of_memory", message: "Too big.", suggestion: "Halve it.", during: "configure" });
    expect(describeError("plain words", "train").message).toBe("plain words");
    expect(describeError(undefined, "train")).toMatchObject({ code: "internal" });
  });
  it("always come with a button", () => {
    for (const during of ["init", "configure", "train", "inspect", "generate", "live", "checkpoint"] as const) {
      for (const code of ["no_webgpu", "out_of_memory", "device_lost", "anything"]) {
        expect(problemOf({ code, message: "x", during }, true).remedies.length).toBeGreaterThan(0);
      }
    }
    expect(problemOf({ code: "no_adapter", message: "x", during: "init" }, false).remedies[0]).toBe("train_on_cpu");
    expect(problemOf({ code: "out_of_memory", message: "x", during: "configure" }, false).remedies).not.toContain("undo");
  });
  it("never transfer a view into a larger buffer", () => {
    const memory = new Float32Array(64);
    const snapshot = (probs: Float32Array): Event => ({
      type: "snapshot", run: 1,
      inspection: { step: 0, tokens: [], decoder_tokens: [], predictions: [], stages: [{ name: "decoder", layers: 1, heads: 1, queries: 2, keys: 2, probs }] },
    });
    expect(transferables(snapshot(memory.subarray(0, 4)))).toEqual([]);
    expect(transferables(snapshot(memory))).toEqual([memory.buffer]);
  });
});

describe("numbers", () => {
  it("read as people write them", () => {
    expect(format.steps(1240)).toBe("1 240");
    expect(format.bytes(8.5 * 2 ** 20)).toBe("8.5 MiB");
    expect(format.bytes(900)).toBe("900 B");
    expect(format.duration(61_000)).toBe("01:01");
    expect(format.duration(3_661_000)).toBe("1:01:01");
    expect(format.setting(0.0005)).toBe("5e-4");
    expect(format.setting(0.1)).toBe("0.1");
    expect(format.setting(null)).toBe("auto");
    expect(format.token(" ")).toBe("␣");
    expect(["[CLS]", "<extra_id_1>", "<extra_id_5>", "</s>", "car"].map(format.token)).toEqual(["<cls>", "<Y>", "<S6>", "<eos>", "car"]);
    expect(format.written("<extra_id_0> love <extra_id_1> red car")).toBe("<X> love <Y> red car");
    expect(format.percent(1)).toBe("100.0 %");
    expect(format.percent(0.9998)).toBe("99.98 %");
  });
});
