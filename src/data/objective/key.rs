//! What a batch's random draws are keyed by.

use crate::rng::{Draws, Stream};

/// Validation batches are the same in every run, whatever its seed.
const VALIDATION_SEED: u32 = 0;

/// Names a batch: (seed, step) in training, an index in validation. Each example has two sequences of draws, one that
/// chooses its text and one that corrupts it.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct Key {
    step: u32,
    seed: u32,
    choice: Stream,
    noise: Stream,
}

impl Key {
    pub const fn train(seed: u32, step: u32) -> Self {
        Self { step, seed, choice: Stream::Windows, noise: Stream::Noise }
    }

    pub const fn validation(index: u32) -> Self {
        Self { step: index, seed: VALIDATION_SEED, choice: Stream::Validation, noise: Stream::ValidationNoise }
    }

    /// Draws for the whole batch, one example after the other.
    pub const fn batch(self) -> Draws {
        self.choice(0)
    }

    /// Draws that choose the text of an example.
    pub const fn choice(self, example: u32) -> Draws {
        Draws::of_example(self.step, example, self.choice, self.seed)
    }

    /// Draws that corrupt an example.
    pub const fn noise(self, example: u32) -> Draws {
        Draws::of_example(self.step, example, self.noise, self.seed)
    }

    /// Draws that corrupt what stands at a place of the text, at every visit alike.
    pub const fn noise_at(self, place: u32) -> Draws {
        Draws::new(place, self.noise, self.seed)
    }
}
