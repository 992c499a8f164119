/** What the buttons on a problem do. */
import type { App } from "./app.svelte.ts";
import { SIZES } from "./families.ts";
import type { Remedy } from "./problems.ts";

/** The learning rate to try after a run has diverged. */
export function lowerRate(app: App): number {
  return Number(((app.setup.number("lr") ?? 1e-3) / 10).toPrecision(3));
}

/** Halves a whole-number setting inside its range. */
function halve(app: App, key: string): void {
  const knob = app.setup.knob(key);
  const value = app.setup.number(key);
  if (knob === undefined || value === undefined) return;
  app.setup.set(key, Math.max(knob.min, Math.floor(value / 2)));
}

export function applyRemedy(app: App, remedy: Remedy): void {
  switch (remedy) {
    case "train_on_cpu":
      app.useDevice("cpu", true);
      return;
    case "retry_gpu":
      app.useDevice("gpu", false);
      return;
    case "how_to_enable":
      app.enabling = true;
      return;
    case "halve_batch":
      halve(app, "batch");
      app.apply(false);
      return;
    case "halve_context":
      halve(app, "context");
      app.apply(false);
      return;
    case "smaller_model": {
      const { family } = app.setup;
      if (family === undefined) return;
      const { width, encoderHeads, decoderHeads } = SIZES[family];
      // Half the width must stay a multiple of the heads.
      const heads = app.setup.number(decoderHeads ?? encoderHeads ?? "") ?? 1;
      const size = app.setup.number(width) ?? heads;
      app.setup.set(width, Math.max(heads, Math.floor(size / 2 / heads) * heads));
      app.apply(false);
      return;
    }
    case "lower_lr":
      app.setup.set("lr", lowerRate(app));
      app.apply(true);
      return;
    case "choose_text":
      app.chooseText();
      return;
    case "undo":
      app.undo();
      return;
    case "restart":
      app.apply(true);
      return;
    case "reload":
      location.reload();
      return;
    case "dismiss":
      app.problem = undefined;
      return;
  }
}
