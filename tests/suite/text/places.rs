//! Offsets and words of our own forms, and of texts that are cut.

use trainyard::text::{Template, Tokenizer, TrainKind, TrainSpec};

const BERT: &[u8] = include_bytes!("../../fixtures/tok_wordpiece.json");
const T5: &[u8] = include_bytes!("../../fixtures/tok_unigram.json");
const BART: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe_bart.json");

#[test]
fn characters_have_places_and_words() {
    let spec = TrainSpec::new(TrainKind::Characters, 0, Template::Bert);
    let tokenizer = Tokenizer::train("It's 3 cafés", &spec).expect("a text");
    let encoding = tokenizer.encode_with("café?[MASK]'s Z", None, true).expect("unknown characters have a token");
    assert_eq!(encoding.tokens, ["[CLS]", "c", "a", "f", "é", "[UNK]", "[MASK]", "'", "s", " ", "[UNK]", "[SEP]"]);
    let offsets =
        [(0, 0), (0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 11), (11, 12), (12, 13), (13, 14), (14, 15), (0, 0)];
    assert_eq!(encoding.offsets, offsets);
    let words = [None, Some(0), Some(0), Some(0), Some(0), Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), None];
    assert_eq!(encoding.words, words);
    let special: Vec<usize> = (0..12).filter(|&i| encoding.special[i]).collect();
    assert_eq!(special, [0, 11], "a special token that the text spells is the text's");
}

#[test]
fn bytes_have_the_place_and_the_word_of_their_character() {
    let tokenizer = Tokenizer::bytes();
    let encoding = tokenizer.encode_with("né 日", Some("é"), true).expect("bytes cover every text");
    assert_eq!(encoding.ids, [0x6E, 0xC3, 0xA9, 0x20, 0xE6, 0x97, 0xA5, 0xC3, 0xA9]);
    assert_eq!(encoding.offsets, [(0, 1), (1, 2), (1, 2), (2, 3), (3, 4), (3, 4), (3, 4), (0, 1), (0, 1)]);
    let words = [0, 0, 0, 1, 2, 2, 2, 0, 0].map(Some);
    assert_eq!(encoding.words, words);
    assert_eq!(encoding.type_ids, [0, 0, 0, 0, 0, 0, 0, 1, 1]);
}

/// A long text is cut into pieces; every value must be that of the uncut text.
#[test]
fn cutting_changes_no_place() {
    let words = [
        "moved", " ", "\n", "  ", "The", " the", "naïve", " 12.5", "\t", "!?", " 'll", "\u{A0}", " a b c", ".\n",
        " ¨x", " \u{345}", "\u{200B}", "</s>", " [SEP]", " 東京", "\u{85}", " ▁y", "ﷺ",
    ];
    let mut state = 11_u32;
    let mut text = String::new();
    while text.len() < 150_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(words[(state >> 24) as usize % words.len()]);
    }
    let spec = TrainSpec::new(TrainKind::Unigram, 200, Template::T5 { sentinels: 5 });
    let unigram = Tokenizer::train(&text, &spec).expect("a text").to_json();
    for file in [BERT, T5, BART, unigram.as_bytes()] {
        let tokenizer = Tokenizer::from_json(file).expect("sound");
        let engine = tokenizers::Tokenizer::from_bytes(file).expect("sound");
        let (ours, theirs) = (
            tokenizer.encode_with(&text, None, true).expect("a text"),
            engine.encode_char_offsets(text.as_str(), true).expect("a text"),
        );
        assert_eq!(ours.ids, theirs.get_ids());
        assert_eq!(ours.offsets, theirs.get_offsets());
        assert_eq!(ours.words, theirs.get_word_ids());
        assert_eq!(
            tokenizer.encode(&text).expect("a text").len(),
            ours.special.iter().filter(|&&special| !special).count()
        );
    }
}
