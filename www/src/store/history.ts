/**
 * The curves of one run: every training loss, its smoothed course, validation losses, and marks at events.
 *
 * A chart is some hundred pixels wide and a run may have a hundred thousand steps, so that `columns` hands out at most
 * a few points per pixel; each bin keeps its smallest and its largest value, because a spike is the news.
 */
import type { Evaluation, StepRecord } from "../engine/surface.ts";

export interface Mark {
  step: number;
  label: string;
}

/** Aligned columns for the chart: step, raw loss, smoothed loss, validation loss. */
export type Columns = [number[], (number | null)[], (number | null)[], (number | null)[]];

/** Exponential moving average without the bias of its start: a constant stays that constant from the first value on. */
export function smoothed(values: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(values.length);
  let sum = 0;
  let norm = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? Number.NaN;
    // A loss that is not a number is marked on the chart; it must not blank the rest of the curve.
    if (Number.isFinite(value)) {
      sum = weight * sum + (1 - weight) * value;
      norm = weight * norm + (1 - weight);
    }
    out[i] = norm > 0 ? sum / norm : Number.NaN;
  }
  return out;
}

/** Indexes to draw: first and last, and of each bin the lowest and the highest value. */
export function decimated(values: ArrayLike<number>, points: number): number[] {
  const n = values.length;
  if (n <= points) return Array.from({ length: n }, (_, i) => i);
  const bins = Math.max(1, Math.floor((points - 2) / 2));
  const kept = new Set<number>([0, n - 1]);
  for (let bin = 0; bin < bins; bin += 1) {
    const start = Math.floor((bin * n) / bins);
    const end = Math.floor(((bin + 1) * n) / bins);
    let low = start;
    let high = start;
    for (let i = start; i < end; i += 1) {
      const value = values[i] ?? Number.NaN;
      if (value < (values[low] ?? Number.NaN)) low = i;
      if (value > (values[high] ?? Number.NaN)) high = i;
    }
    kept.add(low);
    kept.add(high);
  }
  return [...kept].sort((a, b) => a - b);
}

export class History {
  readonly steps: number[] = [];
  readonly losses: number[] = [];
  readonly evaluations: Evaluation[] = [];
  readonly marks: Mark[] = [];

  add(records: readonly StepRecord[]): void {
    for (const record of records) {
      this.steps.push(record.step);
      this.losses.push(record.loss);
    }
  }

  evaluate(evaluation: Evaluation): void {
    if (this.evaluations.at(-1)?.step === evaluation.step) this.evaluations.pop();
    this.evaluations.push(evaluation);
  }

  mark(mark: Mark): void {
    this.marks.push(mark);
  }

  columns(points: number, smoothing: number): Columns {
    const course = smoothed(this.losses, smoothing);
    const at = new Map<number, { raw: number | null; smooth: number | null; validation: number | null }>();
    for (const i of decimated(this.losses, points)) {
      at.set(this.steps[i] ?? 0, { raw: finite(this.losses[i]), smooth: finite(course[i]), validation: null });
    }
    for (const { step, val_loss } of this.evaluations) {
      const place = at.get(step);
      if (place !== undefined) place.validation = finite(val_loss);
      else at.set(step, { raw: null, smooth: null, validation: finite(val_loss) });
    }
    const steps = [...at.keys()].sort((a, b) => a - b);
    const pick = (key: "raw" | "smooth" | "validation"): (number | null)[] => steps.map((step) => at.get(step)?.[key] ?? null);
    return [steps, pick("raw"), pick("smooth"), pick("validation")];
  }

  /** The curve in a sentence, for readers who do not see it. */
  summary(): string {
    const last = this.losses.at(-1);
    const first = this.losses[0];
    if (first === undefined || last === undefined) return "No step has been trained yet.";
    let lowest = 0;
    this.losses.forEach((loss, i) => {
      if (loss < (this.losses[lowest] ?? Number.POSITIVE_INFINITY)) lowest = i;
    });
    const validation = this.evaluations.at(-1);
    const lowestText = `lowest ${(this.losses[lowest] ?? last).toFixed(2)} at step ${this.steps[lowest] ?? 0}`;
    const tail = validation === undefined ? "" : ` Validation loss ${validation.val_loss.toFixed(2)} at step ${validation.step}.`;
    return `Training loss, ${this.losses.length} steps. From ${first.toFixed(2)} to ${last.toFixed(2)}, ${lowestText}.${tail}`;
  }
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
