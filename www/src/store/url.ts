/**
 * The page's address carries the set-up: `#v=1&preset=sort&n_layer=2&seed=7`. Only what differs from the preset is
 * written; what cannot be read is dropped, never guessed.
 */
import type { Family, Knob, Preset, Settings, Value } from "../engine/surface.ts";
import { familyOf, presetHolds } from "./base.ts";
import { isFamily } from "./families.ts";

export interface Draft {
  preset: string;
  /** Overrides of the preset's settings. */
  settings: Settings;
  seed: number;
}

export const LINK_VERSION = "1";
export const DEFAULT_PRESET = "reverse";
export const DEFAULT_SEED = 1;
const MAX_SEED = 2 ** 32 - 1;

/** Reads one setting; undefined where the text is no value of this knob. */
export function parseValue(knob: Knob, text: string): Value | undefined {
  switch (knob.kind) {
    case "bool":
      return text === "true" || text === "on" ? true : text === "false" || text === "off" ? false : undefined;
    case "choice":
      return knob.choices?.includes(text) === true ? text : undefined;
    case "int":
    case "float": {
      if (knob.nullable === true && ["", "auto", "null"].includes(text.trim())) return null;
      if (text.trim() === "") return undefined;
      const value = Number(text);
      const inside = Number.isFinite(value) && value >= knob.min && value <= knob.max;
      return inside && (knob.kind === "float" || Number.isInteger(value)) ? value : undefined;
    }
  }
}

/** The knob of a name that a family has: families may share a name with different meanings. */
export const knobOf = (knobs: readonly Knob[], key: string, family: Family | undefined): Knob | undefined =>
  knobs.find((knob) => knob.key === key && belongs(knob, family));

export const belongs = ({ families }: Knob, family: Family | undefined): boolean => families.length === 0 || (family !== undefined && families.includes(family));

export function encode(draft: Draft): string {
  const parameters = new URLSearchParams({ v: LINK_VERSION, preset: draft.preset });
  for (const key of Object.keys(draft.settings).sort()) parameters.set(key, String(draft.settings[key]));
  if (draft.seed !== DEFAULT_SEED) parameters.set("seed", String(draft.seed));
  return `#${parameters.toString()}`;
}

/** The set-up that a link asks for, and what in it was dropped. */
export function decode(hash: string, presets: readonly Preset[], knobs: readonly Knob[]): { draft: Draft; dropped: string[] } {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const first = presets.find((preset) => preset.name === DEFAULT_PRESET) ?? presets[0];
  const draft: Draft = { preset: first?.name ?? DEFAULT_PRESET, settings: {}, seed: DEFAULT_SEED };
  const dropped: string[] = [];
  if (hash.length <= 1) return { draft, dropped };
  const version = parameters.get("v");
  if (version !== LINK_VERSION) return { draft, dropped: [`version ${version ?? "(none)"}`] };
  const asked = parameters.get("preset");
  const preset = presets.find((candidate) => candidate.name === (asked ?? draft.preset));
  if (preset === undefined) dropped.push(`preset ${asked ?? ""}`);
  else draft.preset = preset.name;
  // The family comes first: it decides which other settings there are.
  const family = parameters.get("family");
  if (isFamily(family) && family !== preset?.family) draft.settings.family = family;
  for (const [key, text] of parameters) {
    if (key === "v" || key === "preset" || (key === "family" && isFamily(text))) continue;
    if (key === "seed") {
      const seed = Number(text);
      if (text !== "" && Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED) draft.seed = seed;
      else dropped.push(`seed ${text}`);
      continue;
    }
    const knob = knobOf(knobs, key, familyOf(draft, preset));
    const value = knob === undefined ? undefined : parseValue(knob, text);
    if (knob === undefined || value === undefined) dropped.push(`${key} ${text}`);
    else if (!presetHolds(knob, draft, preset) || preset?.settings[key] !== value) draft.settings[key] = value;
  }
  return { draft, dropped };
}
