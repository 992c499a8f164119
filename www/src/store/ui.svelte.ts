/** What the page shows and how, apart from the run itself: theme, width, the chosen head and cell, open dialogs. */
import type { Cell } from "../draw/layout.ts";
import type { Inks } from "../draw/matrix.ts";
import type { ScaleName } from "../draw/scale.ts";
import type { Theme } from "../draw/color.ts";
import type { RunInfo, StageName } from "../engine/surface.ts";

export type ThemeChoice = "system" | Theme;
export type Tab = "attention" | "loss" | "samples" | "setup";

const THEME_KEY = "trainyard.theme";

/** Storage may be forbidden; the page works without it. */
function remembered(): ThemeChoice {
  try {
    const kept = localStorage.getItem(THEME_KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}

function remember(choice: ThemeChoice): void {
  try {
    localStorage.setItem(THEME_KEY, choice);
  } catch {
    // Nothing to do: the choice holds until the page is closed.
  }
}

/** A head: of which kind of attention, in which layer. */
export interface HeadPlace {
  stage: StageName;
  layer: number;
  head: number;
}

export class Ui {
  choice = $state<ThemeChoice>(remembered());
  systemDark = $state(false);
  narrow = $state(false);
  calm = $state(false);
  tab = $state<Tab>("attention");
  stage = $state<StageName>("decoder");
  layer = $state(0);
  head = $state(0);
  /** All masks in one picture, instead of the stages one by one. */
  figure = $state(false);
  /** In that picture: the mean over all heads, instead of the chosen one. */
  mean = $state(false);
  /** The visitor has chosen the head in this run. */
  chosen = false;
  hover = $state<Cell | undefined>(undefined);
  pinned = $state<Cell | undefined>(undefined);
  mask = $state(true);
  scale = $state<ScaleName>("sqrt");
  asTable = $state(false);
  help = $state(false);
  shortcuts = $state(true);

  readonly theme: Theme = $derived(this.choice === "system" ? (this.systemDark ? "dark" : "light") : this.choice);
  /** The cell that everything beside the map talks about. */
  readonly cell: Cell | undefined = $derived(this.hover ?? this.pinned);

  constructor() {
    const watch = (query: string, set: (matches: boolean) => void): void => {
      const media = window.matchMedia(query);
      set(media.matches);
      media.addEventListener("change", () => {
        set(media.matches);
      });
    };
    watch("(prefers-color-scheme: dark)", (matches) => (this.systemDark = matches));
    watch("(max-width: 760px)", (matches) => (this.narrow = matches));
    watch("(prefers-reduced-motion: reduce)", (matches) => (this.calm = matches));
  }

  /** System, then light, then dark, and round again. */
  cycleTheme(): void {
    this.choice = this.choice === "system" ? "light" : this.choice === "light" ? "dark" : "system";
    remember(this.choice);
  }

  applyTheme(): void {
    document.documentElement.dataset.theme = this.theme;
  }

  /** The visitor's choice of a head. */
  select(head: HeadPlace): void {
    this.chosen = true;
    this.show(head);
  }

  show({ stage, layer, head }: HeadPlace): void {
    // The rows of cross-attention and of the decoder are the same tokens: a pinned one stays.
    if (stage !== this.stage && (stage === "encoder" || this.stage === "encoder")) this.pinned = this.hover = undefined;
    this.stage = stage;
    this.layer = layer;
    this.head = head;
  }

  /** Keeps the choice inside a new model; where the kind of attention is gone, the first one that there is comes up. */
  fit({ encoder, decoder, data }: RunInfo): void {
    const there: StageName[] = encoder === null ? ["decoder"] : decoder === null ? ["encoder"] : ["encoder", "cross", "decoder"];
    const kept = this.chosen;
    this.pinned = this.hover = undefined;
    this.chosen = false;
    if (!kept || !there.includes(this.stage)) this.stage = there.includes("cross") ? "cross" : (there[0] ?? "decoder");
    this.figure = data.kind === "figure" || data.name === "figure";
    const [layers, heads] = (this.stage === "encoder" ? encoder : decoder) ?? [1, 1];
    this.layer = Math.min(this.layer, layers - 1);
    this.head = Math.min(this.head, heads - 1);
  }
}

/** The page's tokens as the canvas needs them. Call again after the theme has changed. */
export function readInks(): Inks {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: token("--text"),
    muted: token("--muted"),
    hatch: token("--hatch"),
    hatchGround: token("--hatch-ground"),
    accent: token("--mark"),
    ground: token("--card"),
    font: `13px ${token("--mono")}`,
  };
}
