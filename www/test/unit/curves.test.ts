/** The loss curves: smoothing, decimation, the schedule's preview, and what the chart and the summary are given. */
import { describe, expect, it } from "vitest";
import { decimated, History, smoothed } from "../../src/store/history.ts";
import { courseOf } from "../../src/store/schedule.ts";
import { noise } from "../fake/engine.ts";

const record = (step: number, loss: number) => ({ step, loss, lr: 1e-3, grad_norm: 1, tokens: 8, ms: 1 });

describe("smoothed", () => {
  it("keeps a constant constant from the first value on", () => {
    for (const value of smoothed([2, 2, 2, 2], 0.99)) expect(value).toBeCloseTo(2, 12);
  });
  it("is the raw curve at weight 0", () => {
    expect([...smoothed([3, 1, 2], 0)]).toEqual([3, 1, 2]);
  });
  it("follows the definition of a debiased average", () => {
    const [, second] = smoothed([1, 3], 0.6);
    expect(second).toBeCloseTo((0.6 * 0.4 * 1 + 0.4 * 3) / (1 - 0.36), 12);
  });
  it("passes over a value that is not a number without losing the rest", () => {
    const values = smoothed([1, Number.NaN, 1], 0.5);
    expect(values[2]).toBeCloseTo(1, 12);
  });
});

describe("decimated", () => {
  it("keeps the one spike among a hundred thousand values, in either direction", () => {
    const values = Float64Array.from({ length: 100_000 }, (_, i) => 1 + 0.1 * noise(i));
    values[54_321] = 9;
    values[54_322] = -9;
    const kept = decimated(values, 400);
    expect(kept.length).toBeLessThanOrEqual(400);
    expect(kept).toContain(54_321);
    expect(kept).toContain(54_322);
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(99_999);
  });
  it("keeps everything when there is room", () => {
    expect(decimated([5, 4, 3], 10)).toEqual([0, 1, 2]);
  });
});

describe("History", () => {
  it("aligns validation with the steps it was measured at", () => {
    const history = new History();
    history.add([record(1, 3), record(2, 2), record(3, 1)]);
    history.evaluate({ step: 2, val_loss: 2.5 });
    history.evaluate({ step: 4, val_loss: 1.5 });
    const [steps, raw, , validation] = history.columns(100, 0);
    expect(steps).toEqual([1, 2, 3, 4]);
    expect(raw).toEqual([3, 2, 1, null]);
    expect(validation).toEqual([null, 2.5, null, 1.5]);
  });
  it("says what the curve does", () => {
    const history = new History();
    expect(history.summary()).toContain("No step");
    history.add([record(1, 3.41), record(2, 0.11), record(3, 0.12)]);
    expect(history.summary()).toBe("Training loss, 3 steps. From 3.41 to 0.12, lowest 0.11 at step 2.");
  });
});

describe("courseOf", () => {
  const course = courseOf([[0, 0.1], [10, 1], [50, 0.5], [100, 0]], 240, 44);
  it("draws the engine's points, the peak at the top, inside its box", () => {
    const numbers = course.path.split(/[ML ]/).filter(Boolean).map(Number);
    expect(numbers).toEqual([0, 39.6, 24, 0, 120, 22, 240, 44]);
  });
  it("places a step on the line between its neighbors, and the end at the end", () => {
    expect(course.at(0)).toEqual({ x: 0, y: 39.6 });
    expect(course.at(30).x).toBeCloseTo(72, 9);
    expect(course.at(30).y).toBeCloseTo(11, 9);
    expect(course.at(500)).toEqual({ x: 240, y: 44 });
  });
  it("has nothing to draw without points, and stays finite with one", () => {
    expect(courseOf([], 240, 44).path).toBe("");
    expect(courseOf([[0, 1]], 240, 44)).toMatchObject({ path: "M0.0 0.0" });
    expect(courseOf([[0, 1]], 240, 44).at(0)).toEqual({ x: 0, y: 0 });
  });
});
