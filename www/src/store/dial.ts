/** A slider's travel for a knob: even steps for counts, even ratios where the range spans orders of magnitude. */
import type { Knob } from "../engine/surface.ts";

export const TRAVEL = 1000;

/** Knobs that span more than this ratio move in ratios. */
const LOG_RATIO = 500;

function floorOf(knob: Knob): number {
  return knob.min > 0 ? knob.min : knob.step > 0 ? knob.step : 1e-6;
}

const logarithmic = (knob: Knob): boolean => knob.max / floorOf(knob) > LOG_RATIO;

/** Where the slider stands for a value, 0 to TRAVEL. */
export function toTravel(knob: Knob, value: number): number {
  if (!logarithmic(knob)) return ((value - knob.min) / (knob.max - knob.min || 1)) * TRAVEL;
  const floor = floorOf(knob);
  // The lowest place of a range that starts at 0 is 0 itself.
  if (value < floor) return 0;
  const start = knob.min > 0 ? 0 : 1;
  return start + (Math.log(value / floor) / Math.log(knob.max / floor)) * (TRAVEL - start);
}

/** The value at a place of the slider, on the knob's grid and inside its range. */
export function fromTravel(knob: Knob, travel: number): number {
  const clamp = (value: number): number => Math.min(knob.max, Math.max(knob.min, value));
  if (!logarithmic(knob)) {
    const raw = knob.min + (travel / TRAVEL) * (knob.max - knob.min);
    const step = knob.step > 0 ? knob.step : 1;
    return clamp(Number((knob.min + Math.round((raw - knob.min) / step) * step).toPrecision(10)));
  }
  const floor = floorOf(knob);
  const start = knob.min > 0 ? 0 : 1;
  if (travel < start) return knob.min;
  if (travel >= TRAVEL) return knob.max;
  const raw = floor * (knob.max / floor) ** ((travel - start) / (TRAVEL - start));
  // Two digits: sliders are for round numbers, the field beside them for any other.
  const rounded = Number(raw.toPrecision(2));
  return clamp(knob.kind === "int" ? Math.round(rounded) : rounded);
}
