/** A text before and after its objective, as rows of tokens that say what happened to each. Pure: read by the objective card. */
import type { Change, Inspection, Role, Shown, Span } from "../engine/surface.ts";

/** The kinds of change, without the numbers of spans. */
export type RoleName = "masked" | "replaced" | "kept" | "span" | "deleted" | "inserted" | "permuted" | "rotated" | "continued";

/** What each kind means, in the words of the legend. */
export const ROLE_WORDS: Record<RoleName, string> = {
  masked: "masked: a mask stands in its place",
  replaced: "replaced: a random token stands in its place",
  kept: "kept: visible, and still to be predicted",
  span: "span: one sentinel or mask stands for all of it",
  deleted: "deleted: nothing stands in its place",
  inserted: "inserted: a mask where there was no text",
  permuted: "moved: it stands elsewhere",
  rotated: "rotated: the text starts elsewhere",
  continued: "to be written",
};

export interface Mark {
  role: RoleName;
  /** Of a span, counted from 1. */
  number: number | undefined;
  /** Its place among the changes: what was one part stays one part in every row. */
  change: number;
}

export interface Piece {
  token: string;
  mark: Mark | undefined;
}

export const roleName = (role: Role): RoleName => (typeof role === "string" ? role : "span");

const markOf = (change: Change, i: number): Mark => ({ role: roleName(change.role), number: typeof change.role === "string" ? undefined : change.role.span + 1, change: i });

/** One row's tokens, each with the change that it belongs to; where changes overlap the first wins. */
function row(tokens: readonly string[], changed: readonly Change[], where: (change: Change) => Span): Piece[] {
  const marks = new Array<Mark | undefined>(tokens.length).fill(undefined);
  changed.forEach((change, i) => {
    const { start, end } = where(change);
    for (let at = start; at < Math.min(end, tokens.length); at += 1) marks[at] ??= markOf(change, i);
  });
  return tokens.map((token, at) => ({ token, mark: marks[at] }));
}

export interface Rows {
  text: Piece[];
  input: Piece[];
  target: Piece[];
  /** The kinds that occur, for the legend. */
  roles: RoleName[];
}

export function rowsOf({ text, input, target, changed }: Shown): Rows {
  return {
    text: row(text, changed, (change) => change.text),
    input: row(input, changed, (change) => change.input),
    target: row(target, changed, (change) => change.target),
    roles: [...new Set(changed.map(({ role }) => roleName(role)))],
  };
}

/**
 * What a decoder by itself sees is one sequence: the text, or the question with its answer. Its target is that sequence
 * moved by one, as far as it is known; the places before `counted` are read only.
 */
export function alongDecoder(shown: Shown, inspection: Inspection): { shown: Shown; counted: number } {
  if (shown.input.length === shown.target.length) return { shown, counted: 0 };
  const target = inspection.predictions.flatMap(({ expected }) => (expected === undefined ? [] : [expected]));
  const changed = shown.changed.map((change) => ({ ...change, input: change.text, target: { start: 0, end: 0 } }));
  // A question is all that the text holds; what is written on has changes of its own.
  const counted = changed.length === 0 ? Math.max(0, shown.text.length - 1) : 0;
  return { shown: { ...shown, input: inspection.tokens, target, changed }, counted };
}

/** The tokens of the text that a click would bring back: those that a change takes away or calls for. */
export function hiddenIn({ text, changed }: Shown): number[] {
  const hidden = new Set<number>();
  for (const { role, text: span } of changed) {
    if (["inserted", "permuted", "rotated"].includes(roleName(role))) continue;
    for (let at = span.start; at < Math.min(span.end, text.length); at += 1) hidden.add(at);
  }
  return [...hidden].sort((a, b) => a - b);
}

/** A token hidden if it was not, shown if it was hidden. */
export function toggled(hidden: readonly number[], position: number): number[] {
  return hidden.includes(position) ? hidden.filter((at) => at !== position) : [...hidden, position].sort((a, b) => a - b);
}
