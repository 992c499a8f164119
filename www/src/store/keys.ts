/** The page's single-key shortcuts. They do nothing inside fields, with a modifier held, or when switched off. */
import type { App } from "./app.svelte.ts";

export const SHORTCUTS: readonly { keys: string[]; does: string }[] = [
  { keys: ["Space"], does: "Train or pause" },
  { keys: ["."], does: "One step" },
  { keys: ["R"], does: "Restart (asks when more than 30 s of training would be lost)" },
  { keys: ["M"], does: "Show or hide the mask" },
  { keys: ["F"], does: "Show all masks in one figure" },
  { keys: ["T"], does: "Show the map as a table" },
  { keys: ["[", "]"], does: "Previous or next layer" },
  { keys: ["-", "="], does: "Previous or next head" },
  { keys: ["←", "↑", "→", "↓"], does: "In the map: move the cell" },
  { keys: ["Enter"], does: "In the map: pin the cell" },
  { keys: ["Esc"], does: "Unpin; close a dialog" },
  { keys: ["?"], does: "This help" },
];

/** Whether a key press belongs to the focused element instead. */
function taken(target: EventTarget | null, key: string): boolean {
  // An open dialog has all keys, also when nothing in it is focused.
  if (document.querySelector("dialog[open]") !== null) return true;
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches("input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable]")) return true;
  return key === " " && target.matches("button, a, summary, input, [role=radio], [role=tab]");
}

export function shortcuts(app: App, event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const { ui } = app;
  if (!ui.shortcuts || taken(event.target, event.key)) return;
  const stage = app.run?.inspection?.stages.find(({ name }) => name === ui.stage);
  const turn = (layer: number, head: number): void => {
    if (stage === undefined) return;
    const cycle = (value: number, step: number, size: number): number => (value + step + size) % size;
    ui.select({ stage: ui.stage, layer: cycle(ui.layer, layer, stage.layers), head: cycle(ui.head, head, stage.heads) });
  };
  const actions: Partial<Record<string, () => void>> = {
    " ": () => { app.toggle(); },
    ".": () => { app.step(); },
    r: () => { app.restart(); },
    m: () => { ui.mask = !ui.mask; },
    f: () => { ui.figure = !ui.figure; },
    t: () => { ui.asTable = !ui.asTable; },
    "[": () => { turn(-1, 0); },
    "]": () => { turn(1, 0); },
    "-": () => { turn(0, -1); },
    "=": () => { turn(0, 1); },
    "?": () => { ui.help = true; },
    Escape: () => {
      ui.pinned = undefined;
      ui.hover = undefined;
    },
  };
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}
