//! Our own tokenizers: characters, task symbols, bytes, and BPE trained here.

use proptest::prelude::*;
use trainyard::text::{Kind, TextError, Tokenizer};

/// The crate's reading of a file we wrote.
fn crate_ids(json: &str, text: &str) -> Vec<u32> {
    let engine = tokenizers::Tokenizer::from_bytes(json.as_bytes()).expect("the crate reads our files");
    engine.encode(text, false).expect("the crate encodes the text").get_ids().to_vec()
}

#[test]
fn characters_are_sorted_and_nothing_else() {
    let tokenizer = Tokenizer::characters("hello\nworld é").expect("not empty");
    assert_eq!(tokenizer.kind(), Kind::Characters);
    let tokens: Vec<String> = (0..tokenizer.vocab_size() as u32).filter_map(|id| tokenizer.token(id)).collect();
    assert_eq!(tokens.concat(), "\n dehlorwé");
    assert_eq!(tokenizer.encode("hé\n"), Ok(vec![4, 9, 0]));
    assert_eq!(tokenizer.id("é"), Some(9));
    assert_eq!(tokenizer.eos(), None);
    assert_eq!(Tokenizer::characters("").map(|t| t.vocab_size()), Err(TextError::Empty));
}

#[test]
fn an_unknown_character_is_named_and_placed() {
    let tokenizer = Tokenizer::characters("abcé").expect("not empty");
    let error = tokenizer.encode("éaxb").expect_err("x is not in the vocabulary");
    assert_eq!(error, TextError::UnknownCharacter { character: 'x', position: 3 });
    assert_eq!(error.to_string(), "'x' (U+0078) is not in the tokenizer's vocabulary (character 3 of the text)");
    let invisible = tokenizer.encode("a\u{202E}").expect_err("not in the vocabulary").to_string();
    assert!(invisible.starts_with("'‹U+202E›' (U+202E)"), "{invisible}");
}

#[test]
fn symbols_have_the_ids_of_their_order_and_specials_are_whole() {
    let tokenizer = Tokenizer::symbols(&["b", "a", "<", "|"], &["<eos>", "<pad>"]);
    assert_eq!(tokenizer.vocab_size(), 6);
    assert_eq!(tokenizer.encode("ab|<a<eos><pad>"), Ok(vec![1, 0, 3, 2, 1, 4, 5]));
    assert_eq!(tokenizer.eos(), Some(4));
    assert_eq!(tokenizer.decode(&[1, 0, 4, 99]), "ab<eos>\u{FFFD}");
    let error = tokenizer.encode("a<eos>?").expect_err("? is not in the vocabulary");
    assert_eq!(error, TextError::UnknownCharacter { character: '?', position: 7 });
}

#[test]
fn bytes_are_their_values() {
    let tokenizer = Tokenizer::bytes();
    assert_eq!((tokenizer.kind(), tokenizer.vocab_size()), (Kind::Bytes, 256));
    assert_eq!(tokenizer.encode("aé\n"), Ok(vec![0x61, 0xC3, 0xA9, 0x0A]));
    assert_eq!(tokenizer.decode(&[0x61, 0xC3, 0xA9, 0xC3, 0x0A, 256]), "aé\u{FFFD}\n\u{FFFD}");
    assert_eq!(tokenizer.id("Ġ"), Some(0x20));
    assert_eq!((0..256).filter(|&id| tokenizer.token(id).and_then(|t| tokenizer.id(&t)) == Some(id)).count(), 256);
}

#[test]
fn labels_show_what_cannot_be_seen() {
    let characters = Tokenizer::characters("a \n\t\r\u{200B}").expect("not empty");
    let mut labels: Vec<String> = (0..6).map(|id| characters.label(id)).collect();
    labels.push(characters.label(6));
    assert_eq!(labels, ["⇥", "↵", "‹U+000D›", "␣", "a", "‹U+200B›", "\u{FFFD}"]);
    let bytes = Tokenizer::bytes();
    assert_eq!([0x41, 0x20, 0xE2].map(|id| bytes.label(id)), ["A", "␣", "‹E2›"]);
}

#[test]
fn files_of_ours_come_back_as_they_were_and_the_crate_reads_them() {
    let text = "To be, or not to be:\n\tthat is the question – naïve?\r\n\n  ";
    let tokenizers = [
        Tokenizer::characters(text).expect("not empty"),
        Tokenizer::bytes(),
        Tokenizer::train_bpe(&text.repeat(4), 300).expect("a text"),
    ];
    for tokenizer in tokenizers {
        let json = tokenizer.to_json();
        let again = Tokenizer::from_json(json.as_bytes()).expect("our own file");
        assert_eq!(again.kind(), tokenizer.kind());
        assert_eq!(again.vocab_size(), tokenizer.vocab_size());
        assert_eq!(again.to_json(), json);
        let ids = tokenizer.encode(text).expect("its own text");
        assert_eq!(again.encode(text).as_ref(), Ok(&ids));
        assert_eq!(crate_ids(&json, text), ids, "{:?}", tokenizer.kind());
        assert_eq!(tokenizer.decode(&ids), text);
        let engine = tokenizers::Tokenizer::from_bytes(json.as_bytes()).expect("the crate reads our files");
        assert_eq!(engine.decode(&ids, false).expect("the crate decodes"), text, "{:?}", tokenizer.kind());
    }
}

#[test]
fn task_symbols_come_back_with_their_specials() {
    let tokenizer = Tokenizer::symbols(&["a", "b", "|"], &["<eos>", "<pad>"]);
    let json = tokenizer.to_json();
    let again = Tokenizer::from_json(json.as_bytes()).expect("our own file");
    let text = "ab|ba<eos><pad>";
    let expected = vec![0, 1, 2, 1, 0, 3, 4];
    assert_eq!(again.kind(), Kind::Characters);
    assert_eq!(again.encode(text), Ok(expected.clone()));
    assert_eq!(crate_ids(&json, text), expected);
}

#[test]
fn the_crate_does_not_know_unknown_characters_either() {
    let json = Tokenizer::characters("abc").expect("not empty").to_json();
    let engine = tokenizers::Tokenizer::from_bytes(json.as_bytes()).expect("the crate reads our files");
    assert!(engine.encode("abx", false).is_err(), "no id is spent on <unk>");
}

/// Long texts are cut into pieces; the tokens must be those of the uncut text.
#[test]
fn cutting_a_long_text_changes_no_token() {
    let words = ["it's", " ", "\n", "\n\n", "  x", "naïve", "3.14", "\t", "!?", " 'll", "\u{A0}", "a b c", ".\n"];
    let mut state = 7_u32;
    let mut text = String::new();
    while text.len() < 700_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(words[(state >> 24) as usize % words.len()]);
    }
    let tokenizer = Tokenizer::train_bpe(&text, 320).expect("a text");
    let ids = tokenizer.encode(&text).expect("bytes cover every text");
    assert_eq!(ids, crate_ids(&tokenizer.to_json(), &text));
    assert_eq!(tokenizer.decode(&ids), text);
}

proptest! {
    #[test]
    fn every_text_survives_every_tokenizer_of_ours(text in "\\PC{0,40}[ \n\t]{0,4}\\PC{0,40}") {
        let corpus = format!("{text} the rest of the corpus, the rest");
        let all = [
            Tokenizer::characters(&corpus),
            Ok(Tokenizer::bytes()),
            Tokenizer::train_bpe(&corpus, 270),
        ];
        for tokenizer in all {
            let tokenizer = tokenizer.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let ids = tokenizer.encode(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
            prop_assert_eq!(tokenizer.decode(&ids), text.clone());
        }
    }
}
