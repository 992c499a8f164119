//! Masked language modeling.

use trainyard::data::Vocabulary;
use trainyard::data::objective::mlm::{Fate, corrupt, select, slots};
use trainyard::data::objective::{Mlm, Selection};
use trainyard::text::{Specials, Tokenizer};

use super::{draws, near, specials, uniform, vocabulary};

/// `[CLS] 10 11 … [SEP]` with `length` tokens in all.
fn row(length: usize) -> Vec<u32> {
    let mut row = vec![2];
    row.extend((10..).take(length - 2));
    row.push(3);
    row
}

#[test]
fn independent_selection_takes_15_percent_and_no_special_token() {
    let (options, vocabulary) = (Mlm::default(), vocabulary());
    let row = row(102);
    let mut by_position = [0; 100];
    for item in 0..4000 {
        let selected = select(&row, &options, &vocabulary, &mut draws(item));
        assert!(selected.is_sorted() && selected.iter().all(|at| (1..101).contains(at)));
        selected.iter().for_each(|at| by_position[at - 1] += 1);
    }
    let total: usize = by_position.iter().sum();
    assert!(near(total, 400_000, 0.15), "{total} of 400000");
    assert!(!near(total, 400_000, 0.155), "the test of frequencies can fail");
    assert!(uniform(&by_position), "{by_position:?}");
}

#[test]
fn exact_selection_counts_the_special_tokens_and_rounds_to_even() {
    let vocabulary = vocabulary();
    let count = |length, most| {
        let options = Mlm { selection: Selection::Exact, most, ..Mlm::default() };
        select(&row(length), &options, &vocabulary, &mut draws(length as u32)).len()
    };
    // 0.15 · 10 = 1.5 → 2, 0.15 · 30 = 4.5 → 4, 0.15 · 128 = 19.2 → 19; one at least.
    let counts = [3, 10, 13, 14, 30, 128, 512].map(|length| count(length, 0));
    assert_eq!(counts, [1, 2, 2, 2, 4, 19, 77]);
    assert_eq!((count(512, 20), count(10, 20)), (20, 2));
    let options = Mlm { selection: Selection::Exact, ..Mlm::default() };
    let mut by_position = [0; 8];
    for item in 0..4000 {
        select(&row(10), &options, &vocabulary, &mut draws(item)).iter().for_each(|at| by_position[at - 1] += 1);
    }
    assert!(uniform(&by_position), "{by_position:?}");
}

#[test]
fn whole_words_are_hidden_whole_and_never_beyond_the_budget() {
    let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "##ing", "##er", "the", "a", "##s"];
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": null, "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id.into())).collect::<serde_json::Map<_, _>>()
        }
    });
    let tokenizer = Tokenizer::from_json(json.to_string().as_bytes()).expect("a sound file");
    let vocabulary = Vocabulary::new(&tokenizer, Specials { sentinels: Vec::new(), ..specials() });
    let row = [&[2][..], &tokenizer.encode("the players playing a plays").expect("its own words"), &[3]].concat();
    assert_eq!(row, [2, 8, 5, 7, 10, 5, 6, 9, 5, 10, 3]);
    let words = [1..2, 2..5, 5..7, 7..8, 8..10];
    let options = Mlm { selection: Selection::WholeWord, probability: 0.3, ..Mlm::default() };
    let mut seen = [0; 5];
    for item in 0..3000 {
        let selected = select(&row, &options, &vocabulary, &mut draws(item));
        // round(0.3 · 11) = 3; one word of one piece leaves no room for the longest.
        assert!((1..=3).contains(&selected.len()), "{selected:?}");
        for (word, count) in words.iter().zip(&mut seen) {
            let inside = selected.iter().filter(|&at| word.contains(at)).count();
            assert!(inside == 0 || inside == word.len(), "{selected:?}");
            *count += usize::from(inside > 0);
        }
    }
    assert!(seen.iter().all(|&count| count > 200), "{seen:?}");
}

#[test]
fn words_start_where_the_tokenizer_marks_them() {
    let text = "the train stands in the yard.\nthe yard is old.\n".repeat(3);
    let bpe = Tokenizer::train_bpe(&text, 300).expect("a sound text");
    let vocabulary = Vocabulary::new(&bpe, Specials::default());
    let ids = bpe.encode(" yard.").expect("its own text");
    assert_eq!(bpe.decode(&ids[..1]), " yard");
    let stop = *ids.last().expect("a token");
    assert!(vocabulary.starts_word(ids[0]) && !vocabulary.starts_word(stop) && vocabulary.is_full_stop(stop));
    let characters = Tokenizer::characters(&text).expect("not empty");
    let vocabulary = Vocabulary::new(&characters, Specials::default());
    let starts = |c: &str| vocabulary.starts_word(characters.id(c).expect("it is there"));
    assert!(starts(" ") && starts("\n") && !starts("a") && !starts("."));
    // Without marks each token is a word.
    let digits = Tokenizer::symbols(&["0", "1"], &[]);
    assert!(Vocabulary::new(&digits, Specials::default()).starts_word(1));
}

#[test]
fn eight_in_ten_are_masked_one_is_random_and_one_stays() {
    let vocabulary = vocabulary();
    let mut fates = [0; 3];
    let mut random = [0; 10];
    for item in 0..2000 {
        let mut row = row(102);
        let before = row.clone();
        let positions: Vec<usize> = (1..101).collect();
        for selected in corrupt(&mut row, &positions, 4, &vocabulary, &mut draws(item)) {
            let now = row[selected.position];
            assert_eq!(selected.original, before[selected.position]);
            match selected.fate {
                Fate::Masked => assert_eq!(now, 4),
                Fate::Kept => assert_eq!(now, selected.original),
                Fate::Replaced => random[now as usize / 100] += 1,
            }
            fates[selected.fate as usize] += 1;
        }
        assert_eq!((row[0], row[101]), (2, 3));
    }
    for (count, p) in fates.into_iter().zip([0.8, 0.1, 0.1]) {
        assert!(near(count, 200_000, p), "{fates:?}");
    }
    assert!(uniform(&random), "over the whole vocabulary: {random:?}");
    assert!(!near(fates[0], 200_000, 0.79), "the test of frequencies can fail");
}

#[test]
fn slots_leave_room_for_six_standard_deviations() {
    // 0.15 · 4096 = 614.4, √(0.1275 · 4096) = 22.85.
    assert_eq!(slots(0.15, 64, 64), (614.4_f64 + 6.0 * 22.85).ceil() as usize / 64 * 64 + 64);
    assert_eq!((slots(0.15, 64, 64), slots(0.15, 1, 32), slots(0.15, 1, 512)), (768, 32, 128));
    assert_eq!((slots(1.0, 4, 100), slots(0.15, 0, 8)), (400, 0));
}
