/** Every failure as the page shows it: a title, the engine's own sentence, and buttons that do something about it. */
import type { EngineError } from "../engine/protocol.ts";

export type Remedy =
  | "train_on_cpu"
  | "retry_gpu"
  | "how_to_enable"
  | "halve_batch"
  | "halve_context"
  | "smaller_model"
  | "lower_lr"
  | "choose_text"
  | "undo"
  | "restart"
  | "reload"
  | "dismiss";

export interface Problem {
  code: string;
  title: string;
  sentence: string;
  suggestion: string | undefined;
  /** The first is the primary one. */
  remedies: Remedy[];
}

export const REMEDY_LABELS: Record<Remedy, string> = {
  train_on_cpu: "Train on the CPU",
  retry_gpu: "Look for a GPU again",
  how_to_enable: "How to enable WebGPU",
  halve_batch: "Halve the batch size",
  halve_context: "Halve the context length",
  smaller_model: "Halve the width",
  lower_lr: "Restart with a tenth of the learning rate",
  choose_text: "Choose a text file",
  undo: "Back to the settings of the running model",
  restart: "Restart the run",
  reload: "Reload the page",
  dismiss: "Dismiss",
};

const NO_GPU = new Set(["no_webgpu", "no_adapter", "device_failed"]);
const TOO_BIG = new Set(["out_of_memory", "memory", "too_large", "over_budget", "limit", "limits"]);

/** `kept`: there is a run that goes on unharmed. */
export function problemOf(error: EngineError, kept: boolean): Problem {
  const base = { code: error.code, sentence: error.message, suggestion: error.suggestion };
  if (NO_GPU.has(error.code)) {
    const suggestion = error.suggestion ?? "A tiny model still trains here, on the CPU.";
    return { ...base, suggestion, title: "No WebGPU here", remedies: ["train_on_cpu", "how_to_enable", "retry_gpu"] };
  }
  if (TOO_BIG.has(error.code)) {
    return { ...base, title: "Too big for this GPU", remedies: ["halve_batch", "halve_context", "smaller_model", ...(kept ? (["undo"] as const) : [])] };
  }
  if (error.code === "device_lost") return { ...base, title: "The browser reset the GPU", remedies: ["retry_gpu", "train_on_cpu"] };
  switch (error.during) {
    case "init":
      return { ...base, title: "The engine did not start", remedies: ["reload", "train_on_cpu"] };
    case "configure":
      if (error.code === "text_needed") return { ...base, title: "This preset needs a text of yours", remedies: kept ? ["choose_text", "undo"] : ["choose_text"] };
      return { ...base, title: "These settings do not fit together", remedies: kept ? ["undo", "dismiss"] : ["undo"] };
    case "train":
      return { ...base, title: "Training stopped", remedies: ["restart", "dismiss"] };
    case "inspect":
    case "generate":
    case "live":
    case "checkpoint":
    case "verify":
    case "schedule":
      return { ...base, title: "That did not work", remedies: ["dismiss"] };
  }
}
