/** The dialog that loads a model: what was found, how far it is, what came of it. The run before goes on until then. */
import { directoryOf, LoadError, openOrigin, type Origin } from "../engine/origin.ts";
import type { Draft } from "./url.ts";
import type { Preset, LoadReport } from "../engine/surface.ts";
import { familyOf } from "./base.ts";
import { isFamily, presetFor } from "./families.ts";

/** What of a checkpoint is read. */
const WANTED = /^(config\.json|tokenizer\.json|model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json|pytorch_model\.bin)$/;

export class Loading {
  open = $state(false);
  url = $state("");
  files = $state.raw<File[]>([]);
  busy = $state(false);
  progress = $state.raw<{ name: string; done: number; total: number } | undefined>(undefined);
  report = $state.raw<LoadReport | undefined>(undefined);
  problem = $state("");

  /** Files that were dropped or chosen, less those that no checkpoint has. */
  take(files: Iterable<File>): void {
    this.files = [...files].filter((file) => WANTED.test(file.name));
    this.report = undefined;
    this.problem = this.files.length === 0 ? "None of these files belongs to a checkpoint: config.json, tokenizer.json and model.safetensors are needed." : "";
  }

  begin(): void {
    this.busy = true;
    this.problem = "";
    this.report = undefined;
    this.progress = undefined;
  }

  loaded(report: LoadReport): void {
    this.busy = false;
    this.report = report;
    this.files = [];
  }

  failed(sentence: string): void {
    this.busy = false;
    this.progress = undefined;
    this.problem = sentence;
  }
}

/** The set-up for a checkpoint, from its configuration: the preset on the page if it is of its family, else the family's own. */
export async function draftFor(origin: Origin, draft: Draft, presets: readonly Preset[]): Promise<Draft> {
  if ("url" in origin) directoryOf(origin.url);
  const file = await openOrigin(origin, AbortSignal.timeout(30_000), () => undefined).open("config.json");
  if (file === undefined) throw new LoadError("refused", "There is no config.json.");
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder().decode(await file.read(0, file.size)));
  } catch (thrown) {
    if (thrown instanceof LoadError) throw thrown;
    throw new LoadError("refused", "config.json is no JSON.");
  }
  const read = (key: string): unknown => (typeof config === "object" && config !== null ? Reflect.get(config, key) : undefined);
  const family = read("model_type");
  if (!isFamily(family)) throw new LoadError("refused", `config.json: model_type ${typeof family === "string" ? `"${family.slice(0, 40)}"` : "is missing: it"} is none of bert, gpt2, t5, bart, transformer.`);
  const current = presets.find((preset) => preset.name === draft.preset);
  const same = familyOf(draft, current) === family && current !== undefined;
  const preset = same ? current : presetFor(family, undefined, presets);
  if (preset === undefined) throw new LoadError("refused", `No preset trains ${family}.`);
  const settings = same ? { ...draft.settings } : {};
  const positions = read(family === "gpt2" ? "n_positions" : "max_position_embeddings");
  const context = settings.context ?? preset.settings.context;
  if (typeof positions === "number" && typeof context === "number" && positions < context) settings.context = positions;
  return { preset: preset.name, settings, seed: draft.seed };
}
