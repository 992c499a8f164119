//! BPE training: against its definition, the crate's trainer, and its limits.

use proptest::prelude::*;
use tokenizers::ModelWrapper;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use trainyard::text::{Kind, TextError, Tokenizer};

#[test]
fn bpe_training_merges_what_is_frequent_and_is_repeatable() {
    let text = "low lower lowest newer newest wider widest\n".repeat(50);
    let tokenizer = Tokenizer::train_bpe(&text, 272).expect("a text");
    assert_eq!(tokenizer.kind(), Kind::Bpe);
    assert_eq!(tokenizer.vocab_size(), 272);
    assert_eq!(tokenizer.eos(), Some(0));
    let ids = tokenizer.encode("lowest wider\n").expect("bytes cover every text");
    assert!(ids.len() <= 6, "{ids:?}");
    assert_eq!(tokenizer.decode(&ids), "lowest wider\n");
    for _ in 0..3 {
        let again = Tokenizer::train_bpe(&text, 272).expect("a text");
        assert_eq!(again.to_json(), tokenizer.to_json());
    }
}

#[test]
fn bpe_sizes_have_limits() {
    assert_eq!(Tokenizer::train_bpe("text", 256).map(|t| t.kind()), Ok(Kind::Bytes));
    for requested in [0, 255, 65_537] {
        let expected = TextError::VocabularySize { kind: "byte-level BPE", requested, min: 256, max: 65_536 };
        assert_eq!(Tokenizer::train_bpe("text", requested).map(|t| t.vocab_size()), Err(expected));
    }
    // Nothing occurs twice: the alphabet and the special token remain.
    assert_eq!(Tokenizer::train_bpe("abc", 300).map(|t| t.vocab_size()), Ok(257));
    assert_eq!(Tokenizer::train_bpe(" \n", 300).map(|t| t.vocab_size()), Err(TextError::Empty));
}

#[test]
fn labels_of_bpe_are_text_where_they_can_be() {
    let tokenizer = Tokenizer::train_bpe(&" the naïve café".repeat(10), 300).expect("a text");
    let label = |token: &str| tokenizer.id(token).map(|id| tokenizer.label(id));
    assert_eq!(label("Ġthe"), Some("␣the".to_owned()));
    assert_eq!(label("Ã"), Some("‹C3›".to_owned()));
    assert_eq!(label("<|endoftext|>"), Some("<|endoftext|>".to_owned()));
}

/// BPE by its definition: count everything anew for every merge. Returns the merges.
fn merge_naively(text: &str, vocab_size: usize) -> Vec<(String, String)> {
    let splitter = ByteLevel::new(false, true, true);
    let mut split = tokenizers::PreTokenizedString::from(text);
    tokenizers::PreTokenizer::pre_tokenize(&splitter, &mut split).expect("any text splits");
    let parts = split.get_splits(tokenizers::OffsetReferential::Original, tokenizers::OffsetType::None);
    let mut words: Vec<Vec<String>> =
        parts.into_iter().map(|(word, _, _)| word.chars().map(String::from).collect()).collect();
    let mut order: Vec<String> =
        Tokenizer::bytes().to_json().parse::<serde_json::Value>().expect("JSON")["model"]["vocab"]
            .as_object()
            .expect("a vocabulary")
            .keys()
            .cloned()
            .collect();
    order.sort_unstable();
    let mut merges = Vec::new();
    while order.len() + 1 < vocab_size {
        let mut counts = std::collections::HashMap::new();
        for pair in words.iter().flat_map(|word| word.windows(2)) {
            *counts.entry((pair[0].clone(), pair[1].clone())).or_insert(0) += 1;
        }
        let rank = |token: &String| order.iter().position(|other| other == token);
        let best = counts.into_iter().max_by_key(|((a, b), count)| (*count, std::cmp::Reverse((rank(a), rank(b)))));
        let Some(((a, b), 2..)) = best else { break };
        let joined = format!("{a}{b}");
        for word in &mut words {
            let mut at = 0;
            while at + 1 < word.len() {
                if word[at] == a && word[at + 1] == b {
                    word.splice(at..at + 2, [joined.clone()]);
                }
                at += 1;
            }
        }
        if !order.contains(&joined) {
            order.push(joined);
        }
        merges.push((a, b));
    }
    merges
}

/// The merges in a file.
fn merges_of(tokenizer: &Tokenizer) -> Vec<(String, String)> {
    let file: serde_json::Value = tokenizer.to_json().parse().expect("JSON");
    serde_json::from_value(file["model"]["merges"].clone()).expect("pairs")
}

#[test]
fn training_does_what_bpe_is_defined_to_do() {
    let text = include_str!("train.rs");
    let tokenizer = Tokenizer::train_bpe(text, 400).expect("a text");
    assert_eq!(merges_of(&tokenizer), merge_naively(text, 400));
    // Another text, other merges: the comparison can fail.
    assert_ne!(merges_of(&tokenizer), merge_naively(&text[text.len() / 2..], 400));
}

#[test]
fn training_agrees_with_the_crates_trainer() {
    let text = include_str!("hostile.rs");
    let special = tokenizers::AddedToken::from("<|endoftext|>", true);
    let trainer = BpeTrainer::builder()
        .vocab_size(600)
        .min_frequency(2)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(vec![special])
        .show_progress(false)
        .build();
    let mut engine = tokenizers::Tokenizer::new(ModelWrapper::BPE(BPE::default()));
    engine.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    engine.train(&mut TrainerWrapper::BpeTrainer(trainer), std::iter::once(text.to_owned())).expect("a text");
    let file: serde_json::Value = engine.to_string(false).expect("JSON").parse().expect("JSON");
    let ours: serde_json::Value = Tokenizer::train_bpe(text, 600).expect("a text").to_json().parse().expect("JSON");
    assert_eq!(ours["model"], file["model"]);
    assert_eq!(ours["added_tokens"], file["added_tokens"]);
}

proptest! {
    #[test]
    fn training_follows_its_definition_on_texts_of_few_letters(text in "[ab ]{0,60}[abc]{0,20}x", size in 257..300_usize) {
        let tokenizer = Tokenizer::train_bpe(&text, size).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(merges_of(&tokenizer), merge_naively(&text, size));
    }
}
