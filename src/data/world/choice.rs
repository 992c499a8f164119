//! Random choices with integer weights.

use crate::rng::Draws;

/// A distribution over `0..N` as a cumulative table.
pub(super) struct Table<const N: usize> {
    cumulative: [u32; N],
}

impl<const N: usize> Table<N> {
    /// Weights, whose sum stays below 2³².
    pub(super) const fn new(weights: [u32; N]) -> Self {
        let mut cumulative = weights;
        let mut i = 1;
        while i < N {
            cumulative[i] += cumulative[i - 1];
            i += 1;
        }
        Self { cumulative }
    }

    /// An index with the probability of its weight.
    pub(super) fn pick(&self, draws: &mut Draws) -> usize {
        let total = self.cumulative.last().copied().unwrap_or_default();
        let word = draws.below(total);
        self.cumulative.partition_point(|&bound| bound <= word)
    }
}

/// `K` different numbers of `0..n`, uniformly; `n` is at least `K`.
pub(super) fn distinct<const K: usize>(draws: &mut Draws, n: usize) -> [usize; K] {
    let mut chosen = [usize::MAX; K];
    for i in 0..K {
        // The list is short against `n`, so this ends soon.
        chosen[i] = loop {
            let candidate = draws.below(n as u32) as usize;
            if !chosen[..i].contains(&candidate) {
                break candidate;
            }
        };
    }
    chosen
}

/// One of a list, uniformly; nothing from an empty list.
pub(super) fn one_of<T: Copy>(draws: &mut Draws, list: &[T]) -> Option<T> {
    list.get(draws.below(list.len() as u32) as usize).copied()
}
