/** The sentence that people look at, which of its tokens are hidden, and what the objective makes of it. */
import type { Event, ProbeText } from "../engine/protocol.ts";
import type { Preset, Shown } from "../engine/surface.ts";
import { hiddenIn, toggled } from "./corruption.ts";
import { hidesTokens } from "./objectives.ts";

export class Probe {
  text = $state("");
  /** Chosen by the visitor or by the preset's example; without it the seed decides. */
  hidden = $state.raw<number[] | undefined>(undefined);
  shown = $state.raw<Shown | undefined>(undefined);
  error = $state<string | undefined>(undefined);
  private edited = false;
  /** Of the run; under some there is nothing to choose, and what was chosen before waits. */
  private objective = "";

  /** A click on a token hides or shows it. */
  readonly clickable: boolean = $derived(this.shown !== undefined && hidesTokens(this.shown.objective));

  /** Back to the run's own sentence with the next run. */
  forget(): void {
    this.edited = false;
    this.hidden = undefined;
  }

  /** What the next run is to show; undefined leaves it to the run. */
  wanted(preset: Preset | undefined, objective: string | undefined, ownText: boolean): ProbeText | undefined {
    this.objective = objective ?? "";
    const example = ownText ? null : (preset?.example ?? null);
    if (this.edited || example === null) return this.edited ? this.now() : undefined;
    this.text = example.probe;
    this.hidden ??= example.hidden;
    return this.now();
  }

  now(): ProbeText {
    return { text: this.text, ...(this.hidden !== undefined && hidesTokens(this.objective) ? { hidden: this.hidden } : {}) };
  }

  edit(text: string): ProbeText {
    this.text = text;
    this.edited = true;
    return this.now();
  }

  /** Hides a token or shows it again, counted without special tokens. */
  toggle(position: number): ProbeText {
    this.hidden = toggled(this.shown === undefined ? [] : hiddenIn(this.shown), position);
    this.edited = true;
    return this.now();
  }

  /** Leaves it to the seed what is hidden. */
  draw(): ProbeText {
    this.hidden = undefined;
    this.edited = true;
    return this.now();
  }

  configured(ownProbe: string, asked: ProbeText | undefined): void {
    this.error = undefined;
    this.shown = undefined;
    if (asked === undefined) this.text = ownProbe;
  }

  answered({ probe, shown, replaced }: Extract<Event, { type: "shown" }>): void {
    this.shown = shown;
    this.error = undefined;
    if (!replaced) return;
    this.text = probe.text;
    this.forget();
  }
}
