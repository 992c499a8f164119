/**
 * A stand-in engine for tests and for work on the page: deterministic loss curves and attention maps, no model behind
 * them. It is never part of a production build (test/unit/bundle.test.ts looks).
 */
import type { CheckpointDirectory, LoadReport,
  Caps, CheckpointFile, DeviceKind, EngineHandle, EngineModule, Evaluation, Generation, GenerateRequest, Inspection,
  Family, KnownAnswer, Predicted, Preset, Progress, RunConfig, RunInfo, SchedulePoints, Settings, Shown, Stage, StageName, StepRecord, TrainResult,
  Value, VerifyProgress,
} from "../../src/engine/surface.ts";
import { SIZES } from "../../src/store/families.ts";
import { ARCHITECTURES, knobs, OBJECTIVES, presets } from "./catalog.ts";
import { showText } from "./show.ts";
import { fakeVerify } from "./verify.ts";

/** Searched for in the production bundle, where it must not be. */
export const FAKE_MARKER = "trainyard-fake-engine";

export interface FakeOptions {
  msPerStep: number;
  msPerPipeline: number;
  /** Reads back this many steps later than asked, as chunks in flight would. */
  lag: number;
  software: boolean;
  failCreate?: string;
}

export class FakeError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly suggestion?: string,
  ) {
    super(message);
  }
}

/** A number in 0..1 from integers (a 32-bit mix): noise that is the same on every machine. */
export function noise(...keys: number[]): number {
  let h = 0x9e3779b9;
  for (const key of keys) {
    h = Math.imul(h ^ (key | 0), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return (h >>> 0) / 2 ** 32;
}

const pause = (ms: number): Promise<void> => (ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve());

export class FakeEngine implements EngineHandle {
  private run: { config: RunConfig; preset: Preset; settings: Settings; info: RunInfo } | undefined;
  private asked = 0;
  private read = 0;

  constructor(
    private readonly device: DeviceKind,
    private readonly options: FakeOptions,
  ) {}

  caps(): Caps {
    const adapter = this.device === "cpu" ? "CPU interpreter" : `Stand-in adapter (${FAKE_MARKER})`;
    return { device: this.device, adapter, software: this.options.software, max_buffer_bytes: 2 ** 28, features: [] };
  }

  async configure(config: RunConfig, text: Uint8Array | undefined, progress: Progress): Promise<RunInfo> {
    const preset = presets.find((candidate) => candidate.name === config.preset);
    if (preset === undefined) throw new FakeError("unknown_preset", `There is no preset "${config.preset}".`);
    const settings = { ...preset.settings, ...config.settings };
    const family = settings.family as Family;
    settings.objective = config.settings.objective ?? (family === preset.family ? preset.settings.objective : OBJECTIVES[family][0]) ?? "";
    const sizes = SIZES[family];
    /** Of another family than the preset's, the sizes are made up. */
    const at = (key: string | undefined, otherwise = 2): number => (key === undefined ? otherwise : Number((settings[key] ??= otherwise)));
    const [layers, heads, width] = [at(sizes.encoderLayers ?? sizes.decoderLayers), at(sizes.encoderHeads ?? sizes.decoderHeads), at(sizes.width, 32)];
    const architecture = ARCHITECTURES[family];
    const vocabulary = this.vocabulary(preset, text, at("context"));
    if (width % heads !== 0) {
      throw new FakeError("config", `The embedding dimension ${width} is not divisible by ${heads} attention heads.`, "Choose a number of heads that divides the width.");
    }
    const parameters = 12 * layers * width ** 2 + (vocabulary + at("context")) * width;
    const gpu_bytes = parameters * 16 + at("batch") * at("context") * width * layers * 72;
    if (gpu_bytes > 2 ** 30) throw new FakeError("out_of_memory", `This setup needs about ${(gpu_bytes / 2 ** 30).toFixed(1)} GiB; the GPU allows 1.0 GiB.`, "Halve the batch size.");
    const total = 31;
    for (let done = 0; done <= total; done += 1) {
      progress(done, total, "matmul");
      await pause(this.options.msPerPipeline);
    }
    this.asked = 0;
    this.read = 0;
    const word = this.word(preset);
    const info: RunInfo = {
      parameters, gpu_bytes, dispatches: 30 * layers + 12, submits_per_chunk: 1, vocab_size: vocabulary,
      random_guess: Math.log(vocabulary), family, architecture, objectives: OBJECTIVES[family],
      encoder: architecture === "decoder-only" ? null : [layers, heads], decoder: architecture === "encoder-only" ? null : [layers, heads], context: at("context"), batch: at("batch"), steps: at("steps"),
      data: { kind: preset.data.kind, name: config.text_name ?? preset.data.name, vocab_size: vocabulary, notices: [], ...(preset.data.kind === "task" ? {} : { train_tokens: 90000, validation_tokens: 10000 }) },
      default_probe: word, default_prompt: preset.data.kind === "task" ? word.slice(0, word.indexOf("|") + 1) : "The ", settings,
    };
    this.run = { config, preset, settings, info };
    return info;
  }

  async load(config: RunConfig, text: Uint8Array | undefined, progress: Progress, files: CheckpointDirectory): Promise<{ info: RunInfo; report: LoadReport }> {
    const weights = await files.open("model.safetensors");
    if (weights === undefined) throw new FakeError("weights", "there is no model.safetensors");
    await weights.read(0, weights.size);
    const info = await this.configure(config, text, progress);
    const parameters = { checkpoint: info.parameters, run: info.parameters };
    return { info, report: { sentence: "1 of 1 parameters are loaded.", loaded: 1, missing: [], unexpected: [], ignored: [], cast: 0, parameters } };
  }

  async train(steps: number): Promise<TrainResult> {
    this.asked = Math.min(this.asked + steps, this.info().steps);
    await pause(this.options.msPerStep * steps);
    return this.readUpTo(this.asked === this.info().steps ? this.asked : this.asked - this.options.lag);
  }

  drain(): Promise<TrainResult> {
    return Promise.resolve(this.readUpTo(this.asked));
  }

  evaluate(): Promise<Evaluation> {
    const progress = this.progress();
    const val_loss = this.loss(this.read, 7) * 1.02;
    return Promise.resolve({ step: this.read, val_loss, ...(this.task() ? { accuracy: Math.min(1, progress ** 3 * 1.05) } : {}) });
  }

  inspect(text: string, hidden?: number[]): Promise<Inspection> {
    const info = this.info();
    const shown = this.show(text, hidden);
    if (shown.text.length === 0) return Promise.reject(new FakeError("empty_probe", "The probe is empty: type at least one token."));
    if (shown.text.length > info.context) return Promise.reject(new FakeError("probe_too_long", `The probe has ${shown.text.length} tokens; the context length is ${info.context}.`));
    const two = info.architecture === "encoder-decoder";
    const decoder_tokens = two ? ["<pad>", ...shown.target.slice(0, -1)] : [];
    const [n, m] = [shown.input.length, decoder_tokens.length];
    const stages = two
      ? [this.stage("encoder", info.encoder, n, n), this.stage("decoder", info.decoder, m, m), this.stage("cross", info.decoder, m, n)]
      : [this.stage(info.encoder === null ? "decoder" : "encoder", info.encoder ?? info.decoder, n, n)];
    const asked = info.architecture === "encoder-only" ? shown.changed.map(({ input }) => input.start) : [...(two ? decoder_tokens : shown.input).keys()];
    const predictions = asked.map((position): Predicted => {
      const expected = shown.target[position];
      return { position, ...(expected === undefined ? {} : { expected }), next: this.nextOf(expected ?? "·", position) };
    });
    return Promise.resolve({ step: this.read, tokens: shown.input, decoder_tokens, stages, predictions, loss: this.loss(this.read, 3) });
  }

  show(text: string, hidden?: number[]): Shown {
    const { architecture, settings } = this.info();
    return showText(architecture, String(settings.objective), text, hidden);
  }

  private stage(name: StageName, size: [number, number] | null, queries: number, keys: number): Stage {
    const [layers, heads] = size ?? [1, 1];
    const probs = new Float32Array(layers * heads * queries * keys);
    for (let row = 0; row < layers * heads * queries; row += 1) {
      const head = Math.floor(row / queries);
      const query = row % queries;
      probs.set(this.row(Math.floor(head / heads), head % heads, query, keys, name === "decoder" ? query + 1 : keys), row * keys);
    }
    return { name, layers, heads, queries, keys, probs };
  }

  async generate(request: GenerateRequest, each?: (text: string, token: string) => boolean | Promise<boolean>): Promise<Generation> {
    if (this.info().architecture === "encoder-decoder") {
      const target = this.show(request.prompt).target.slice(0, request.max_new);
      const written: string[] = [];
      for (const token of target) {
        written.push(token);
        if ((await each?.(written.join(" "), token)) === false) break;
      }
      return { prompt: request.prompt, text: written.join(" ") };
    }
    if (!this.task()) {
      const text = "the cat of anna is red. the dog of ben is green. anna gave the ball to ben. ";
      const clear = Math.round(text.length * this.progress());
      const said = [...text].map((c, i) => (i < clear ? c : "etaoin shrdlu"[Math.floor(noise(i, request.seed) * 13)])).join("");
      return { prompt: request.prompt, text: said };
    }
    const words = ["hello", "water", "train", "brick", "olive", "quiet", "stone", "piano"];
    const prompt = request.prompt === "" ? `${words[request.seed % words.length] ?? "hello"}|` : request.prompt;
    const right = [...prompt.replace("|", "")].reverse();
    const text = right.map((c, i) => (noise(i, request.seed, this.read) < this.progress() * 1.05 ? c : "x")).join("");
    return { prompt, text, correct: text === right.join("") };
  }

  set_live(key: string, value: Value): void {
    if (knobs.find((knob) => knob.key === key)?.live !== true) throw new FakeError("not_live", `"${key}" acts on restart only.`);
    if (this.run !== undefined) this.run.settings[key] = value;
  }

  checkpoint(): Promise<CheckpointFile[]> {
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    return Promise.resolve([{ name: "config.json", bytes: encode("{}") }, { name: "model.safetensors", bytes: encode("weights") }, { name: "tokenizer.json", bytes: encode("{}") }]);
  }

  verify(text: string, progress: VerifyProgress): Promise<KnownAnswer[]> {
    return fakeVerify(text, progress);
  }

  free(): void {
    this.run = undefined;
  }

  private info(): RunInfo {
    if (this.run === undefined) throw new FakeError("not_configured", "No run has been set up yet.");
    return this.run.info;
  }

  private task(): boolean {
    return this.run?.preset.data.kind === "task";
  }

  private vocabulary(preset: Preset, text: Uint8Array | undefined, context: number): number {
    if (text === undefined) return preset.data.kind === "task" ? 29 : preset.data.kind === "figure" ? 24 : 65;
    if (text.length === 0) throw new FakeError("text_empty", "The text is empty.");
    const read = new TextDecoder().decode(text);
    if (read.length <= 2 * (context + 1)) throw new FakeError("text_too_short", `The text has ${read.length} tokens; a context length of ${context} needs at least ${2 * (context + 1)}.`);
    return new Set(read).size;
  }

  private word(preset: Preset): string {
    if (preset.data.kind === "figure") return "I like this book";
    if (preset.data.kind !== "task") return "The cat of Anna is red.".slice(0, Number(preset.settings.context));
    return preset.name === "sort" ? "cabbac|aabb" : preset.name === "add" ? "27+58=85" : preset.name === "copy" ? "hello|hell" : "hello|olle";
  }

  private progress(): number {
    return 1 - Math.exp(-this.read / (0.22 * this.info().steps));
  }

  private loss(step: number, stream: number): number {
    const info = this.info();
    const learned = 1 - Math.exp(-step / (0.18 * info.steps));
    const floor = this.task() ? 0.03 : 0.4;
    return info.random_guess * (1 + 0.02 * (noise(step, 1, stream) - 0.5) - (1 - floor) * learned * (0.97 + 0.06 * noise(step, 2, stream)));
  }

  private row(layer: number, head: number, query: number, length: number, allowed: number): Float32Array {
    const kind = (layer * 2 + head) % 5;
    const sharp = 7 * this.progress();
    const row = new Float32Array(length);
    let sum = 0;
    for (let key = 0; key < allowed; key += 1) {
      const distance = [query - 1 - key, length - 1 - query - key, key, query - key, (query % 3) - (key % 3)][kind] ?? 0;
      const score = Math.exp(-Math.min(Math.abs(distance), 3) * sharp * 0.6 + 0.8 * noise(layer, head, query, key));
      row[key] = score;
      sum += score;
    }
    return row.map((score) => score / sum);
  }

  private nextOf(target: string, row: number): { token: string; p: number }[] {
    const p = 0.05 + 0.93 * this.progress() * (0.9 + 0.1 * noise(row, this.read));
    const others = [..."etaoinshr"].filter((c) => c !== target).slice(row % 4, (row % 4) + 4);
    return [{ token: target, p }, ...others.map((token, i) => ({ token, p: ((1 - p) * 0.5) / 2 ** i }))];
  }

  private readUpTo(step: number): TrainResult {
    if (this.run === undefined) throw new FakeError("not_configured", "No run has been set up yet.");
    const { settings, info, config } = this.run;
    const records: StepRecord[] = [];
    const lr = Number(settings.lr);
    while (this.read < step) {
      this.read += 1;
      if (lr >= 0.5 && this.read >= 60) {
        const sentence = `Loss became NaN at step ${this.read}. The learning rate (${lr}) is likely too high.`;
        return { records, finished: false, diverged: { step: this.read, what: "loss", value: "NaN", sentence } };
      }
      const loss = this.loss(this.read, config.seed) * (lr >= 0.5 ? 1 + this.read / 40 : 1);
      records.push({ step: this.read, loss, lr, grad_norm: 0.5 + noise(this.read, 9), tokens: info.batch * info.context, ms: this.options.msPerStep });
    }
    return { records, finished: this.read >= info.steps };
  }
}

/** A straight rise over the warm-up, then the peak: enough of a schedule to draw. */
function schedulePoints(name: string, changes: Settings, points: number): SchedulePoints {
  const settings = { ...presets.find((preset) => preset.name === name)?.settings, ...changes };
  const [lr, warmup, steps] = [Number(settings.lr), Number(settings.warmup), Number(settings.steps)];
  const count = Math.min(points, steps);
  return Array.from({ length: count }, (_, i) => {
    const step = count === 1 ? 0 : Math.floor((i * (steps - 1)) / (count - 1));
    return [step, step < warmup ? (lr * (step + 1)) / (warmup + 1) : lr];
  });
}

export function makeFake(options: Partial<FakeOptions> = {}): EngineModule {
  const full: FakeOptions = { msPerStep: 0, msPerPipeline: 0, lag: 0, software: false, ...options };
  return {
    presets: () => presets,
    knobs: () => knobs,
    schedule: schedulePoints,
    create: (device) => {
      if (device === "gpu" && full.failCreate !== undefined) {
        return Promise.reject(new FakeError(full.failCreate, "This browser has no WebGPU."));
      }
      return Promise.resolve(new FakeEngine(device, full));
    },
  };
}

/** The stand-in as the page sees it: slow enough to watch. The page's address chooses faults. */
export function fakeFromQuery(query: string): EngineModule {
  const options = new URLSearchParams(query);
  const fail = options.get("fail");
  return makeFake({
    msPerStep: Number(options.get("ms") ?? 4),
    msPerPipeline: Number(options.get("compile") ?? 25),
    lag: 2,
    software: options.has("software"),
    ...(fail === null ? {} : { failCreate: fail }),
  });
}
