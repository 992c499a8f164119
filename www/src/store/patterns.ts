/**
 * Names for what a head does. Each template marks, for every query, the keys that a head of that kind would look at;
 * the score is the mass found there, on a scale where a uniform row is 0 and all of it is 1.
 */

export interface Pattern {
  name: string;
  score: number;
}

/** A badge is shown from this score on. */
export const BADGE_SCORE = 0.5;
/** A template must apply to this many rows before its score means anything. */
const MIN_ROWS = 4;

type Template = (query: number, key: number) => boolean;

/** Mean of (mass - uniform) / (1 - uniform) over the rows that have a marked key and a choice of keys. */
export function score(map: ArrayLike<number>, length: number, template: Template): number {
  let mass = 0;
  let uniform = 0;
  let rows = 0;
  for (let query = 1; query < length; query += 1) {
    let marked = 0;
    let found = 0;
    for (let key = 0; key <= query; key += 1) {
      if (!template(query, key)) continue;
      marked += 1;
      found += map[query * length + key] ?? 0;
    }
    if (marked === 0 || marked > query) continue;
    rows += 1;
    mass += found;
    uniform += marked / (query + 1);
  }
  if (rows < MIN_ROWS) return 0;
  return (mass / rows - uniform / rows) / (1 - uniform / rows);
}

/** The best name for a causal map, or undefined when none fits. `tokens` are the labels of the probe. */
export function detect(map: ArrayLike<number>, tokens: readonly string[]): Pattern | undefined {
  const length = tokens.length;
  const candidates: Pattern[] = [
    { name: "self", score: score(map, length, (query, key) => key === query) },
    { name: "previous", score: score(map, length, (query, key) => key === query - 1) },
    { name: "first", score: score(map, length, (_, key) => key === 0) },
    { name: "same token", score: score(map, length, (query, key) => key < query && tokens[key] === tokens[query]) },
    { name: "induction", score: score(map, length, (query, key) => key > 0 && key < query && tokens[key - 1] === tokens[query]) },
  ];
  // An anti-diagonal has constant query + key and reaches the last rows; short ones are not tried.
  for (let sum = length - 2; sum <= 2 * length - 2 - MIN_ROWS; sum += 1) {
    candidates.push({ name: "anti-diagonal", score: score(map, length, (query, key) => query + key === sum) });
  }
  const best = candidates.reduce((a, b) => (b.score > a.score ? b : a));
  return best.score >= BADGE_SCORE ? best : undefined;
}

/** Mean entropy of the rows with more than one allowed key, relative to uniform: 0 focused, 1 uniform. */
export function entropy(map: ArrayLike<number>, length: number): number {
  let sum = 0;
  for (let query = 1; query < length; query += 1) {
    let row = 0;
    for (let key = 0; key <= query; key += 1) {
      const p = map[query * length + key] ?? 0;
      if (p > 0) row -= p * Math.log(p);
    }
    sum += row / Math.log(query + 1);
  }
  return length > 1 ? sum / (length - 1) : 0;
}
