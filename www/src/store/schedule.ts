/** The course of the learning rate as a path, from the engine's own points. */
import type { SchedulePoints } from "../engine/surface.ts";

/** Points that are asked for: enough for a curve of some hundred pixels. */
export const SCHEDULE_POINTS = 96;

export interface Course {
  path: string;
  /** Where a step lies on the curve. */
  at: (step: number) => { x: number; y: number };
}

/** The course in a box of the given size, y downward, 0 at the bottom. */
export function courseOf(points: SchedulePoints, width: number, height: number): Course {
  const last = Math.max(1, points.at(-1)?.[0] ?? 1);
  const top = points.reduce((most, [, rate]) => Math.max(most, rate), Number.MIN_VALUE);
  const place = (step: number, rate: number): { x: number; y: number } => ({ x: (step / last) * width, y: height - (rate / top) * height });
  const path = points.map(([step, rate], i) => {
    const { x, y } = place(step, rate);
    return `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const at = (step: number): { x: number; y: number } => {
    const after = points.findIndex(([one]) => one >= step);
    const [high, low] = [points[after < 0 ? points.length - 1 : after], points[Math.max(0, (after < 0 ? points.length : after) - 1)]];
    if (high === undefined || low === undefined) return { x: 0, y: height };
    const share = high[0] === low[0] ? 1 : Math.min(1, Math.max(0, (step - low[0]) / (high[0] - low[0])));
    return place(Math.min(step, last), low[1] + share * (high[1] - low[1]));
  };
  return { path: path.join(""), at };
}
