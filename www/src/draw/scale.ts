/** From a probability to a place on the color scale. The scale is fixed for the whole run: the same color is the same number. */

export type ScaleName = "sqrt" | "linear" | "log";

export const SCALES: readonly { name: ScaleName; label: string }[] = [
  { name: "sqrt", label: "√" },
  { name: "linear", label: "linear" },
  { name: "log", label: "log" },
];

/** Smallest probability that the logarithmic scale tells from 0. */
export const LOG_FLOOR = 1e-3;

/** A place in 0..1 for a probability in 0..1. */
export function place(scale: ScaleName, p: number): number {
  const inside = Math.min(1, Math.max(0, p));
  switch (scale) {
    case "sqrt":
      return Math.sqrt(inside);
    case "linear":
      return inside;
    case "log":
      return inside <= LOG_FLOOR ? 0 : 1 - Math.log(inside) / Math.log(LOG_FLOOR);
  }
}
