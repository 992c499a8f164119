//! BART's noisers.

use std::collections::BTreeMap;

use trainyard::data::objective::denoise::{
    Filler, NoisedText, delete_tokens, infill, insert, mask_tokens, noise, permute_sentences, rotate, span_lengths,
};
use trainyard::data::objective::{Denoise, Objective, Role};
use trainyard::data::{Frame, Shape, Vocabulary};
use trainyard::text::Template;

use super::{counted, draws, family, near, uniform, vocabulary, words, world};

const MASK: u32 = 4;

fn filler(vocabulary: &Vocabulary) -> Filler<'_> {
    Filler { mask: MASK, random: 0.0, vocabulary }
}

fn text(length: usize) -> NoisedText {
    NoisedText::new(&(100..).take(length).collect::<Vec<u32>>())
}

fn sorted(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids
}

#[test]
fn masking_and_deletion_touch_their_share() {
    let vocabulary = vocabulary();
    let (mut masked, mut deleted) = (0, 0);
    for item in 0..500 {
        let mut noised = text(200);
        mask_tokens(&mut noised, 0.3, &filler(&vocabulary), &mut draws(item));
        assert_eq!(noised.tokens.len(), 200);
        for (at, token) in noised.tokens.iter().enumerate() {
            assert_eq!((token.id == MASK, token.role), (token.role.is_some(), token.role.and(Some(Role::Masked))));
            assert_eq!(token.from, at..at + 1);
        }
        masked += noised.tokens.iter().filter(|token| token.id == MASK).count();
        let mut noised = text(200);
        delete_tokens(&mut noised, 0.3, &mut draws(item));
        assert_eq!(noised.tokens.len() + noised.deleted.len(), 200);
        let expected: Vec<u32> = (0..200).filter(|at| !noised.deleted.contains(at)).map(|at| 100 + at as u32).collect();
        assert_eq!(noised.ids(), expected);
        deleted += noised.deleted.len();
    }
    assert!(near(masked, 100_000, 0.3) && near(deleted, 100_000, 0.3), "{masked}, {deleted}");
    assert!(!near(masked, 100_000, 0.31), "the test of frequencies can fail");
}

#[test]
fn span_lengths_are_poisson_and_add_up() {
    let (mut positive, mut sum, mut zeros) = (0, 0, 0);
    for item in 0..50 {
        let (lengths, empty) = span_lengths(10_000, 0.3, 3.0, &mut draws(item));
        assert_eq!(lengths.iter().sum::<usize>(), 3000);
        assert!(!lengths.contains(&0));
        (positive, sum, zeros) = (positive + lengths.len(), sum + 3000, zeros + empty);
    }
    // λ / (1 - e^-λ) = 3.157, of variance below λ; one length in a thousand is cut.
    let mean = sum as f64 / positive as f64;
    let deviation = (3.0 / positive as f64).sqrt();
    assert!((mean - 3.157).abs() < 4.0 * deviation + 0.003, "{mean}");
    assert!((mean - 3.0).abs() > 4.0 * deviation + 0.003, "the test of the mean can fail");
    assert!(near(zeros, zeros + positive, (-3.0_f64).exp()), "{zeros}");
    assert_eq!(span_lengths(0, 0.3, 3.0, &mut draws(0)), (Vec::new(), 0));
    assert_eq!(span_lengths(5, 0.01, 3.0, &mut draws(0)).0, [1], "one word at least");
}

#[test]
fn infilling_hides_its_share_of_words_behind_one_mask_a_span() {
    let vocabulary = vocabulary();
    let (mut hidden, mut starts) = (0, vec![0; 50]);
    for item in 0..2000 {
        let mut noised = text(50);
        infill(&mut noised, 0.3, 3.0, 50, &filler(&vocabulary), &mut draws(item));
        let kept: Vec<u32> = noised.ids().into_iter().filter(|&id| id != MASK).collect();
        assert!(kept.is_sorted(), "what stays keeps its order");
        // Spans that overlap hide fewer than the budget of 15.
        let spans: Vec<_> = noised.tokens.iter().filter(|token| matches!(token.role, Some(Role::Span(_)))).collect();
        let covered: usize = spans.iter().map(|token| token.from.len()).sum();
        assert_eq!(covered + kept.len(), 50, "every word is kept or hidden, once");
        assert!((1..=15).contains(&covered), "{covered}");
        hidden += covered;
        spans.iter().for_each(|token| starts[token.from.start] += 1);
        let inserted = noised.tokens.iter().filter(|token| token.role == Some(Role::Inserted)).count();
        assert_eq!(noised.tokens.len(), kept.len() + spans.len() + inserted);
        assert!(noised.tokens.len() <= 50);
    }
    assert!((12.0..15.0).contains(&(hidden as f64 / 2000.0)), "{hidden}");
    // All words but the first few start a visible span equally often: nothing reaches over from before these.
    assert!(starts[0] > starts[25] && uniform(&starts[10..40]), "{starts:?}");
}

#[test]
fn infilled_spans_are_whole_words() {
    let dataset = world(Frame::Bart);
    let vocabulary = dataset.vocabulary();
    let ids = dataset.tokenizer().encode("the key was in the cellar .").expect("its own letters");
    for item in 0..200 {
        let mut noised = NoisedText::new(&ids);
        infill(&mut noised, 0.4, 3.0, 99, &filler(vocabulary), &mut draws(item));
        for token in noised.tokens.iter().filter(|token| matches!(token.role, Some(Role::Span(_)))) {
            assert!(token.from.start == 0 || vocabulary.starts_word(ids[token.from.start]));
            assert!(token.from.end == ids.len() || vocabulary.starts_word(ids[token.from.end]));
        }
    }
}

#[test]
fn insertion_keeps_the_text_and_never_exceeds_the_room() {
    let vocabulary = vocabulary();
    let mut gaps = [0; 5];
    for item in 0..5000 {
        let mut noised = text(4);
        insert(&mut noised, 1, 9, &filler(&vocabulary), &mut draws(item));
        let at = noised.tokens.iter().position(|token| token.id == MASK).expect("inserted");
        gaps[at] += 1;
        noised.tokens.remove(at);
        assert_eq!(noised, text(4));
    }
    assert!(uniform(&gaps), "{gaps:?}");
    let mut noised = text(4);
    insert(&mut noised, 7, 6, &filler(&vocabulary), &mut draws(0));
    assert_eq!((noised.tokens.len(), noised.left_out), (6, 5));
}

#[test]
fn sentences_are_permuted_whole_and_all_orders_are_equally_likely() {
    let vocabulary = vocabulary();
    // 42 ends a sentence; of several in a row the first does, as in fairseq.
    let ids = [10, 11, 42, 12, 42, 13, 14, 15];
    let mut counts: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    for item in 0..6000 {
        let mut noised = NoisedText::new(&ids);
        permute_sentences(&mut noised, 1.0, &vocabulary, &mut draws(item));
        assert!(noised.tokens.iter().all(|token| ids[token.from.start] == token.id));
        *counts.entry(noised.ids()).or_default() += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(counts.contains_key(&vec![13, 14, 15, 12, 42, 10, 11, 42]));
    assert!(uniform(&counts.into_values().collect::<Vec<_>>()));
    let unchanged = |ids: &[u32], share| {
        let mut noised = NoisedText::new(ids);
        permute_sentences(&mut noised, share, &vocabulary, &mut draws(1));
        noised == NoisedText::new(ids)
    };
    assert!(unchanged(&ids, 0.0) && unchanged(&[10, 11, 12], 1.0) && unchanged(&[], 1.0));
    // ceil(3 · 0.4) = 2 sentences move.
    let mut moved = 0;
    for item in 0..100 {
        let mut noised = NoisedText::new(&[10, 42, 11, 42, 12, 42]);
        permute_sentences(&mut noised, 0.4, &vocabulary, &mut draws(item));
        let places = noised.tokens.iter().filter(|token| token.role == Some(Role::Permuted)).count();
        assert!(places == 0 || places == 4, "{places}");
        moved += usize::from(places == 4);
    }
    assert!((20..80).contains(&moved), "{moved}");
}

#[test]
fn rotation_starts_with_every_token_equally_often() {
    let mut first = [0; 6];
    for item in 0..6000 {
        let mut noised = text(6);
        rotate(&mut noised, &mut draws(item));
        let ids = noised.ids();
        first[ids[0] as usize - 100] += 1;
        assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1 || (pair[0], pair[1]) == (105, 100)));
        assert_eq!(sorted(ids), (100..106).collect::<Vec<_>>());
    }
    assert!(uniform(&first), "{first:?}");
    let mut nothing = text(0);
    rotate(&mut nothing, &mut draws(0));
    assert!(nothing.tokens.is_empty());
}

#[test]
fn noisers_compose_and_none_changes_nothing() {
    let vocabulary = vocabulary();
    let ids: Vec<u32> = (100..160).map(|id| if id % 10 == 9 { 42 } else { id }).collect();
    let with = |options: Denoise, item| noise(&ids, &options, MASK, 60, &vocabulary, &mut draws(item));
    assert_eq!(with(Denoise::OFF, 0).ids(), ids);
    let moving = Denoise { permute: 1.0, rotate: 1.0, ..Denoise::OFF };
    let all = Denoise { mask: 0.1, delete: 0.1, infill: 0.2, insert: 0.1, random: 0.2, ..moving };
    let mut random = 0;
    for item in 0..200 {
        assert_eq!(sorted(with(moving, item).ids()), sorted(ids.clone()), "a permutation of the tokens");
        let noised = with(all, item);
        assert!(noised.tokens.len() <= 60 && !noised.deleted.is_empty());
        let mut origins: Vec<usize> = noised.tokens.iter().flat_map(|token| token.from.clone()).collect();
        assert!(origins.iter().all(|&at| at < 60));
        origins.extend(&noised.deleted);
        random += noised.tokens.iter().filter(|token| token.role == Some(Role::Replaced)).count();
    }
    assert!(random > 200, "{random}");
}

#[test]
fn the_target_is_the_clean_text_and_all_of_it_counts() {
    let dataset = family(Template::Bart);
    let specials = dataset.vocabulary().specials.clone();
    let text = trainyard::data::world::text(0, 0, 25_000);
    let denoise: Objective = "denoise".parse().expect("it is known");
    assert_eq!(denoise.natural_target(96, Frame::Bart), Some(96));
    let shape = Shape { batch: 16, source: 96, target: 96 };
    let batch = dataset.train_batch(&denoise, shape, 1, 1).expect("a sound shape");
    let weights = counted(&batch, "weights");
    let mut masks = 0;
    for row in 0..16 {
        let range = row * 96..(row + 1) * 96;
        let (ids, read) = (&words(&batch, "ids")[range.clone()], &words(&batch, "decoder_ids")[range.clone()]);
        let targets = &words(&batch, "targets")[range.clone()];
        let used = weights[range].iter().take_while(|&&weight| weight > 0.0).count();
        assert_eq!((Some(targets[0]), Some(targets[used - 1])), (specials.start, specials.end));
        assert!(text.contains(&dataset.show(&targets[1..used - 1])));
        // `</s> <s> …`
        assert_eq!((Some(read[0]), Some(read[1])), (specials.end, specials.start));
        assert_eq!(read[1..used], targets[..used - 1]);
        assert!(targets[used..].iter().all(|&id| Some(id) == specials.pad));
        assert_eq!(Some(ids[0]), specials.start);
        masks += ids.iter().filter(|&&id| Some(id) == specials.mask).count();
    }
    assert!(masks > 16, "{masks}");
    let unmasked = family(Template::T5 { sentinels: 3 });
    let error = unmasked.train_batch(&denoise, shape, 0, 0).expect_err("nothing to mask with");
    assert_eq!(error.to_string(), "the objective denoise needs a vocabulary with a mask token");
}
