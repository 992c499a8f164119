//! Sentence pairs.

use trainyard::data::objective::Objective;
use trainyard::data::{DataError, Dataset, Frame, Shape, TokenizerChoice};

use super::{counted, near, words, world};

/// First and second text of each row of a batch, without special tokens, and the labels.
fn pairs(dataset: &Dataset, objective: &str, step: u32, source: usize) -> Vec<(String, String, u32)> {
    let objective: Objective = objective.parse().expect("it is known");
    let batch = dataset.train_batch(&objective, Shape::single(32, source), 3, step).expect("a sound shape");
    let mut ids = words(&batch, "ids").to_vec();
    // Undo the corruption, so that texts can be looked up.
    let weights = counted(&batch, "weights");
    for ((&at, &target), &weight) in words(&batch, "rows").iter().zip(words(&batch, "targets")).zip(weights) {
        if weight > 0.0 {
            ids[at as usize] = target;
        }
    }
    let specials = &dataset.vocabulary().specials;
    let (types, mask) = (words(&batch, "type_ids"), words(&batch, "key_mask"));
    let mut out = Vec::new();
    for (row, &label) in words(&batch, "pair_targets").iter().enumerate() {
        let range = row * source..(row + 1) * source;
        let used = mask[range.clone()].iter().filter(|&&key| key == 1).count();
        let (ids, types) = (&ids[range.clone()], &types[range]);
        assert_eq!(Some(ids[0]), specials.start);
        let separators: Vec<usize> = (0..source).filter(|&at| Some(ids[at]) == specials.end).collect();
        assert_eq!(separators.len(), 2);
        assert_eq!(separators[1], used - 1, "the row ends with the second separator");
        assert!(ids[used..].iter().all(|&id| Some(id) == specials.pad));
        let second = separators[0] + 1..used;
        assert!((0..source).all(|at| types[at] == u32::from(second.contains(&at))));
        let text = |range: std::ops::Range<usize>| dataset.tokenizer().decode(&ids[range]);
        out.push((text(1..separators[0]), text(second.start..used - 1), label));
    }
    let weights = batch.floats("pair_weights").expect("pairs are weighed");
    assert_eq!(weights, [1.0 / 32.0; 32]);
    out
}

#[test]
fn next_sentences_follow_and_random_ones_are_of_another_document() {
    let dataset = world(Frame::Bart);
    let text = trainyard::data::world::text(0, 0, 25_000);
    let (mut random, mut total, mut by_chance) = (0, 0, 0);
    for step in 0..20 {
        for (first, second, label) in pairs(&dataset, "mlm+nsp", step, 96) {
            assert!(!first.is_empty() && !second.is_empty());
            assert!(text.contains(&first) && text.contains(&second), "{first:?} | {second:?}");
            // Nothing but the ends can be cut, so what follows stands so in the text, up to a cut between both.
            let follows = text.contains(&format!("{first}{second}"));
            total += 1;
            random += label as usize;
            by_chance += usize::from(label == 1 && follows);
        }
    }
    assert!(near(random, total, 0.5), "{random} of {total}");
    assert!(by_chance <= 2, "{by_chance} random seconds follow their firsts");
}

#[test]
fn pairs_that_need_no_cut_stand_in_the_text() {
    let dataset = world(Frame::Bart);
    let text = trainyard::data::world::text(0, 0, 25_000);
    let (mut seen, mut ambiguous) = ([0, 0], 0);
    for step in 0..4 {
        // Longer than any document.
        for (first, second, label) in pairs(&dataset, "mlm+sop", step, 1024) {
            let (a, b) = if label == 0 { (&first, &second) } else { (&second, &first) };
            assert!(text.contains(&format!("{a}{b}")), "{a:?} | {b:?}");
            ambiguous += usize::from(text.contains(&format!("{b}{a}")));
            seen[label as usize] += 1;
        }
        for (first, second, label) in pairs(&dataset, "mlm+nsp", step, 1024) {
            assert_eq!(text.contains(&format!("{first}{second}")), label == 0, "{first:?} | {second:?}");
        }
    }
    assert!(near(seen[1], seen[0] + seen[1], 0.5), "{seen:?}");
    assert!(ambiguous < 13, "one in ten of the texts stands in both orders: {ambiguous}");
}

/// Reviews are one sentence; their clauses are the segments.
#[test]
fn reviews_take_part() {
    let dataset = world(Frame::Bart);
    let all: Vec<_> = (0..4).flat_map(|step| pairs(&dataset, "mlm+sop", step, 512)).collect();
    let reviews = all.iter().filter(|(a, b, _)| [a, b].iter().any(|part| part.starts_with(" and the "))).count();
    assert!(reviews > 5, "{reviews}");
}

#[test]
fn a_text_without_second_sentences_is_refused() {
    let choice = TokenizerChoice::Given(world(Frame::Bart).tokenizer().clone());
    let text = "one line\n".repeat(50);
    let dataset = Dataset::text("lines.txt", text.as_bytes(), choice, 16).expect("long enough");
    let objective: Objective = "mlm+nsp".parse().expect("it is known");
    let error = dataset.train_batch(&objective, Shape::single(2, 16), 0, 0).expect_err("single sentences");
    assert_eq!(
        error.to_string(),
        "the objective mlm+nsp needs documents of at least two sentences, which lines.txt does not have"
    );
    let error = dataset.train_batch(&objective, Shape::single(2, 4), 0, 0).expect_err("no room");
    assert_eq!(error, DataError::Length { objective: "mlm+nsp", part: "source", length: 4, least: 5 });
}
