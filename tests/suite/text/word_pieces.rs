//! WordPiece and word-level training against their definitions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use trainyard::text::{Template, Tokenizer, TrainKind, TrainSpec};

/// The tokens of a WordPiece vocabulary beside BERT's five special ones, by the definition: count everything anew for
/// every merge; what continues a word is marked with `##`. For texts of ASCII letters, spaces and punctuation.
fn merge_naively(text: &str, vocab_size: usize) -> Vec<String> {
    let spaced: String =
        text.chars().map(|c| if c.is_ascii_punctuation() { format!(" {c} ") } else { c.to_string() }).collect();
    let mut words: BTreeMap<&str, u64> = BTreeMap::new();
    for word in spaced.split_whitespace() {
        *words.entry(word).or_default() += 1;
    }
    let mark = |(i, c): (usize, char)| if i == 0 { c.to_string() } else { format!("##{c}") };
    let mut words: Vec<(Vec<String>, u64)> =
        words.into_iter().map(|(word, count)| (word.chars().enumerate().map(mark).collect(), count)).collect();
    let starts: BTreeSet<String> = spaced.split_whitespace().flat_map(str::chars).map(String::from).collect();
    let continuing: BTreeSet<String> = words.iter().flat_map(|(word, _)| word.iter().skip(1).cloned()).collect();
    let mut tokens: Vec<String> = starts.into_iter().chain(continuing).collect();
    while tokens.len() + 5 < vocab_size {
        let mut counts: HashMap<(String, String), u64> = HashMap::new();
        for (word, count) in &words {
            for pair in word.windows(2) {
                *counts.entry((pair[0].clone(), pair[1].clone())).or_default() += count;
            }
        }
        let rank = |token: &String| tokens.iter().position(|other| other == token);
        let best = counts.into_iter().max_by_key(|((a, b), count)| (*count, Reverse((rank(a), rank(b)))));
        let Some(((a, b), 2..)) = best else { break };
        let joined = format!("{a}{}", b.trim_start_matches("##"));
        for (word, _) in &mut words {
            let mut at = 0;
            while at + 1 < word.len() {
                if word[at] == a && word[at + 1] == b {
                    word.splice(at..at + 2, [joined.clone()]);
                }
                at += 1;
            }
        }
        if !tokens.contains(&joined) {
            tokens.push(joined);
        }
    }
    tokens
}

fn vocabulary(tokenizer: &Tokenizer) -> Vec<String> {
    (5..tokenizer.vocab_size() as u32).filter_map(|id| tokenizer.token(id)).collect()
}

#[test]
fn word_pieces_are_merged_as_defined() {
    let text: String = include_str!("word_pieces.rs").chars().filter(|c| c.is_ascii() && *c != '#').collect();
    let spec = TrainSpec::new(TrainKind::WordPiece, 300, Template::Bert);
    let tokenizer = Tokenizer::train(&text, &spec).expect("a text");
    assert_eq!(vocabulary(&tokenizer), merge_naively(&text, 300));
    // Another text, other pieces: the comparison can fail.
    assert_ne!(vocabulary(&tokenizer), merge_naively(&text[text.len() / 2..], 300));
}

#[test]
fn the_alphabet_gives_way_where_the_vocabulary_is_small() {
    let text = "aaab aab ab ac";
    let tokenizer = |vocab_size| {
        let spec = TrainSpec::new(TrainKind::WordPiece, vocab_size, Template::Bert);
        Tokenizer::train(text, &spec).expect("a text")
    };
    // By count: a 7, then b, ##a and ##b with 3 each, of which the one that starts a word goes first.
    assert_eq!(vocabulary(&tokenizer(8)), ["a", "b", "##a"]);
    assert_eq!(vocabulary(&tokenizer(9)), ["a", "b", "##a", "##b"]);
    let ids = tokenizer(9).encode("ab ac").expect("unknown words have a token");
    assert_eq!(ids, [5, 8, 1]);
    assert_eq!(vocabulary(&tokenizer(12))[..6], ["a", "b", "c", "##a", "##b", "##c"]);
}

#[test]
fn lower_case_is_a_choice() {
    let text = "Größe größe GRÖSSE Éa ";
    let tokens = |lowercase| {
        let spec = TrainSpec { lowercase, ..TrainSpec::new(TrainKind::Words, 100, Template::Bert) };
        let tokenizer = Tokenizer::train(text, &spec).expect("a text");
        let encoding = tokenizer.encode_with("GRÖSSE éa", None, false).expect("unknown words have a token");
        (vocabulary(&tokenizer), encoding.ids)
    };
    assert_eq!(tokens(true), (["große", "ea", "grosse"].map(String::from).to_vec(), vec![7, 6]));
    assert_eq!(tokens(false), (["GRÖSSE", "Größe", "größe", "Éa"].map(String::from).to_vec(), vec![5, 1]));
}

#[test]
fn words_come_by_count_and_then_by_their_characters() {
    let text = "the red book . the blue book ! the end.";
    let train = |vocab_size| {
        let spec = TrainSpec::new(TrainKind::Words, vocab_size, Template::Bert);
        Tokenizer::train(text, &spec).expect("a text")
    };
    assert_eq!(vocabulary(&train(100)), ["the", ".", "book", "!", "blue", "end", "red"]);
    assert_eq!(vocabulary(&train(8)), ["the", ".", "book"]);
    let encoding = train(100).encode_with("the books!", None, true).expect("unknown words have a token");
    assert_eq!(encoding.tokens, ["[CLS]", "the", "[UNK]", "!", "[SEP]"]);
    assert_eq!(encoding.offsets, [(0, 0), (0, 3), (4, 9), (9, 10), (0, 0)]);
    // A word too long for the model gets no token.
    let long = format!("{0} {0} b", "a".repeat(101));
    let tokenizer = Tokenizer::train(&long, &TrainSpec::new(TrainKind::Words, 100, Template::Bert)).expect("a text");
    assert_eq!(vocabulary(&tokenizer), ["b"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn word_pieces_follow_their_definition_on_texts_of_few_letters(text in "[ab ]{0,60}[abc.]{0,20}x", size in 12..40_usize) {
        let spec = TrainSpec::new(TrainKind::WordPiece, size, Template::Bert);
        let tokenizer = Tokenizer::train(&text, &spec).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let expected = merge_naively(&text, size);
        // Where the alphabet fits.
        if expected.len() + 5 <= size {
            prop_assert_eq!(vocabulary(&tokenizer), expected);
        }
    }
}
