//! Sampling and search, on made-up models whose answers are known.

use proptest::prelude::*;
use trainyard::train::decode::{Beams, Rules, Sampling, Search, Strategy, argmax, beam, greedy, log_softmax};

fn sampling(temperature: f32, top_k: usize) -> Sampling {
    nucleus(temperature, top_k, 1.0)
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

fn nucleus(temperature: f32, top_k: usize, top_p: f32) -> Sampling {
    Sampling { temperature, top_k, top_p, seed: 1 }
}

/// χ² of so many draws against a distribution, and the degrees of freedom.
fn chi_square(how: Sampling, logits: &[f64], expected: &[f64], draws: u32) -> (f64, f64) {
    let mut counts = vec![0.0; logits.len()];
    (0..draws).for_each(|position| counts[how.choose(logits, position) as usize] += 1.0);
    let pairs = counts.iter().zip(expected);
    let possible = pairs.clone().filter(|(_, p)| **p > 0.0);
    let chi: f64 = possible.clone().map(|(n, p)| (n - p * f64::from(draws)).powi(2) / (p * f64::from(draws))).sum();
    let impossible: f64 = pairs.filter(|(_, p)| **p == 0.0).map(|(n, _)| n).sum();
    (if impossible > 0.0 { f64::INFINITY } else { chi }, possible.count() as f64 - 1.0)
}

/// Beyond four standard deviations of χ², whose mean is the degrees of freedom and whose variance is twice that.
fn is_off((chi, freedom): (f64, f64)) -> bool {
    chi.is_nan() || chi > freedom + 4.0 * (2.0 * freedom).sqrt()
}

/// Probabilities 0.4, 0.3, 0.2 and 0.1, not in their order.
#[test]
fn draws_follow_temperature_top_k_and_top_p() {
    let logits = [0.1_f64.ln(), 0.4_f64.ln(), 0.2_f64.ln(), 0.3_f64.ln()];
    let cases = [
        (nucleus(1.0, 0, 1.0), [0.1, 0.4, 0.2, 0.3]),
        // Squared: 1, 16, 4, 9 of 30.
        (nucleus(0.5, 0, 1.0), [1.0 / 30.0, 16.0 / 30.0, 4.0 / 30.0, 9.0 / 30.0]),
        (nucleus(1.0, 2, 1.0), [0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]),
        // 0.4 + 0.3 fall short of 0.75, so 0.2 stays as well.
        (nucleus(1.0, 0, 0.75), [0.0, 4.0 / 9.0, 2.0 / 9.0, 3.0 / 9.0]),
        (nucleus(1.0, 0, 0.69), [0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]),
        // After top_k, 0.4 is 4/9 of what is left: more than 0.44 of it, less than 0.45.
        (nucleus(1.0, 3, 0.44), [0.0, 1.0, 0.0, 0.0]),
        (nucleus(1.0, 3, 0.45), [0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]),
        // After the temperature: 16/30 and 9/30 reach 0.8, which they would not before.
        (nucleus(0.5, 0, 0.8), [0.0, 16.0 / 25.0, 0.0, 9.0 / 25.0]),
        (nucleus(1.0, 0, 1e-9), [0.0, 1.0, 0.0, 0.0]),
    ];
    for (how, expected) in cases {
        let distribution = how.distribution(&logits);
        for (token, p) in expected.iter().enumerate() {
            let found = distribution.iter().find(|(t, _)| *t as usize == token).map_or(0.0, |(_, p)| *p);
            assert!((found - p).abs() < 1e-12, "{how:?}: token {token} has {found} instead of {p}");
        }
        let chi = chi_square(how, &logits, &expected, 20_000);
        println!("{how:?}: {chi:?}");
        assert!(!is_off(chi), "{how:?}: {chi:?}");
    }
    // Draws from something a little different are told apart.
    let warm = chi_square(nucleus(1.25, 0, 1.0), &logits, &cases[0].1, 20_000);
    assert!(is_off(warm), "{warm:?}");
    assert!(is_off(chi_square(nucleus(1.0, 0, 1.0), &logits, &cases[2].1, 20_000)));
}

/// Scores of one step of a search, as a sequence with `ids` sees them.
fn next(ids: &[u32], rules: Rules, logits: &[f64]) -> Option<u32> {
    let mut search = Search::new(ids, Strategy::GREEDY, rules);
    search.advance(vec![logits.to_vec()]);
    search.best().get(ids.len()).copied()
}

/// Positive scores of tokens that were there are divided, negative ones multiplied; the prompt counts, and a token counts once.
#[test]
fn repetition_is_penalized_as_by_hugging_face() {
    let penalized = |repetition_penalty| Rules { repetition_penalty, ..Rules::new(None, 1) };
    assert_eq!(next(&[0, 0, 0], penalized(1.0), &[2.0, 1.1, 0.0]), Some(0));
    assert_eq!(next(&[0, 0, 0], penalized(1.7), &[2.0, 1.1, 0.0]), Some(0), "2/1.7 = 1.18, divided once");
    assert_eq!(next(&[0, 0, 0], penalized(1.9), &[2.0, 1.1, 0.0]), Some(1), "2/1.9 = 1.05");
    assert_eq!(next(&[1], penalized(1.5), &[-1.6, -1.0, -1.4]), Some(2), "-1·1.5 = -1.5");
    assert_eq!(next(&[1], penalized(1.3), &[-1.6, -1.0, -1.4]), Some(1), "-1·1.3 = -1.3");
    assert_eq!(next(&[2], penalized(0.5), &[1.0, 1.5, 0.8]), Some(2), "below 1 it invites");
    assert_eq!(next(&[7], penalized(2.0), &[1.0, 1.5]), Some(1), "a token that has no score");
    // Before the temperature: e^(2/2), e^1 and e^0, whose odds then are squared.
    let how = Sampling { temperature: 0.5, top_k: 0, top_p: 1.0, seed: 0 };
    let mut counts = [0.0; 3];
    for seed in 0..4000 {
        let rules = penalized(2.0);
        let mut search = Search::new(&[0], Strategy::Sample(Sampling { seed, ..how }), rules);
        search.advance(vec![vec![2.0, 1.0, 0.0]]);
        counts[search.best()[1] as usize] += 1.0;
    }
    let e2 = 2.0_f64.exp();
    for (count, p) in counts.iter().zip([e2, e2, 1.0].map(|w| w / (2.0 * e2 + 1.0))) {
        assert!((count / 4000.0 - p).abs() < 0.035, "{counts:?}");
    }
}

/// Of HF's order: first the minimum, then the forced token, which costs nothing even if a penalty would.
#[test]
fn ends_wait_for_the_minimum_and_are_forced_at_the_limit() {
    let rules =
        |min_new, max_new| Rules { ends: vec![1, 3], min_new, max_new, forced: Some(3), repetition_penalty: 1.2 };
    let scores = |_: &[u32]| Ok::<_, String>(vec![0.5, 3.0, 1.0, 2.0]);
    assert_eq!(greedy(&[0], rules(0, 5), scores), Ok(vec![0, 1]), "either of the two ends it");
    assert_eq!(greedy(&[0], rules(2, 5), scores), Ok(vec![0, 2, 2, 1]));
    assert_eq!(greedy(&[0], rules(5, 5), scores), Ok(vec![0, 2, 2, 2, 2, 3]), "forced, although four are too few");
    let beams = Beams { count: 2, length_penalty: 0.0 };
    let mut search = Search::new(&[0], Strategy::Beam(beams), Rules { repetition_penalty: 1.0, ..rules(1, 2) });
    search.advance(vec![vec![0.5, 3.0, 1.0, 2.0]]);
    assert_eq!((search.open(), search.parents()), (&[vec![0, 2], vec![0, 0]][..], &[0, 0][..]));
    search.advance(vec![vec![0.0; 4]; 2]);
    assert!(search.open().is_empty(), "both are forced to end");
    assert_eq!(search.best(), [0, 2, 3]);
}

/// Callers drive a search: it says what to score, and which sequences its own extend.
#[test]
fn parents_say_which_sequence_goes_on() {
    let beams = Beams { count: 2, length_penalty: 1.0 };
    let mut search = Search::new(&[9], Strategy::Beam(beams), Rules::new(None, 3));
    assert_eq!(search.open(), [vec![9]]);
    search.advance(vec![vec![0.0, 3.0, 2.0]]);
    assert_eq!((search.open(), search.parents()), (&[vec![9, 1], vec![9, 2]][..], &[0, 0][..]));
    // The second sequence is so certain of its next token that it overtakes the first, which is torn.
    search.advance(vec![vec![0.0, 0.0, 0.0], vec![90.0, 0.0, 0.0]]);
    assert_eq!((search.open(), search.parents()), (&[vec![9, 2, 0], vec![9, 1, 0]][..], &[1, 0][..]));
    let before = search.best().to_vec();
    search.advance(vec![vec![], vec![]]);
    assert!(search.open().is_empty() && search.best() == before, "no scores, no more tokens");
    search.advance(vec![vec![1.0]]);
    assert_eq!(search.best(), before, "nothing goes on after the end");
}
