//! Noise masks and sentinels.

use std::collections::BTreeMap;

use trainyard::data::DataError;
use trainyard::data::objective::span::{
    complement, drop_noise, drop_nonnoise, independent, noise_counts, noise_span_to_sentinel,
    noise_span_to_unique_sentinel, noise_token_to_random_or_sentinel, noise_token_to_sentinel,
    nonnoise_span_to_sentinel, nonnoise_span_to_unique_sentinel, permute_noise, random_prefix, random_spans, runs,
    segment,
};

use super::{draws, near, specials, uniform, vocabulary};

/// The unit answers of T5's `preprocessors_test.py`.
#[test]
fn functions_of_a_mask_have_the_published_answers() {
    let tokens = [10, 11, 12, 13, 14, 15];
    let mask = [true, true, false, false, true, false];
    let sentinels = specials().sentinels;
    assert_eq!(noise_token_to_sentinel(&tokens, &mask, 999), [999, 999, 12, 13, 999, 15]);
    assert_eq!(noise_span_to_sentinel(&tokens, &mask, 999), [999, 12, 13, 999, 15]);
    assert_eq!(noise_span_to_unique_sentinel(&tokens, &mask, &sentinels), Ok(vec![999, 12, 13, 998, 15]));
    assert_eq!(nonnoise_span_to_sentinel(&tokens, &mask, 999), [10, 11, 999, 14, 999]);
    assert_eq!(nonnoise_span_to_unique_sentinel(&tokens, &mask, &sentinels), Ok(vec![10, 11, 999, 14, 998]));
    assert_eq!(drop_noise(&tokens, &mask), [12, 13, 15]);
    assert_eq!(drop_nonnoise(&tokens, &mask), [10, 11, 14]);
    assert_eq!(runs(&mask), [0..2, 4..5]);
    assert_eq!(
        noise_span_to_unique_sentinel(&tokens, &mask, &[999]),
        Err(DataError::Sentinels { needed: 2, available: 1 })
    );
}

#[test]
fn noise_and_span_counts_are_functions_of_the_length() {
    // round(512 · 0.15) = 77, round(77 / 3) = 26; halves round to even: 30 · 0.15 = 4.5 → 4.
    assert_eq!([512, 30, 10, 1].map(|n| noise_counts(n, 0.15, 3.0)), [(77, 26), (4, 1), (2, 1), (1, 1)]);
    // As many spans as both sides have tokens.
    assert_eq!(noise_counts(10, 0.9, 1.0), (9, 1));
    for length in 2..200 {
        let (noise, spans) = noise_counts(length, 0.15, 3.0);
        for roll in [false, true] {
            let mask = random_spans(length, 0.15, 3.0, roll, &mut draws(length as u32));
            assert_eq!(mask.iter().filter(|&&is_noise| is_noise).count(), noise, "{length}");
            if roll {
                assert!(runs(&mask).len() <= spans + 1);
            } else {
                assert_eq!((runs(&mask).len(), mask[0], mask[length - 1]), (spans, false, true), "{length}");
            }
        }
    }
    assert_eq!(random_spans(1, 0.15, 3.0, true, &mut draws(0)).len(), 1);
    assert!(random_spans(0, 0.15, 3.0, true, &mut draws(0)).is_empty());
}

#[test]
fn all_segmentations_are_equally_likely() {
    let mut counts: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    for item in 0..8000 {
        *counts.entry(segment(6, 3, &mut draws(item))).or_default() += 1;
    }
    // Two cuts at five gaps.
    assert_eq!(counts.len(), 10);
    assert!(
        counts.keys().all(|lengths| lengths.len() == 3 && lengths.iter().sum::<usize>() == 6 && !lengths.contains(&0))
    );
    let counts: Vec<usize> = counts.into_values().collect();
    assert!(uniform(&counts), "{counts:?}");
    assert_eq!(segment(4, 4, &mut draws(0)), [1; 4]);
    assert_eq!(segment(4, 1, &mut draws(0)), [4]);
}

#[test]
fn all_masks_of_spans_are_equally_likely() {
    let mut counts: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
    for item in 0..12_000 {
        *counts.entry(random_spans(10, 0.4, 2.0, false, &mut draws(item))).or_default() += 1;
    }
    // Four tokens of noise and six of text, each in two spans: 3 · 5 ways.
    assert_eq!(counts.len(), 15);
    let counts: Vec<usize> = counts.into_values().collect();
    assert!(uniform(&counts), "{counts:?}");
}

#[test]
fn independent_noise_and_prefixes_have_their_distributions() {
    let noise: usize =
        (0..500).map(|item| independent(200, 0.15, &mut draws(item)).iter().filter(|&&n| n).count()).sum();
    assert!(near(noise, 100_000, 0.15) && !near(noise, 100_000, 0.16), "{noise}");
    let mut prefixes = [0; 7];
    for item in 0..7000 {
        let mask = random_prefix(8, &mut draws(item));
        let prefix = mask.iter().filter(|&&inside| inside).count();
        assert!(mask[..prefix].iter().all(|&inside| inside));
        prefixes[prefix - 1] += 1;
    }
    assert!(uniform(&prefixes), "1 to 7: {prefixes:?}");
    assert_eq!(random_prefix(1, &mut draws(0)), [false]);
}

#[test]
fn input_and_target_together_are_the_text() {
    let sentinels = specials().sentinels;
    for item in 0..200 {
        let tokens: Vec<u32> = (100..100 + 20 + item).collect();
        let mask = random_spans(tokens.len(), 0.15, 3.0, item % 2 == 1, &mut draws(item));
        let input = noise_span_to_unique_sentinel(&tokens, &mask, &sentinels).expect("enough sentinels");
        let target = nonnoise_span_to_unique_sentinel(&tokens, &mask, &sentinels).expect("enough sentinels");
        // Each side's sentinels stand for the other side's spans, in order.
        let spans = |side: &[u32]| -> Vec<Vec<u32>> {
            side.split(|id| sentinels.contains(id)).filter(|span| !span.is_empty()).map(<[u32]>::to_vec).collect()
        };
        let (mut text, mut noise) = (spans(&input).into_iter(), spans(&target).into_iter());
        let mut whole = Vec::new();
        let mut next_is_noise = mask[0];
        while let Some(span) = if next_is_noise { noise.next() } else { text.next() } {
            whole.extend(span);
            next_is_noise = !next_is_noise;
        }
        assert_eq!(whole, tokens);
        for (side, spans) in [(&input, runs(&mask)), (&target, runs(&complement(&mask)))] {
            let used: Vec<u32> = side.iter().copied().filter(|id| sentinels.contains(id)).collect();
            assert_eq!(used, sentinels[..spans.len()], "sentinels count up without a gap");
        }
    }
}

#[test]
fn noise_moves_among_its_places_and_all_orders_are_equally_likely() {
    let mask = [true, false, true, true];
    let mut counts: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    for item in 0..6000 {
        let out = permute_noise(&[7, 8, 9, 10], &mask, &mut draws(item));
        assert_eq!(out[1], 8);
        *counts.entry(out).or_default() += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(uniform(&counts.into_values().collect::<Vec<_>>()));
}

#[test]
fn random_tokens_are_of_text() {
    let vocabulary = vocabulary();
    let tokens = vec![500; 20_000];
    let out = noise_token_to_random_or_sentinel(&tokens, &vec![true; 20_000], 999, 0.1, &vocabulary, &mut draws(0));
    let random: Vec<u32> = out.into_iter().filter(|&id| id != 999).collect();
    assert!(near(random.len(), 20_000, 0.1), "{}", random.len());
    // Padding 0, unknown 1, end 3.
    assert!(random.iter().all(|&id| ![0, 1, 3].contains(&id) && id < 1000));
    let quarters = [0, 250, 500, 750].map(|from| random.iter().filter(|&&id| (from..from + 250).contains(&id)).count());
    assert!(uniform(&quarters), "{quarters:?}");
}
