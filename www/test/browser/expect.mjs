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

/** Every row sums to 1 within `tolerance`, every future cell is exactly 0, every weight a finite number of 0 to 1. */
export function causalMaps({ probs, layers, heads, length }, tolerance = 1e-5) {
  equal(probs.length, layers * heads * length * length, "number of weights");
  for (let row = 0; row < layers * heads * length; row += 1) {
    const query = row % length;
    let sum = 0;
    for (let key = 0; key < length; key += 1) {
      const p = probs[row * length + key];
      that(Number.isFinite(p) && p >= 0 && p <= 1, `weight ${p} at row ${row}, key ${key}`);
      if (key > query) equal(p, 0, `future cell at query ${query}, key ${key}`);
      sum += p;
    }
    that(Math.abs(sum - 1) <= tolerance, `row ${row} sums to ${sum}`);
  }
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
