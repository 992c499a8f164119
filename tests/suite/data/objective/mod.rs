//! Objectives: noise as published, batches as their layout says, and the figures' examples.

mod causal;
mod denoise;
mod encoder;
mod figures;
mod mlm;
mod names;
mod nsp;
mod seq2seq;
mod span;
mod t5;

use trainyard::data::{Batch, Dataset, Frame, TokenizerChoice, Vocabulary};
use trainyard::rng::{Draws, Stream};
use trainyard::text::{Specials, Tokenizer};

/// Draws of one test.
fn draws(item: u32) -> Draws {
    Draws::new(item, Stream::Noise, 17)
}

/// Four standard deviations of a frequency around `p`.
fn near(count: usize, total: usize, p: f64) -> bool {
    let sigma = (p * (1.0 - p) / total as f64).sqrt();
    (count as f64 / total as f64 - p).abs() < 4.0 * sigma
}

/// Pearson's statistic against equal likelihood of all `counts`.
fn chi_squared(counts: &[usize]) -> f64 {
    let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum()
}

/// Whether the counts look equally likely: the statistic within four standard deviations of its mean.
fn uniform(counts: &[usize]) -> bool {
    let freedom = counts.len() as f64 - 1.0;
    chi_squared(counts) < freedom + 4.0 * (2.0 * freedom).sqrt()
}

#[test]
fn the_test_of_equal_likelihood_can_fail() {
    assert!(uniform(&[1000, 1030, 985, 1010]));
    assert!(!uniform(&[1000, 1200, 1000, 1000]));
}

/// Special tokens 0 to 4 and sentinels from 999 down, in a vocabulary of 1000 words where 42 is a full stop.
fn specials() -> Specials {
    Specials {
        pad: Some(0),
        unk: Some(1),
        start: Some(2),
        end: Some(3),
        mask: Some(4),
        sentinels: (0..100).map(|k| 999 - k).collect(),
    }
}

fn vocabulary() -> Vocabulary {
    Vocabulary::of_words(1000, specials(), &[42])
}

/// A table of the built-in text's characters, with special tokens behind them, for any frame.
fn world(frame: Frame) -> Dataset {
    let letters: Vec<String> = ('a'..='z').chain("\n .,?-".chars()).map(String::from).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    let sentinels: Vec<String> = (0..50).rev().map(|k| format!("<extra_id_{k}>")).collect();
    let mut extra = vec!["<pad>", "<unk>", "<s>", "</s>", "<mask>"];
    extra.extend(sentinels.iter().map(String::as_str));
    let tokenizer = Tokenizer::symbols(&letters, &extra);
    let specials = Specials {
        pad: tokenizer.id("<pad>"),
        unk: tokenizer.id("<unk>"),
        start: if frame == Frame::T5 { None } else { tokenizer.id("<s>") },
        end: tokenizer.id("</s>"),
        mask: tokenizer.id("<mask>"),
        sentinels: (0..50).filter_map(|k| tokenizer.id(&format!("<extra_id_{k}>"))).collect(),
    };
    let dataset = Dataset::world_with(0, TokenizerChoice::Given(tokenizer)).expect("the built-in text");
    dataset.with_specials(specials, frame)
}

/// A tensor that the batch is to have.
fn words<'a>(batch: &'a Batch, name: &str) -> &'a [u32] {
    batch.words(name).unwrap_or_else(|| panic!("the batch has no {name}"))
}

/// The weights: each 0 or one over their number, in sum 1.
fn counted<'a>(batch: &'a Batch, name: &str) -> &'a [f32] {
    let weights = batch.floats(name).unwrap_or_else(|| panic!("the batch has no {name}"));
    let count = weights.iter().filter(|&&weight| weight != 0.0).count();
    assert!(count > 0, "{name}: nothing counts");
    let each = 1.0 / count as f32;
    assert!(weights.iter().all(|&weight| weight == 0.0 || weight == each), "{name}: unequal weights");
    if name == "weights" {
        assert_eq!(batch.counted as usize, count);
    }
    weights
}
