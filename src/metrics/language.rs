//! Language models.

/// `exp(loss)`: among how many equally likely tokens the model seems to choose. Loss in nats a token.
#[must_use]
pub fn perplexity(loss: f64) -> f64 {
    libm::exp(loss)
}

/// Loss in nats a token as bits a character, which compares across tokenizers. `None` without characters.
#[must_use]
pub fn bits_per_character(loss: f64, tokens: u64, characters: u64) -> Option<f64> {
    (characters > 0).then(|| loss * tokens as f64 / (characters as f64 * core::f64::consts::LN_2))
}
