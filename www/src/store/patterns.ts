/**
 * Names for what a head does. Each kind marks, for every query, the keys that a head of that kind would look at; the
 * score is the mass found there, on a scale where a uniform row is 0 and all of it is 1.
 */

import { allowedKeys, weightAt, type HeadMap } from "../draw/layout.ts";
import type { StageName } from "../engine/surface.ts";

export interface Pattern {
  name: string;
  score: number;
}

export interface HeadPattern extends Pattern {
  stage: StageName;
  layer: number;
  head: number;
}

/** What stands at the rows and columns of a map. */
export interface MapTokens {
  rows: readonly string[];
  columns: readonly string[];
  /** What each row is to predict, where it is to predict anything. */
  expected: readonly (string | undefined)[];
}

/** A badge is shown from this score on. */
export const BADGE_SCORE = 0.5;
/** A kind must apply to this many rows before its score means anything. */
const MIN_ROWS = 4;

class Tally {
  private mass = 0;
  private uniform = 0;
  private rows = 0;

  /** A row with `mass` on the marked keys, of which a uniform row would have `uniform`. */
  add(mass: number, uniform: number): void {
    this.mass += mass;
    this.uniform += uniform;
    this.rows += 1;
  }

  get score(): number {
    return this.rows < MIN_ROWS ? 0 : (this.mass - this.uniform) / (this.rows - this.uniform);
  }
}

/** The name of looking at a fixed distance, positive where the key comes later. */
function distanceName(stage: StageName, distance: number): string {
  if (distance === 0) return stage === "cross" ? "diagonal" : "self";
  if (distance === -1) return stage === "cross" ? "1 back" : "previous";
  if (distance === 1) return stage === "cross" ? "1 ahead" : "next";
  return distance < 0 ? `${-distance} back` : `${distance} ahead`;
}

/** Every kind's score for a map, in one pass over it. A row with one allowed key says nothing and is left out. */
export function scores(stage: StageName, map: HeadMap, tokens: MapTokens): Pattern[] {
  const { queries, keys } = map;
  const tallies = Array.from({ length: queries + keys }, () => new Tally());
  const anti = Array.from({ length: queries + keys }, () => new Tally());
  const [first, same, induction, copied] = [new Tally(), new Tally(), new Tally(), new Tally()];
  for (let query = 0; query < queries; query += 1) {
    const allowed = allowedKeys(map, query);
    if (allowed < 2) continue;
    const share = 1 / allowed;
    const here = tokens.rows[query];
    const wanted = tokens.expected[query];
    const marked = { same: [0, 0], induction: [0, 0], copied: [0, 0] } satisfies Record<string, [number, number]>;
    const mark = (kind: keyof typeof marked, p: number): void => {
      marked[kind][0] += p;
      marked[kind][1] += share;
    };
    for (let key = 0; key < allowed; key += 1) {
      const p = weightAt(map, { query, key });
      tallies[key - query + queries - 1]?.add(p, share);
      anti[query + key]?.add(p, share);
      if (key === 0) first.add(p, share);
      if (stage === "cross") {
        if (wanted !== undefined && tokens.columns[key] === wanted) mark("copied", p);
      } else if (key !== query) {
        if (tokens.columns[key] === here) mark("same", p);
        if (map.causal && key > 0 && tokens.columns[key - 1] === here) mark("induction", p);
      }
    }
    for (const [kind, tally] of [["same", same], ["induction", induction], ["copied", copied]] as const) {
      const [mass, uniform] = marked[kind];
      if (uniform > 0 && uniform < 1) tally.add(mass, uniform);
    }
  }
  const found = tallies.map((tally, i) => ({ name: distanceName(stage, i - queries + 1), score: tally.score }));
  found.push(
    { name: "first", score: first.score }, { name: "same token", score: same.score },
    { name: "induction", score: induction.score }, { name: "the token it writes", score: copied.score },
  );
  // Of a causal map, an anti-diagonal reaches the last rows; what ends before is an accident.
  const lowest = map.causal ? queries - 2 : 0;
  for (let sum = lowest; sum <= queries + keys - 2; sum += 1) found.push({ name: "anti-diagonal", score: anti[sum]?.score ?? 0 });
  return found;
}

/** The best name for a map, or undefined when none fits. */
export function detect(stage: StageName, map: HeadMap, tokens: MapTokens): Pattern | undefined {
  const best = scores(stage, map, tokens).reduce((a, b) => (b.score > a.score ? b : a), { name: "", score: 0 });
  return best.score >= BADGE_SCORE ? best : undefined;
}

/** Mean entropy of the rows with more than one allowed key, relative to uniform: 0 focused, 1 uniform. */
export function entropy(map: HeadMap): number {
  let sum = 0;
  let rows = 0;
  for (let query = 0; query < map.queries; query += 1) {
    const allowed = allowedKeys(map, query);
    if (allowed < 2) continue;
    let row = 0;
    for (let key = 0; key < allowed; key += 1) {
      const p = weightAt(map, { query, key });
      if (p > 0) row -= p * Math.log(p);
    }
    sum += row / Math.log(allowed);
    rows += 1;
  }
  return rows > 0 ? sum / rows : 0;
}
