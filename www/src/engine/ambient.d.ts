/** Types of modules and globals that TypeScript's own libraries do not declare. */

declare module "trainyard-wasm" {
  import type { DeviceKind, EngineHandle, Knob, Preset, SchedulePoints, Settings } from "./surface.ts";
  export default function init(input?: { module_or_path: URL | Response | BufferSource }): Promise<unknown>;
  export function presets(): Preset[];
  export function knobs(): Knob[];
  export function schedule(preset: string, settings: Settings, points: number): SchedulePoints;
  export const Engine: { create(device: DeviceKind): Promise<EngineHandle> };
}

declare module "trainyard-wasm-binary" {
  const url: string;
  export default url;
}

interface TrustedTypePolicyLike {
  /** The DOM library types the worker's address as a string; a trusted address is used in its place. */
  createScriptURL(input: string): string;
}

interface Window {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL?: (input: string) => string }): TrustedTypePolicyLike;
  };
}
