//! Runs of n tokens, counted.

use std::collections::HashMap;

/// How often each run of n tokens occurs.
pub(super) fn ngrams<'a, 't>(tokens: &'a [&'t str], n: usize) -> HashMap<&'a [&'t str], usize> {
    let mut counts = HashMap::new();
    for run in tokens.windows(n) {
        *counts.entry(run).or_default() += 1;
    }
    counts
}

/// How many runs both have, each as often as both have it.
pub(super) fn shared(a: &HashMap<&[&str], usize>, b: &HashMap<&[&str], usize>) -> usize {
    a.iter().map(|(run, count)| *count.min(b.get(run).unwrap_or(&0))).sum()
}
