//! What cannot reach what: the future the past, padding anything, a row its neighbors, a document another one. Bit for bit, on
//! the interpreter and on the device.

use trainyard::ir::Graph;
use trainyard::models::{Config, Extents, Family, KeyMask, Model, Options, Position};
use trainyard::train::known_answers::{Data, GpuMachine, InterpreterMachine};

use super::families::{BATCH, TARGET, TIME, V, data, extents, logits, logits_graph, small, words};
use crate::kernels::device;

/// Logits of a graph on some machine.
type Run<'a> = &'a mut dyn FnMut(&Graph, &[(String, Data)]) -> Vec<f64>;

/// Runs a check on the interpreter in f32 and on the device.
fn on_both(check: impl Fn(Run<'_>)) {
    let mut interpreter = InterpreterMachine::<f32>::default();
    check(&mut |graph, data| logits(&mut interpreter, graph, data));
    let mut gpu = GpuMachine::new(device().clone());
    check(&mut |graph, data| logits(&mut gpu, graph, data));
}

/// Logits of token `t` of row `row`, of rows of `time` tokens.
fn token(all: &[f64], time: usize, row: usize, t: usize) -> &[f64] {
    let start = (row * time + t) * V;
    &all[start..start + V]
}

/// Another token.
fn change(words: &mut [u32], at: usize) {
    words[at] = (words[at] + 1) % V as u32;
}

#[test]
fn the_future_does_not_reach_the_past() {
    on_both(|logits| {
        for family in [Family::Gpt2, Family::T5, Family::Bart, Family::Transformer] {
            let graph = logits_graph(&Model::language(small(family)), extents(family));
            let (name, time) = if family == Family::Gpt2 { ("ids", TIME) } else { ("decoder_ids", TARGET) };
            let before = data(&graph, V, 1);
            let expected = logits(&graph, &before);
            for changed in [time - 1, 3, 1] {
                let mut after = before.clone();
                change(words(&mut after, name), time + changed);
                let found = logits(&graph, &after);
                for t in 0..time {
                    let same = token(&found, time, 1, t) == token(&expected, time, 1, t);
                    assert_eq!(same, t < changed, "{family:?}: token {changed} and token {t}");
                    assert_eq!(token(&found, time, 0, t), token(&expected, time, 0, t), "{family:?}: rows meet");
                }
            }
        }
    });
}

#[test]
fn an_encoder_sees_both_sides_and_no_padding() {
    on_both(|logits| {
        for family in [Family::Bert, Family::T5, Family::Bart, Family::Transformer] {
            let graph = logits_graph(&Model::language(small(family)), extents(family));
            let time = if family == Family::Bert { TIME } else { TARGET };
            let mut before = data(&graph, V, 2);
            words(&mut before, "key_mask")[6..TIME].fill(0);
            let expected = logits(&graph, &before);
            let mut padded = before.clone();
            (6..TIME).for_each(|t| change(words(&mut padded, "ids"), t));
            let found = logits(&graph, &padded);
            let visible = if family == Family::Bert { 6 } else { time };
            for t in 0..visible {
                assert_eq!(token(&found, time, 0, t), token(&expected, time, 0, t), "{family:?}: padding reaches {t}");
            }
            for t in 0..time {
                assert_eq!(token(&found, time, 1, t), token(&expected, time, 1, t), "{family:?}: rows meet");
            }
            assert!(found.iter().all(|x| x.is_finite()), "{family:?}: padded positions are finite too");
            for changed in [0, 5] {
                let mut after = before.clone();
                change(words(&mut after, "ids"), changed);
                let found = logits(&graph, &after);
                for t in 0..visible {
                    let same = token(&found, time, 0, t) == token(&expected, time, 0, t);
                    assert!(!same, "{family:?}: token {changed} does not reach {t}");
                }
            }
        }
    });
}

/// Three documents in a row of nine tokens: what one says does not reach the others, in each kind of position.
#[test]
fn documents_do_not_meet() {
    on_both(|logits| {
        for position in [Position::Learned, Position::Sinusoidal, Position::Rotary, Position::Alibi] {
            let Config::Gpt2(mut config) = small(Family::Gpt2) else { panic!("a GPT-2") };
            config.options = Options { position, ..config.options };
            let extents = Extents { key_mask: KeyMask::Documents, ..extents(Family::Gpt2) };
            let graph = logits_graph(&Model::language(Config::Gpt2(config)), extents);
            let mut before = data(&graph, V, 3);
            let document = |t: usize| 1 + (t % TIME / 3) as u32;
            words(&mut before, "key_mask").iter_mut().enumerate().for_each(|(t, mask)| *mask = document(t));
            if before.iter().any(|(name, _)| name == "position_ids") {
                words(&mut before, "position_ids").iter_mut().enumerate().for_each(|(t, p)| *p = (t % TIME % 3) as u32);
            }
            let expected = logits(&graph, &before);
            let mut after = before.clone();
            change(words(&mut after, "ids"), 1);
            let found = logits(&graph, &after);
            for t in 0..BATCH * TIME {
                let same = token(&found, TIME, 0, t) == token(&expected, TIME, 0, t);
                assert_eq!(same, ![1, 2].contains(&t), "{position:?}: token 1 and token {t}");
            }
        }
    });
}

/// The prefix sees itself both ways; what follows it does not reach it.
#[test]
fn a_prefix_sees_itself_alone() {
    on_both(|logits| {
        let extents = Extents { key_mask: KeyMask::Prefix, ..extents(Family::Gpt2) };
        let graph = logits_graph(&Model::language(small(Family::Gpt2)), extents);
        let mut before = data(&graph, V, 4);
        words(&mut before, "key_mask")[..4].fill(1 | trainyard::ir::PREFIX);
        let expected = logits(&graph, &before);
        for (changed, untouched) in [(3, 0), (4, 4), (6, 6)] {
            let mut after = before.clone();
            change(words(&mut after, "ids"), changed);
            let found = logits(&graph, &after);
            for t in 0..TIME {
                let same = token(&found, TIME, 0, t) == token(&expected, TIME, 0, t);
                assert_eq!(same, t < untouched, "token {changed} and token {t}");
            }
        }
    });
}

/// Rotated queries and keys know their distance only: the same text further right has the same scores. Within rounding, because
/// the angles are other numbers.
#[test]
fn rotation_is_relative() {
    let Config::Gpt2(mut config) = small(Family::Gpt2) else { panic!("a GPT-2") };
    config.options = Options { position: Position::Rotary, ..config.options };
    let extents = Extents { key_mask: KeyMask::Padding, ..extents(Family::Gpt2) };
    let graph = logits_graph(&Model::language(Config::Gpt2(config)), extents);
    let mut first = data(&graph, V, 5);
    words(&mut first, "key_mask")[6..TIME].fill(0);
    let mut shifted = first.clone();
    words(&mut shifted, "ids")[..TIME].rotate_right(3);
    words(&mut shifted, "key_mask")[..TIME].rotate_right(3);
    let mut machine = InterpreterMachine::<f64>::default();
    let (expected, found) = (logits(&mut machine, &graph, &first), logits(&mut machine, &graph, &shifted));
    for t in 0..6 {
        for (f, e) in token(&found, TIME, 0, t + 3).iter().zip(token(&expected, TIME, 0, t)) {
            assert!((f - e).abs() < 1e-12, "token {t}: {f} instead of {e}");
        }
    }
    // Learned positions do notice.
    let graph = logits_graph(&Model::language(small(Family::Gpt2)), extents);
    let (expected, found) = (logits(&mut machine, &graph, &first), logits(&mut machine, &graph, &shifted));
    assert!((token(&found, TIME, 0, 3)[0] - token(&expected, TIME, 0, 0)[0]).abs() > 1e-3);
}

#[test]
fn device_and_interpreter_agree_in_every_family() {
    let mut gpu = GpuMachine::new(device().clone());
    let mut models: Vec<(Config, Extents)> = Family::ALL.map(|family| (small(family), extents(family))).to_vec();
    for options in super::options::variants() {
        for family in [Family::Gpt2, Family::Bert] {
            let mut config = small(family);
            match &mut config {
                Config::Gpt2(gpt) => gpt.options = Options { norm: gpt.options.norm, ..options },
                Config::Bert(bert) => bert.options = Options { norm: bert.options.norm, band: None, ..options },
                Config::T5(_) | Config::Bart(_) | Config::Transformer(_) => {}
            }
            models.push((config, extents(family)));
        }
    }
    for (config, extents) in models {
        let graph = logits_graph(&Model::language(config.clone()), extents);
        let data: Vec<(String, Data)> = data(&graph, V, 6);
        let found = logits(&mut gpu, &graph, &data);
        let expected = logits(&mut InterpreterMachine::<f64>::default(), &graph, &data);
        let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let worst =
            found.iter().zip(&expected).fold(0.0_f64, |m, (f, e)| if (f - e).abs() <= m { m } else { (f - e).abs() });
        assert!(worst <= 1e-5 * scale, "{config:?}: off by {worst:e} of {scale}");
    }
}
