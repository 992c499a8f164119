/**
 * What a setting is before the visitor has changed it. A preset says so for its own family and objective; under another
 * one the engine makes up the model anew, and its answer to the first such set-up is remembered.
 */
import type { Family, Knob, Preset, Settings, Value } from "../engine/surface.ts";
import { isFamily } from "./families.ts";
import type { Draft } from "./url.ts";

export function familyOf(draft: Draft, preset: Preset | undefined): Family | undefined {
  const chosen = draft.settings.family;
  return isFamily(chosen) ? chosen : preset?.family;
}

/** The objectives that a family can be trained with; the first is its own. */
export const objectivesOf = (family: Family | undefined, presets: readonly Preset[]): string[] =>
  presets.find((preset) => preset.family === family)?.objectives ?? [];

export function objectiveOf(draft: Draft, preset: Preset | undefined, presets: readonly Preset[]): string | undefined {
  const chosen = draft.settings.objective;
  if (typeof chosen === "string") return chosen;
  const family = familyOf(draft, preset);
  if (family !== preset?.family) return objectivesOf(family, presets)[0];
  return typeof preset?.settings.objective === "string" ? preset.settings.objective : undefined;
}

/** Which settings the family, and which the objective, makes up anew. */
const OF_FAMILY: readonly Knob["group"][] = ["model", "tokens", "objective"];

/** Whether a preset still says what a setting is, under a draft. */
export function presetHolds(knob: Knob, draft: Draft, preset: Preset | undefined): boolean {
  if (knob.key === "family") return true;
  if (familyOf(draft, preset) !== preset?.family && OF_FAMILY.includes(knob.group)) return false;
  return knob.key === "objective" || knob.group !== "objective" || draft.settings.objective === undefined;
}

/** What the engine has said, by preset, family and objective. */
export class Bases {
  private readonly known = new Map<string, Settings>();

  private key(draft: Draft, preset: Preset | undefined, presets: readonly Preset[]): string {
    return [draft.preset, familyOf(draft, preset), objectiveOf(draft, preset, presets)].join("|");
  }

  /** Keeps what a run was set up with, less what the visitor had set. */
  learn(draft: Draft, preset: Preset | undefined, presets: readonly Preset[], settings: Settings): void {
    const key = this.key(draft, preset, presets);
    const fresh = Object.entries(settings).filter(([name]) => !(name in draft.settings));
    this.known.set(key, { ...this.known.get(key), ...Object.fromEntries(fresh) });
  }

  value(knob: Knob, draft: Draft, preset: Preset | undefined, presets: readonly Preset[]): Value | undefined {
    if (presetHolds(knob, draft, preset)) return preset?.settings[knob.key];
    if (knob.key === "objective") return objectivesOf(familyOf(draft, preset), presets)[0];
    return this.known.get(this.key(draft, preset, presets))?.[knob.key];
  }
}
