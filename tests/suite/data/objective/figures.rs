//! The examples of the chapter's figures, and what is shown of a text before and after.

use trainyard::data::objective::{Change, Denoise, Mlm, Objective, Role, Shown, Span};
use trainyard::data::{Frame, Vocabulary};
use trainyard::text::Specials;

use super::{specials, vocabulary};

/// Words as a vocabulary, special tokens first, and what encodes and decodes them.
struct Words {
    tokens: Vec<&'static str>,
    vocabulary: Vocabulary,
}

impl Words {
    fn new(specials: &[&'static str], words: &[&'static str]) -> Self {
        let tokens = [specials, words].concat();
        let id = |name: &str| tokens.iter().position(|token| *token == name).map(|id| id as u32);
        let sentinels = ["<X>", "<Y>", "<Z>"].into_iter().filter_map(id).collect();
        let start = id("<cls>").or(id("<bos>"));
        let specials = Specials { pad: None, unk: None, start, end: id("<eos>"), mask: id("<mask>"), sentinels };
        let vocabulary = Vocabulary::of_words(tokens.len() as u32, specials, &[]);
        Self { tokens, vocabulary }
    }

    fn ids(&self, text: &str) -> Vec<u32> {
        let id = |word| self.tokens.iter().position(|token| *token == word).expect("a word of the example");
        text.split(' ').map(|word| id(word) as u32).collect()
    }

    fn text(&self, ids: &[u32]) -> String {
        ids.iter().map(|&id| self.tokens[id as usize]).collect::<Vec<_>>().join(" ")
    }

    /// Input and target as text.
    fn show(&self, objective: &Objective, text: &str, hidden: &[bool]) -> (String, String, Vec<Change>) {
        let Shown { input, target, changed } = objective
            .show(&self.ids(text), &self.vocabulary, 0, Some(hidden))
            .expect("the vocabulary has what it needs");
        (self.text(&input), self.text(&target), changed)
    }
}

#[test]
fn bert_predicts_love() {
    let words = Words::new(&["<cls>", "<mask>"], &["I", "love", "this", "red", "car"]);
    let hidden = [false, true, false, false, false];
    let (input, target, changed) = words.show(&Objective::Mlm(Mlm::default()), "I love this red car", &hidden);
    assert_eq!(input, "<cls> I <mask> this red car");
    assert_eq!(changed, [Change { role: Role::Masked, text: 1..2, input: 2..3, target: 2..3 }]);
    assert_eq!(target.split(' ').nth(2), Some("love"));
}

#[test]
fn t5_fills_two_spans() {
    let words = Words::new(&["<X>", "<Y>", "<Z>"], &["I", "love", "this", "red", "car"]);
    let hidden = [false, true, false, true, true];
    let figure = Objective::Span(Span { final_sentinel: true, ..Span::default() });
    let (input, target, changed) = words.show(&figure, "I love this red car", &hidden);
    assert_eq!((input.as_str(), target.as_str()), ("I <X> this <Y>", "<X> love <Y> red car <Z>"));
    let expected = [
        Change { role: Role::Span(0), text: 1..2, input: 1..2, target: 1..2 },
        Change { role: Role::Span(1), text: 3..5, input: 3..4, target: 3..5 },
    ];
    assert_eq!(changed, expected);
    // T5's own code leaves the last sentinel to the end token.
    let (_, target, _) = words.show(&Objective::Span(Span::default()), "I love this red car", &hidden);
    assert_eq!(target, "<X> love <Y> red car");
}

#[test]
fn gpt_shifts_by_one() {
    let words = Words::new(&["<bos>", "<eos>"], &["I", "like", "this", "book"]);
    let (input, target, changed) = words.show(&Objective::default(), "I like this book", &[]);
    assert_eq!((input.as_str(), target.as_str()), ("<bos> I like this book", "I like this book <eos>"));
    assert_eq!(changed, []);
}

/// Every change points at the tokens that it speaks of, in each objective, and nothing else has changed.
#[test]
fn changes_point_at_their_tokens() {
    let text: Vec<u32> = (100..140).map(|id| if id % 10 == 9 { 42 } else { id }).collect();
    for frame in [Frame::T5, Frame::Bart] {
        let vocabulary = vocabulary().with_frame(frame);
        let before = usize::from(frame == Frame::Bart);
        for name in Objective::NAMES {
            let objective: Objective = name.parse().expect("it is known");
            for seed in 0..20 {
                let shown = objective.show(&text, &vocabulary, seed, None).expect("all special tokens are there");
                assert_eq!(Ok(&shown), objective.show(&text, &vocabulary, seed, None).as_ref());
                for change in &shown.changed {
                    let context = format!("{name}, seed {seed}: {change:?}");
                    let target = &shown.target[change.target.clone()];
                    assert_eq!(*target, text[change.text.clone()], "{context}");
                    let input = &shown.input[change.input.clone()];
                    match change.role {
                        Role::Masked => assert!(input == [4] || input == [999], "{context}"),
                        Role::Kept => assert_eq!(input, target, "{context}"),
                        Role::Span(k) => assert!(input == [4] || input == [999 - k as u32], "{context}"),
                        Role::Deleted | Role::Continued => assert_eq!(input, [0; 0], "{context}"),
                        Role::Inserted => assert!(input == [4] && change.text.is_empty(), "{context}"),
                        Role::Replaced => assert_eq!(input.len(), 1, "{context}"),
                        Role::Permuted | Role::Rotated => assert_eq!(input.len(), change.text.len(), "{context}"),
                    }
                }
                if name == "mlm" {
                    let changed: Vec<usize> = shown.changed.iter().map(|change| change.text.start + 1).collect();
                    let others = (0..shown.input.len()).filter(|at| !changed.contains(at));
                    others.for_each(|at| assert_eq!(shown.input[at], shown.target[at], "{name}, seed {seed}"));
                }
                let framed = if matches!(name, "seq2seq" | "prefix_lm" | "lm" | "span") { before } else { 0 };
                assert!(shown.input.len() >= framed, "{name}");
            }
        }
    }
}

#[test]
fn sentences_that_move_together_are_one_change() {
    let text = [10, 11, 42, 12, 13, 42];
    let denoise = Objective::Denoise(Denoise { permute: 1.0, ..Denoise::OFF });
    let vocabulary = vocabulary().with_frame(Frame::Bart);
    let shown: Vec<Shown> =
        (0..20).map(|seed| denoise.show(&text, &vocabulary, seed, None).expect("there is a mask")).collect();
    let swapped = shown.iter().find(|shown| !shown.changed.is_empty()).expect("half of the orders");
    assert_eq!(swapped.input, [2, 12, 13, 42, 10, 11, 42, 3]);
    let expected = [
        Change { role: Role::Permuted, text: 0..3, input: 4..7, target: 1..4 },
        Change { role: Role::Permuted, text: 3..6, input: 1..4, target: 4..7 },
    ];
    assert_eq!(swapped.changed, expected);
    let hidden = [false, true, true, false, false, true];
    let shown = denoise.show(&text, &vocabulary, 0, Some(&hidden)).expect("there is a mask");
    assert_eq!(shown.input, [2, 10, 4, 12, 13, 4, 3]);
    assert_eq!(specials().mask, Some(4));
}
