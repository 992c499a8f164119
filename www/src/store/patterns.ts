/**
 * Names for what a head does. Each kind marks, for every query, the keys that a head of that kind would look at; the
 * score is the mass found there, on a scale where a uniform row is 0 and all of it is 1.
 */

export interface Pattern {
  name: string;
  score: number;
}

export interface HeadPattern extends Pattern {
  layer: number;
  head: number;
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

/** Every kind's score for a causal map, in one pass over it. `tokens` are the labels of the probe. */
export function scores(map: ArrayLike<number>, tokens: readonly string[]): Pattern[] {
  const length = tokens.length;
  const tallies = (size: number): Tally[] => Array.from({ length: size }, () => new Tally());
  const back = tallies(length);
  const anti = tallies(2 * length);
  const [first, same, induction] = [new Tally(), new Tally(), new Tally()];
  for (let query = 1; query < length; query += 1) {
    const share = 1 / (query + 1);
    const repeats = { keys: 0, mass: 0 };
    const follows = { keys: 0, mass: 0 };
    for (let key = 0; key <= query; key += 1) {
      const p = map[query * length + key] ?? 0;
      back[query - key]?.add(p, share);
      anti[query + key]?.add(p, share);
      if (key === 0) first.add(p, share);
      if (key === query) continue;
      if (tokens[key] === tokens[query]) {
        repeats.keys += 1;
        repeats.mass += p;
      }
      if (key > 0 && tokens[key - 1] === tokens[query]) {
        follows.keys += 1;
        follows.mass += p;
      }
    }
    if (repeats.keys > 0) same.add(repeats.mass, repeats.keys * share);
    if (follows.keys > 0) induction.add(follows.mass, follows.keys * share);
  }
  const found = back.map((tally, k) => ({ name: k === 0 ? "self" : k === 1 ? "previous" : `${k} back`, score: tally.score }));
  found.push({ name: "first", score: first.score }, { name: "same token", score: same.score }, { name: "induction", score: induction.score });
  // An anti-diagonal has constant query + key and reaches the last rows.
  for (let sum = length - 2; sum <= 2 * length - 2 - MIN_ROWS; sum += 1) found.push({ name: "anti-diagonal", score: anti[sum]?.score ?? 0 });
  return found;
}

/** The best name for a causal map, or undefined when none fits. */
export function detect(map: ArrayLike<number>, tokens: readonly string[]): Pattern | undefined {
  const best = scores(map, tokens).reduce((a, b) => (b.score > a.score ? b : a), { name: "", score: 0 });
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
