/**
 * The messages between the page and the engine's worker: discriminated unions, one version number, no shared objects.
 *
 * Every message that belongs to a run carries the run's number. A run starts with `configure`; what arrives for an
 * older run is dropped by the receiver, so that a late loss or map never appears under the wrong settings.
 */
import type {
  Caps,
  CheckpointFile,
  DeviceKind,
  Divergence,
  Evaluation,
  Generation,
  GenerateRequest,
  Inspection,
  KnownAnswer,
  Knob,
  LoadReport,
  Preset,
  RunConfig,
  RunInfo,
  SchedulePoints,
  Settings,
  Shown,
  StepRecord,
  Value,
} from "./surface.ts";
import type { Origin } from "./origin.ts";

/** Raised with every change of meaning; both sides compare it before anything else. */
export const PROTOCOL_VERSION = 3;

/** The sentence whose maps are shown, and the tokens of it to hide; without them the seed decides. */
export interface ProbeText {
  text: string;
  hidden?: number[];
}

export type Command =
  | { type: "init"; version: number; device: DeviceKind; engine: string }
  | { type: "configure"; run: number; config: RunConfig; text?: Uint8Array; tokenizer?: Uint8Array; origin?: Origin; probe?: ProbeText; prompt?: string }
  | { type: "cancel_load" }
  | { type: "start"; run: number }
  | { type: "pause"; run: number }
  | { type: "step"; run: number; count: number }
  | { type: "probe"; run: number; probe: ProbeText }
  | { type: "schedule"; preset: string; settings: Settings; points: number }
  | { type: "generate"; run: number; id: number; request: GenerateRequest }
  | { type: "live"; run: number; key: string; value: Value }
  | { type: "view"; maps: boolean; interval_ms: number }
  | { type: "checkpoint"; run: number }
  | { type: "verify"; id: number; text: string }
  | { type: "stop_verify"; id: number };

/** What the worker was doing when an error arose; decides what the page offers next. */
export type Activity = "init" | "configure" | "train" | "inspect" | "generate" | "live" | "checkpoint" | "schedule" | "verify";

export interface EngineError {
  code: string;
  message: string;
  suggestion?: string;
  during: Activity;
}

export type RunState = "training" | "paused" | "finished" | "diverged";

export type Event =
  | { type: "catalog"; version: number; presets: Preset[]; knobs: Knob[] }
  | { type: "caps"; caps: Caps }
  | { type: "compiling"; run: number; done: number; total: number; label: string }
  /** Bytes of weights: so far, and of all files opened. */
  | { type: "loading"; run: number; name: string; done: number; total: number }
  | { type: "configured"; run: number; info: RunInfo; loaded?: LoadReport }
  | { type: "metrics"; run: number; records: StepRecord[]; active_ms: number }
  | { type: "evaluation"; run: number; evaluation: Evaluation }
  | { type: "snapshot"; run: number; inspection: Inspection }
  /** `replaced`: the probe that was asked for does not fit, and this one takes its place. */
  | { type: "shown"; run: number; probe: ProbeText; shown: Shown; replaced: boolean }
  | { type: "schedule"; points: SchedulePoints }
  | { type: "sample"; run: number; step: number; generation: Generation }
  | { type: "generated"; run: number; id: number; step: number; generation: Generation; done: boolean }
  | { type: "state"; run: number; state: RunState; diverged?: Divergence; solved?: boolean }
  | { type: "checkpoint"; run: number; step: number; files: CheckpointFile[] }
  /** Before each case, with the result of the one before, and after the last. */
  | { type: "verifying"; id: number; done: number; total: number; name: string; result?: KnownAnswer }
  | { type: "verified"; id: number; complete: boolean }
  | { type: "unverified"; id: number; error: EngineError }
  | { type: "error"; run: number; error: EngineError };

/** Turns whatever was thrown into a message with a code; an unnamed failure keeps its own words. */
export function describeError(thrown: unknown, during: Activity): EngineError {
  const read = (key: string): string | undefined => {
    const value: unknown = typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, key) : undefined;
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const words = typeof thrown === "string" ? thrown : read("message");
  const error: EngineError = {
    code: read("code") ?? "internal",
    message: words ?? "The engine stopped without giving a reason.",
    during,
  };
  const suggestion = read("suggestion");
  if (suggestion !== undefined) error.suggestion = suggestion;
  return error;
}

/** The buffers of an event that can change hands instead of being copied. */
export function transferables(event: Event): Transferable[] {
  const arrays: (Float32Array | Uint8Array)[] =
    event.type === "snapshot" ? event.inspection.stages.map((stage) => stage.probs) : event.type === "checkpoint" ? event.files.map((file) => file.bytes) : [];
  // A view into a larger buffer (the engine's memory, say) must be copied: transferring it would take the whole away.
  return arrays.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
  );
}
