/** The learning rate over a run, for the preview beside the optimizer's knobs. The engine computes its own. */

export interface Schedule {
  kind: "constant" | "linear" | "cosine";
  lr: number;
  min_lr: number;
  warmup: number;
  steps: number;
}

/** The rate at a step counted from 0: a linear rise over the warm-up, then the schedule down to `min_lr`. */
export function learningRate(schedule: Schedule, step: number): number {
  const { kind, lr, min_lr, warmup, steps } = schedule;
  if (step < warmup) return (lr * (step + 1)) / (warmup + 1);
  if (kind === "constant") return lr;
  const progress = Math.min(1, Math.max(0, (step - warmup) / Math.max(1, steps - warmup)));
  const remaining = kind === "linear" ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return min_lr + remaining * (lr - min_lr);
}

/** The course as points in a box of the given size, y downward, 0 at the bottom. */
export function schedulePath(schedule: Schedule, width: number, height: number): string {
  const top = Math.max(schedule.lr, schedule.min_lr, Number.MIN_VALUE);
  const points = 80;
  let path = "";
  for (let i = 0; i <= points; i += 1) {
    const rate = learningRate(schedule, (i / points) * schedule.steps);
    const x = (i / points) * width;
    const y = height - (rate / top) * height;
    path += `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }
  return path;
}
