//! Objectives: noise as published, batches as their layout says, and the figures' examples.

mod causal;
mod denoise;
mod encoder;
mod families;
mod figures;
mod mlm;
mod names;
mod nsp;
mod seq2seq;
mod span;
mod t5;

use trainyard::data::{Batch, Dataset, Frame, TokenizerChoice, Vocabulary};
use trainyard::rng::{Draws, Stream};
use trainyard::text::{Specials, Template, Tokenizer, TrainKind, TrainSpec};

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

/// The built-in text in characters, with every special token that an objective may want; none starts a text in T5's frame.
fn world(frame: Frame) -> Dataset {
    let letters: Vec<String> = ('a'..='z').chain("\n .,?-".chars()).map(String::from).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    let sentinels: Vec<String> = (0..50).rev().map(|k| format!("<extra_id_{k}>")).collect();
    let mut extra = vec!["<pad>", "<unk>", "</s>", "<mask>"];
    if frame != Frame::T5 {
        extra.push("<s>");
    }
    extra.extend(sentinels.iter().map(String::as_str));
    built_in(TokenizerChoice::Given(Tokenizer::symbols(&letters, &extra))).with_frame(frame)
}

/// The built-in text in characters with a family's special tokens.
fn family(template: Template) -> Dataset {
    built_in(TokenizerChoice::Trained(TrainSpec::new(TrainKind::Characters, 0, template)))
}

fn built_in(choice: TokenizerChoice) -> Dataset {
    Dataset::world_with(0, choice).expect("the built-in text")
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
