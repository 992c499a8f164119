//! The random choices that objectives share, over counted draws.

use crate::rng::Draws;

/// Lengths of Poisson spans stop here; fairseq's table has as many entries.
const LONGEST_POISSON: usize = 128;

/// True with probability `p`, to 2⁻³².
pub(super) fn chance(draws: &mut Draws, p: f64) -> bool {
    f64::from(draws.word()) < p * 4_294_967_296.0
}

/// Puts a list into a uniformly random order (Fisher and Yates).
pub(super) fn shuffle<T>(draws: &mut Draws, list: &mut [T]) {
    for last in (1..list.len()).rev() {
        list.swap(last, draws.below(last as u32 + 1) as usize);
    }
}

/// The numbers `0..n` in a uniformly random order.
pub(super) fn permutation(draws: &mut Draws, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(draws, &mut order);
    order
}

/// The nearest whole number, halves to the even one, as Python and TensorFlow round; 0 for what is not positive.
pub(super) fn rounded(x: f64) -> usize {
    x.round_ties_even() as usize
}

/// Poisson lengths by inversion of the cumulative distribution.
#[derive(Clone, Debug)]
pub(super) struct Poisson {
    cumulative: Vec<f64>,
}

impl Poisson {
    /// With mean `lambda`, [`LEAST_LAMBDA`] to [`MOST_LAMBDA`].
    pub(super) fn new(lambda: f64) -> Self {
        let mut probability = libm::exp(-lambda);
        let mut sum = 0.0;
        let mut cumulative = Vec::new();
        for k in 0..LONGEST_POISSON {
            sum += probability;
            cumulative.push(sum);
            probability *= lambda / (k as f64 + 1.0);
        }
        Self { cumulative }
    }

    pub(super) fn draw(&self, draws: &mut Draws) -> usize {
        let u = f64::from(draws.word()) / 4_294_967_296.0;
        self.cumulative.partition_point(|&bound| bound <= u).min(LONGEST_POISSON - 1)
    }
}

/// The largest mean of a Poisson length: less than 2⁻³² of its distribution lies beyond the table.
pub(super) const MOST_LAMBDA: f64 = 40.0;

/// The smallest mean of a Poisson length: below, nearly all spans are empty, and drawing enough others takes long.
pub(super) const LEAST_LAMBDA: f64 = 0.1;
