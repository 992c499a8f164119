/**
 * How many steps one call of the training loop takes, and when side work (maps, evaluation, samples) is due.
 *
 * A call should last long enough that its overhead vanishes and short enough that a click is served at once. Side work
 * may take at most a fixed share of the time, so that what people look at does not slow what trains.
 */

/** Length that one call of the loop aims at, in milliseconds. */
export const CALL_MS = 80;
const MAX_STEPS_PER_CALL = 256;

/** The next number of steps, from how long the last call took. It at most doubles or halves at a time. */
export function nextSteps(steps: number, elapsedMs: number): number {
  if (!(elapsedMs > 0)) return Math.min(steps * 2, MAX_STEPS_PER_CALL);
  const factor = Math.min(2, Math.max(0.5, CALL_MS / elapsedMs));
  return Math.max(1, Math.min(MAX_STEPS_PER_CALL, Math.round(steps * factor)));
}

/** A job done every `interval` milliseconds, less often when it costs more than `share` of the time. */
export class Periodic {
  private last = Number.NEGATIVE_INFINITY;
  private cost = 0;

  constructor(
    public interval: number,
    private readonly share: number,
  ) {}

  due(now: number): boolean {
    return now - this.last >= Math.max(this.interval, this.cost / this.share);
  }

  done(started: number, ended: number): void {
    this.last = ended;
    this.cost = ended - started;
  }

  /** Makes the job due at the next opportunity. */
  reset(): void {
    this.last = Number.NEGATIVE_INFINITY;
  }
}
