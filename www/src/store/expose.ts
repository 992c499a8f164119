/**
 * `window.__trainyard`: a read-only view of the run for scripts, such as a teacher's or a test's.
 *
 *     __trainyard.status          "training", "paused" …
 *     __trainyard.step            last step whose loss has been read back
 *     __trainyard.losses          [{ step, loss }, …], every step of the run
 *     __trainyard.evaluations     [{ step, val_loss, accuracy? }, …]
 *     __trainyard.inspection      { step, tokens, decoder_tokens, stages, predictions, loss? } or null
 *     __trainyard.shown           { objective, text, input, target, changed }: the probe under the objective, or null
 *     __trainyard.info            parameters, bytes, vocabulary, random guess …, or null
 *     __trainyard.caps            device and adapter, or null
 *
 * Each read gives copies: nothing that a script does with them reaches the page.
 */
import type { Caps, Evaluation, Inspection, RunInfo, Shown } from "../engine/surface.ts";
import type { App } from "./app.svelte.ts";
import type { Status } from "./live.svelte.ts";

export interface Snapshot {
  readonly status: Status;
  readonly step: number;
  readonly losses: { step: number; loss: number }[];
  readonly evaluations: Evaluation[];
  readonly inspection: Inspection | null;
  readonly shown: Shown | null;
  readonly info: RunInfo | null;
  readonly caps: Caps | null;
  readonly problem: { code: string; sentence: string } | null;
}

declare global {
  interface Window {
    __trainyard?: Snapshot;
  }
}

export function expose(app: App): void {
  const view: Snapshot = {
    get status() {
      return app.status;
    },
    get step() {
      return app.run?.step ?? 0;
    },
    get losses() {
      const history = app.run?.history;
      return history === undefined ? [] : history.steps.map((step, i) => ({ step, loss: history.losses[i] ?? Number.NaN }));
    },
    get evaluations() {
      return structuredClone(app.run?.history.evaluations ?? []);
    },
    get inspection() {
      return structuredClone(app.run?.inspection ?? null);
    },
    get shown() {
      return structuredClone(app.probe.shown ?? null);
    },
    get info() {
      return structuredClone(app.run?.info ?? null);
    },
    get caps() {
      return structuredClone(app.caps ?? null);
    },
    get problem() {
      return app.problem === undefined ? null : { code: app.problem.code, sentence: app.problem.sentence };
    },
  };
  Object.defineProperty(window, "__trainyard", { value: Object.freeze(view), writable: false, configurable: false });
}
