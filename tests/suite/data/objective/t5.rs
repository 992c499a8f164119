//! T5's objectives: lengths, and batches of all of them.

use trainyard::data::objective::{Corruption, Objective, Span};
use trainyard::data::{Batch, Dataset, Frame, Shape, Vocabulary};
use trainyard::text::{Specials, Template};

use super::{counted, draws, family, near, specials, vocabulary, words, world};

const NAMES: [&str; 8] =
    ["span", "iid_15_u_u", "iid_15_r10s90_f", "iid_15_m_f", "iid_15_d_d", "prefix_lm", "all_permute", "lm"];

fn objective(name: &str) -> Objective {
    name.parse().expect("it is known")
}

#[test]
fn lengths_are_those_of_random_spans_helper() {
    let natural = |source, density, mean| Span { density, mean, ..Span::default() }.natural(source);
    let published = [(32, 34, 8), (64, 70, 14), (128, 141, 29), (256, 284, 58), (512, 568, 114)];
    for (source, raw, target) in published {
        assert_eq!(natural(source, 0.15, 3.0), Some((raw, target)));
    }
    assert_eq!(natural(64, 0.2, 2.0), Some((70, 22)));
    assert_eq!(natural(64, 0.2, 1.0), Some((63, 27)));
    assert_eq!((natural(3, 0.15, 3.0), natural(2, 0.15, 3.0), natural(0, 0.15, 3.0)), (Some((2, 3)), None, None));
}

/// Input and target of each row, without padding, as ids.
fn rows(batch: &Batch, shape: Shape) -> Vec<(Vec<u32>, Vec<u32>)> {
    let mask = words(batch, "key_mask");
    let weights = counted(batch, "weights");
    let kept = |ids: &[u32], used: &dyn Fn(usize) -> bool| -> Vec<u32> {
        let count = (0..ids.len()).take_while(|&at| used(at)).count();
        assert!((count..ids.len()).all(|at| !used(at)), "padding stands at the end");
        ids[..count].to_vec()
    };
    (0..shape.batch)
        .map(|row| {
            let (s, t) = (row * shape.source, row * shape.target);
            let input = kept(&words(batch, "ids")[s..s + shape.source], &|at| mask[s + at] == 1);
            let target = kept(&words(batch, "targets")[t..t + shape.target], &|at| weights[t + at] > 0.0);
            (input, target)
        })
        .collect()
}

fn check_shift(batch: &Batch, shape: Shape, start: u32, pad: u32) {
    let (read, written, weights) = (words(batch, "decoder_ids"), words(batch, "targets"), counted(batch, "weights"));
    for row in 0..shape.batch {
        let at = row * shape.target;
        assert_eq!(read[at], start);
        for t in 1..shape.target {
            let expected = if weights[at + t - 1] > 0.0 { written[at + t - 1] } else { pad };
            // The last target of a full row is read by nobody.
            assert_eq!(read[at + t], expected, "row {row}, position {t}");
        }
    }
}

#[test]
fn span_corruption_pads_nothing() {
    for frame in [Frame::T5, Frame::Bart, Frame::Transformer] {
        let dataset = world(frame);
        for source in [32, 64, 128] {
            let objective = objective("span");
            let target = objective.natural_target(source, frame).expect("it has a decoder");
            let shape = Shape { batch: 8, source, target };
            let batch = dataset.train_batch(&objective, shape, 1, 2).expect("a sound shape");
            assert!(words(&batch, "key_mask").iter().all(|&key| key == 1), "{frame:?} {source}");
            assert_eq!((batch.counted as usize, batch.dropped), (8 * target, 0), "{frame:?} {source}");
        }
    }
    assert_eq!(objective("span").natural_target(128, Frame::T5), Some(29));
}

#[test]
fn each_objective_keeps_its_relation_between_input_target_and_text() {
    let dataset = world(Frame::T5);
    let text = trainyard::data::world::text(0, 0, 25_000);
    let specials = &dataset.vocabulary().specials;
    let (pad, end) = (specials.pad.expect("given"), specials.end.expect("given"));
    for name in NAMES {
        let objective = objective(name);
        let target = objective.natural_target(64, Frame::T5).expect("it has a decoder");
        let shape = Shape { batch: 32, source: 64, target };
        let batch = dataset.train_batch(&objective, shape, 5, 9).expect("a sound shape");
        check_shift(&batch, shape, pad, pad);
        assert_eq!(batch.dropped, 0, "{name}");
        let mut replaced = (0, 0);
        for (mut input, mut target) in rows(&batch, shape) {
            assert_eq!((input.pop(), target.pop()), (Some(end), Some(end)), "{name}");
            let is_text = |ids: &[u32]| text.contains(&dataset.show(ids));
            match name {
                "span" | "iid_15_u_u" => {
                    let spans = |side: &[u32]| side.iter().filter(|id| specials.sentinels.contains(id)).count();
                    assert!(spans(&input).abs_diff(spans(&target)) <= 1, "{name}");
                    assert!(spans(&input) > 0);
                }
                "iid_15_r10s90_f" | "iid_15_m_f" | "all_permute" => {
                    assert!(is_text(&target), "{name}");
                    assert_eq!(input.len(), target.len());
                    let differing = input.iter().zip(&target).filter(|(a, b)| a != b).count();
                    replaced = (replaced.0 + differing, replaced.1 + input.len());
                    if name == "all_permute" {
                        input.sort_unstable();
                        target.sort_unstable();
                        assert_eq!(input, target);
                    }
                }
                "iid_15_d_d" => assert_eq!(input.len() + target.len(), 63),
                _ => assert!(is_text(&[input, target].concat()), "{name}"),
            }
        }
        if name == "iid_15_m_f" {
            assert!(near(replaced.0, replaced.1, 0.15), "{replaced:?}");
        }
    }
}

/// Noise without room in the target, or without a sentinel, is undone from the end and counted.
#[test]
fn what_does_not_fit_is_undone_and_counted() {
    let tokens: Vec<u32> = (100..160).collect();
    let forced: Vec<bool> = (0..60).map(|at| at % 3 == 2).collect();
    let done = Corruption::UniqueSentinels
        .apply(&tokens, Some(&forced), 21, &vocabulary(), &mut draws(0))
        .expect("there are sentinels");
    // Ten runs of each kind, and the text behind them.
    assert_eq!((done.undone, done.target.len()), (10, 21));
    assert_eq!(done.noise, (0..60).map(|at| at % 3 == 2 && at < 30).collect::<Vec<_>>());
    let few = Vocabulary::of_words(1000, Specials { sentinels: vec![999, 998], ..specials() }, &[]);
    let done = Corruption::UniqueSentinels
        .apply(&tokens, Some(&forced), 99, &few, &mut draws(0))
        .expect("there are sentinels");
    assert_eq!(done.undone, 19);
    assert_eq!((&done.input[..4], &done.target[..]), (&[100, 101, 999, 103][..], &[999, 102, 998][..]));
    let dataset = world(Frame::T5);
    let shape = Shape { batch: 64, source: 64, target: 12 };
    let batch = dataset.train_batch(&objective("iid_15_u_u"), shape, 0, 0).expect("a sound shape");
    assert!(batch.dropped > 50, "{}", batch.dropped);
}

#[test]
fn rows_are_functions_of_seed_and_step_and_differ_from_each_other() {
    let dataset = world(Frame::T5);
    let shape = Shape { batch: 4, source: 64, target: 30 };
    for name in NAMES {
        let batch = |seed, step| dataset.train_batch(&objective(name), shape, seed, step).expect("a sound shape");
        assert_eq!(batch(1, 5), batch(1, 5));
        assert_ne!(batch(1, 5), batch(1, 6));
        assert_ne!(batch(1, 5), batch(2, 5));
        let validation = |index| dataset.validation_batch(&objective(name), shape, index).expect("a sound shape");
        assert_eq!(validation(3), validation(3));
        assert_ne!(validation(3), validation(4));
        let first = batch(1, 5);
        let rows: std::collections::HashSet<&[u32]> = words(&first, "targets").chunks(30).collect();
        assert_eq!(rows.len(), 4, "{name}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let message = |dataset: &Dataset, name: &str, source, target| {
        let shape = Shape { batch: 2, source, target };
        dataset.train_batch(&objective(name), shape, 0, 0).expect_err("refused").to_string()
    };
    let plain = Dataset::world(0).expect("the built-in text");
    assert_eq!(message(&plain, "span", 32, 8), "the objective span needs a vocabulary with a padding token");
    let dataset = world(Frame::T5);
    assert_eq!(message(&dataset, "span", 2, 8), "the objective span needs a source of at least 3 tokens, not 2");
    assert_eq!(message(&dataset, "span", 32, 0), "the objective span needs a target of at least 1 tokens, not 0");
    let dataset = family(Template::Bart).with_frame(Frame::T5);
    assert_eq!(
        message(&dataset, "iid_15_m_f", 32, 32),
        "the objective iid_15_m_f needs a vocabulary with a sentinel token"
    );
}
