// Assertions of the checks, each of which says what it saw. A value that is not a number never passes.

export function that(condition, sentence) {
  if (condition !== true) throw new Error(sentence);
}

export function equal(seen, wanted, what) {
  that(Object.is(seen, wanted), `${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
}

export function below(value, limit, what) {
  that(value < limit, `${what}: ${value} is not below ${limit}`);
}

/**
 * Every row sums to 1 within `tolerance`, every weight is a finite number of 0 to 1. Under a causal mask every future cell
 * is exactly 0; without one, every cell is above 0.
 */
export function rightMaps({ name, probs, layers, heads, queries, keys }, causal, tolerance = 1e-5) {
  equal(probs.length, layers * heads * queries * keys, `${name}: number of weights`);
  for (let row = 0; row < layers * heads * queries; row += 1) {
    const query = row % queries;
    let sum = 0;
    for (let key = 0; key < keys; key += 1) {
      const p = probs[row * keys + key];
      that(Number.isFinite(p) && p >= 0 && p <= 1, `${name}: weight ${p} at row ${row}, key ${key}`);
      if (causal && key > query) equal(p, 0, `${name}: future cell at query ${query}, key ${key}`);
      else that(p > 0, `${name}: query ${query} does not see key ${key}`);
      sum += p;
    }
    that(Math.abs(sum - 1) <= tolerance, `${name}: row ${row} sums to ${sum}`);
  }
}

/** The maps of a model that only decodes. */
export function causalMaps({ stages }) {
  equal(stages.map(({ name }) => name).join(), "decoder", "kinds of attention");
  rightMaps(stages[0], true);
}

/** Runs something that must fail, and gives its sentence. */
export function refused(action, what) {
  try {
    action();
  } catch (error) {
    return error.message;
  }
  throw new Error(`${what} was accepted`);
}
