//! Sampling and search, on made-up models whose answers are known.

use proptest::prelude::*;
use trainyard::train::decode::{Beams, Rules, Sampling, argmax, beam, greedy, log_softmax};

fn sampling(temperature: f32, top_k: usize) -> Sampling {
    Sampling { temperature, top_k, top_p: 1.0, seed: 1 }
}

/// How often each token is drawn from 4000 positions.
fn histogram(how: Sampling, logits: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; logits.len()];
    for position in 0..4000 {
        counts[how.choose(logits, position) as usize] += 1.0 / 4000.0;
    }
    counts
}

#[test]
fn draws_follow_the_distribution() {
    let logits = [0.0, 2.0_f64.ln(), 5.0_f64.ln()];
    for (found, expected) in histogram(sampling(1.0, 0), &logits).iter().zip([0.125, 0.25, 0.625]) {
        assert!((found - expected).abs() < 0.04, "{found} instead of {expected}");
    }
    // Half the temperature squares the odds: 1 : 4 : 25.
    for (found, expected) in histogram(sampling(0.5, 0), &logits).iter().zip([1.0 / 30.0, 4.0 / 30.0, 25.0 / 30.0]) {
        assert!((found - expected).abs() < 0.04, "{found} instead of {expected}");
    }
    let two = histogram(sampling(1.0, 2), &logits);
    assert!(two[0] == 0.0 && (two[1] - 2.0 / 7.0).abs() < 0.04, "{two:?}");
    assert_eq!(histogram(sampling(1.0, 1), &logits), [0.0, 0.0, histogram(sampling(1.0, 1), &logits)[2]]);
}

#[test]
fn no_temperature_takes_the_best() {
    for logits in [&[1.0, 3.0, 2.0][..], &[-1.0, -0.5, -2.0], &[0.0, 7.0, 7.0]] {
        assert_eq!(Sampling::GREEDY.choose(logits, 9), 1);
        assert_eq!(sampling(0.0, 2).choose(logits, 3), 1);
        let narrow: Vec<f32> = logits.iter().map(|&l| l as f32).collect();
        assert_eq!(argmax(&narrow), 1, "the first of equals");
    }
    assert_eq!(sampling(1e-30, 0).choose(&[1.0, 3.0, 2.0], 5), 1, "a tiny temperature overflows nothing");
}

#[test]
fn draws_are_a_function_of_seed_and_position() {
    let logits = [0.0; 50];
    let row = |seed| (0..64).map(|p| Sampling { seed, ..sampling(1.0, 0) }.choose(&logits, p)).collect::<Vec<_>>();
    assert_eq!(row(3), row(3));
    assert_ne!(row(3), row(4));
    assert!(row(3).iter().any(|&t| t != row(3)[0]), "positions differ");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_token_is_always_one_of_the_best_k(
        logits in prop::collection::vec(-1e4_f64..1e4, 1..40),
        temperature in 0.0_f32..3.0,
        top_k in 0_usize..6,
        position in any::<u32>(),
    ) {
        let token = sampling(temperature, top_k).choose(&logits, position) as usize;
        prop_assert!(token < logits.len());
        let better = logits.iter().filter(|&&l| l > logits[token]).count();
        prop_assert!(top_k == 0 || better < top_k, "rank {better} of top {top_k}");
    }

    #[test]
    fn whatever_the_numbers_nothing_panics(logits in prop::collection::vec(any::<f64>(), 1..9), position in any::<u32>()) {
        for temperature in [0.0, 1e-40, 1.0, f32::INFINITY, f32::NAN] {
            prop_assert!((sampling(temperature, 0).choose(&logits, position) as usize) < logits.len());
        }
    }

    #[test]
    fn log_softmax_sums_to_one(logits in prop::collection::vec(-500.0..500.0_f64, 1..30)) {
        let sum: f64 = log_softmax(&logits).iter().map(|l| l.exp()).sum();
        prop_assert!((sum - 1.0).abs() < 1e-12);
    }
}

/// A model by its table: the probabilities after a sequence depend on its last token.
fn chain(table: &'static [[f64; 4]; 4]) -> impl FnMut(&[u32]) -> Result<Vec<f64>, String> {
    move |ids| {
        let last = *ids.last().ok_or("an empty sequence")? as usize;
        Ok(table[last].iter().map(|p| p.ln()).collect())
    }
}

/// The best first step (1) leads to a dull end; the second best (2) to a certain one.
const TRAP: [[f64; 4]; 4] =
    [[0.0, 0.55, 0.45, 0.0], [0.0, 0.34, 0.33, 0.33], [0.0, 0.0, 0.02, 0.98], [0.0, 0.0, 0.0, 1.0]];

#[test]
fn greedy_follows_the_best_token_to_the_end() {
    let rules = |max_new| Rules::new(Some(3), max_new);
    assert_eq!(greedy(&[0], rules(4), chain(&TRAP)), Ok(vec![0, 1, 1, 1, 1]));
    assert_eq!(greedy(&[0, 2], rules(4), chain(&TRAP)), Ok(vec![0, 2, 3]), "the end token ends it");
    assert_eq!(greedy(&[0], rules(0), chain(&TRAP)), Ok(vec![0]));
    assert_eq!(greedy(&[], rules(1), chain(&TRAP)), Err("an empty sequence".to_owned()));
}

#[test]
fn beam_search_escapes_the_trap() {
    let rules = || Rules::new(Some(3), 4);
    let beams = |count| Beams { count, length_penalty: 1.0 };
    // 0.45·0.98 against 0.55·0.33 at most.
    assert_eq!(beam(&[0], beams(2), rules(), chain(&TRAP)), Ok(vec![0, 2, 3]));
    assert_eq!(beam(&[0], beams(1), rules(), chain(&TRAP)).map(|ids| ids[1]), Ok(1), "one beam is greedy");
    assert_eq!(beam(&[0], beams(3), Rules::new(None, 0), chain(&TRAP)), Ok(vec![0]));
    assert_eq!(beam(&[], beams(2), rules(), chain(&TRAP)), Err("an empty sequence".to_owned()));
}

/// Short and likely against long and almost as likely: the penalty decides.
const LENGTH: [[f64; 4]; 4] =
    [[0.0, 0.6, 0.0, 0.4], [0.0, 0.0, 0.9, 0.1], [0.0, 0.0, 0.35, 0.65], [0.0, 0.0, 0.0, 1.0]];

#[test]
fn the_length_penalty_prefers_longer_sequences() {
    // Three beams, so that the search goes on after two hypotheses have ended.
    let beams = |length_penalty| Beams { count: 3, length_penalty };
    let found = |penalty| beam(&[0], beams(penalty), Rules::new(Some(3), 6), chain(&LENGTH)).map(|ids| ids.len());
    assert_eq!(found(0.0), Ok(2), "0.4 at once beats 0.6·0.9·0.65");
    assert_eq!(found(1.0), Ok(4), "a token of it costs less");
}
