//! Texts that are hard on a tokenizer: long runs of one character, and long texts.

use std::time::Instant;

use trainyard::text::{TextError, Tokenizer};

const GPT2: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe.json");

#[test]
fn runs_of_one_character_take_no_time_to_speak_of() {
    let tokenizer = Tokenizer::from_json(GPT2).expect("the fixture is sound");
    let start = Instant::now();
    for text in ["a".repeat(1 << 20), "a ".repeat(1 << 19), "\n".repeat(100_000) + "x", "é'".repeat(1 << 18)] {
        let ids = tokenizer.encode(&text).expect("bytes cover every text");
        assert_eq!(tokenizer.decode(&ids), text);
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

/// A genome is one word; a merge may visit the places of its pair only.
#[test]
fn one_long_word_trains_in_no_time_to_speak_of() {
    let mut state = 1_u32;
    let letters = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ['A', 'C', 'G', 'T'][(state >> 30) as usize]
    });
    let text: String = letters.take(1 << 20).collect();
    let start = Instant::now();
    let tokenizer = Tokenizer::train_bpe(&text, 4000).expect("a text");
    assert_eq!(tokenizer.vocab_size(), 4000);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn white_space_beyond_the_regular_expressions_reach_is_refused() {
    let tokenizer = Tokenizer::from_json(GPT2).expect("the fixture is sound");
    let text = format!("é{}x", " ".repeat(100_001));
    let expected = TextError::WhitespaceRun { position: 2, length: 100_001, limit: 100_000 };
    assert_eq!(tokenizer.encode(&text), Err(expected.clone()));
    assert_eq!(Tokenizer::train_bpe(&text, 300).map(|t| t.vocab_size()), Err(expected));
}

/// A regular expression that gave up would leave the run and what follows in one piece, without an error.
#[test]
fn the_longest_accepted_run_is_cut_where_the_pattern_cuts() {
    let tokenizer = Tokenizer::train_bpe(&"\n\n\nx".repeat(9), 258).expect("a text");
    let single = tokenizer.id("Ċ").expect("a byte");
    let (pair, x) = (tokenizer.id("ĊĊ"), tokenizer.id("x"));
    let ids = tokenizer.encode(&("\n".repeat(100_000) + "x")).expect("the limit is inclusive");
    // All but one of the newlines are a word, then the last one, then x.
    assert_eq!(ids.len(), 49_999 + 3);
    assert!(ids[..49_999].iter().all(|&id| Some(id) == pair));
    assert_eq!([ids[49_999], ids[50_000]], [single, single]);
    assert_eq!(ids.last().copied(), x);
}
