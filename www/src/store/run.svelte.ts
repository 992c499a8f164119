/** The current run as the page sees it: what the worker has reported, and the figures that follow from it. */
import type { Event } from "../engine/protocol.ts";
import type { Divergence, Evaluation, Generation, Inspection, RunInfo, StepRecord } from "../engine/surface.ts";
import { History, smoothed } from "./history.ts";
import { namedHeads } from "./maps.ts";
import { Milestones, news, type Milestone } from "./milestones.ts";
import type { HeadPattern } from "./patterns.ts";

export interface Sample extends Generation {
  step: number;
  id: number;
}

/** Samples kept for the list. */
const SAMPLES = 8;
/** Speed is measured over this long, in milliseconds of training. */
const SPEED_WINDOW_MS = 3000;
/** The loss that milestones look at is smoothed over about the last twenty steps. */
const RECENT = 60;

export class Run {
  readonly history = new History();
  private readonly milestones = new Milestones();
  private window: { active: number; step: number; tokens: number }[] = [{ active: 0, step: 0, tokens: 0 }];
  private tokens = 0;
  private sampleId = 0;

  step = $state(0);
  lastLoss = $state<number | undefined>(undefined);
  recentLoss = $state<number | undefined>(undefined);
  evaluation = $state.raw<Evaluation | undefined>(undefined);
  inspection = $state.raw<Inspection | undefined>(undefined);
  samples = $state.raw<Sample[]>([]);
  diverged = $state.raw<Divergence | undefined>(undefined);
  activeMs = $state(0);
  stepsPerSecond = $state(0);
  tokensPerSecond = $state(0);
  /** Grows when the curves have changed; what draws them depends on it. */
  revision = $state(0);

  readonly info: RunInfo;

  constructor(info: RunInfo) {
    this.info = info;
  }

  /** Training time that is left at the current speed. */
  get remainingMs(): number | undefined {
    return this.stepsPerSecond > 0 ? ((this.info.steps - this.step) / this.stepsPerSecond) * 1000 : undefined;
  }

  metrics(event: Extract<Event, { type: "metrics" }>): Milestone[] {
    this.history.add(event.records);
    for (const record of event.records) this.tokens += record.tokens;
    const last = event.records.at(-1);
    if (last !== undefined) {
      this.step = last.step;
      this.lastLoss = last.loss;
      this.recentLoss = smoothed(this.history.losses.slice(-RECENT), 0.9).at(-1);
    }
    this.activeMs = event.active_ms;
    this.measure(event.active_ms, event.records);
    this.revision += 1;
    return this.standing();
  }

  evaluated(evaluation: Evaluation): Milestone[] {
    this.evaluation = evaluation;
    this.history.evaluate(evaluation);
    this.revision += 1;
    return this.standing();
  }

  /** What a trained model shows is news; what random weights look like is not. */
  inspected(inspection: Inspection): Milestone[] {
    this.inspection = inspection;
    return inspection.step > 0 ? this.standing() : [];
  }

  sampled(step: number, generation: Generation): void {
    this.sampleId += 1;
    this.samples = [{ ...generation, step, id: this.sampleId }, ...this.samples].slice(0, SAMPLES);
  }

  mark(label: string, step = this.step): void {
    this.history.mark({ step, label });
    this.revision += 1;
  }

  /** The head that shows best what the model has learned. */
  get tellingHead(): HeadPattern | undefined {
    return this.heads().filter((head) => news(head) !== undefined).sort((a, b) => b.score - a.score)[0];
  }

  private heads(): HeadPattern[] {
    const { inspection } = this;
    return inspection === undefined || inspection.step === 0 ? [] : namedHeads(inspection);
  }

  private standing(): Milestone[] {
    const { step, recentLoss: loss, evaluation } = this;
    const heads = this.heads();
    return this.milestones.next({ step, loss, guess: this.info.random_guess, accuracy: evaluation?.accuracy, heads });
  }

  private measure(active: number, records: readonly StepRecord[]): void {
    if (records.length === 0) return;
    this.window.push({ active, step: this.step, tokens: this.tokens });
    while (this.window.length > 2 && active - (this.window[0]?.active ?? active) > SPEED_WINDOW_MS) this.window.shift();
    const first = this.window[0];
    if (first === undefined || active <= first.active) return;
    this.stepsPerSecond = ((this.step - first.step) * 1000) / (active - first.active);
    this.tokensPerSecond = ((this.tokens - first.tokens) * 1000) / (active - first.active);
  }
}
