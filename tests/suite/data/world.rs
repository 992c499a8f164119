//! The synthetic world as a whole: its text is pinned, reachable at random, and hardly repeats.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use sha2::{Digest, Sha256};
use trainyard::data::world::{self, TRAIN, VALIDATION, World};
use trainyard::data::{Dataset, Objective, Shape, TokenizerChoice};
use trainyard::text::Kind;

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A change of any word, table or draw changes every published number that rests on this text.
#[test]
fn the_first_thousand_documents_are_pinned() {
    assert_eq!(sha256(&world::text(0, 0, 1000)), "397a39654af80b77307e3a2b058a93a21be9012bcb99f4a5556c6a8848af9f1d");
    assert_eq!(sha256(&world::text(1, 0, 1000)), "a8b58f6929d816d7d97df5f473c25e2f707b952b62fdbead434489697156f3d9");
}

#[test]
fn a_document_is_the_same_however_it_is_reached() {
    let world = World::new(7);
    let text = world.text(1000, 50);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 50);
    for (index, line) in (1000..1050).zip(lines.iter()).rev() {
        assert_eq!(world.document(index).text, *line);
    }
    assert_eq!(world::document(7, 1049), lines[49]);
    assert_ne!(world::document(8, 1049), lines[49]);
    assert!(!world::document(0, u32::MAX).is_empty());
}

#[test]
fn words_are_lower_case_and_single_spaced() {
    let text = world::text(3, 0, 2000);
    assert!(text.chars().all(|c| c.is_ascii_lowercase() || " .,?-\n".contains(c)));
    assert!(!text.contains("  ") && !text.contains(" \n") && !text.contains("\n "));
}

#[test]
fn documents_hardly_repeat_and_validation_is_not_in_training() {
    let world = World::new(0);
    let hash = |index| {
        let mut hasher = DefaultHasher::new();
        world.document(index).text.hash(&mut hasher);
        hasher.finish()
    };
    let train: HashSet<u64> = TRAIN.take(100_000).map(hash).collect();
    // The limit for a million documents, 1 in 10,000, holds all the more for fewer.
    assert!(100_000 - train.len() <= 10, "{} duplicates", 100_000 - train.len());
    let shared = VALIDATION.take(5000).filter(|&index| train.contains(&hash(index))).count();
    assert!(shared <= 1, "{shared} of 5000 validation documents occur in training");
}

#[test]
fn the_built_in_text_is_a_data_set() {
    let dataset = Dataset::world(0).expect("the built-in text");
    let summary = dataset.summary();
    assert_eq!((summary.kind, summary.name.as_str()), ("world", "world"));
    // a to z, space, newline, and four signs.
    assert_eq!(summary.vocab_size, 32);
    assert!(summary.train_tokens.is_some_and(|tokens| tokens > 4_000_000), "{summary:?}");
    assert!(summary.validation_tokens.is_some_and(|tokens| tokens > 300_000), "{summary:?}");
    let (causal, shape) = (Objective::default(), Shape::single(2, 64));
    let batch = dataset.train_batch(&causal, shape, 0, 0).expect("a sound shape");
    let shown = dataset.show(&batch.words("ids").expect("a batch has ids")[..64]);
    assert!(world::text(0, 0, 25_000).contains(&shown), "{shown}");
    let batch = dataset.validation_batch(&causal, shape, 0).expect("a sound shape");
    let shown = dataset.show(&batch.words("ids").expect("a batch has ids")[..64]);
    assert!(world::text(0, VALIDATION.start, 2000).contains(&shown));
    assert!(dataset.probe(&dataset.default_probe(), 64).is_ok());
    assert_eq!(dataset.default_prompt(), "\n");
}

#[test]
fn the_built_in_text_takes_other_tokenizers() {
    let bpe = Dataset::world_with(0, TokenizerChoice::Bpe(512)).expect("the built-in text");
    assert_eq!((bpe.tokenizer().kind(), bpe.tokenizer().vocab_size()), (Kind::Bpe, 512));
    let characters = Dataset::world(0).expect("the built-in text");
    let tokens = |dataset: &Dataset| dataset.summary().train_tokens.unwrap_or_default();
    assert!(tokens(&bpe) * 2 < tokens(&characters));
}
