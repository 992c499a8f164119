//! Decoder-only batches: windows as ever, packed documents, prefixes.

use sha2::{Digest, Sha256};
use trainyard::data::objective::{Causal, Objective};
use trainyard::data::{Batch, Dataset, Frame, SEEN_BY_ALL, Shape, Task};
use trainyard::text::Template;

use super::{counted, family, uniform, words, world};

fn digest(batch: &Batch) -> String {
    let mut hash = Sha256::new();
    for name in ["ids", "targets", "weights"] {
        words(batch, name).iter().for_each(|word| hash.update(word.to_le_bytes()));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Runs that were saved before are resumed with the batches that they would have read.
#[test]
fn windows_and_tasks_are_pinned_to_the_bit() {
    let causal = Objective::default();
    let digests = |dataset: &Dataset, shape| {
        let train = dataset.train_batch(&causal, shape, 7, 3).expect("a sound shape");
        let validation = dataset.validation_batch(&causal, shape, 4).expect("a sound shape");
        [digest(&train), digest(&validation)]
    };
    let world = Dataset::world(0).expect("the built-in text");
    assert_eq!(digests(&world, Shape::single(5, 33)), ["62ab71f51761700f", "74b026ab7b888adb"]);
    let expected = [
        ["7d644489ddbb4d67", "a35b9568084934d3"],
        ["e0279d1f22ebaf55", "52e5017b88d0e4a2"],
        ["32568c2fcc9cc3e5", "a71fce492f0826ff"],
        ["d781df2b40551537", "4d0d0cd84090488f"],
    ];
    for (task, expected) in Task::ALL.into_iter().zip(expected) {
        let dataset = Dataset::task(task);
        let context = dataset.natural_context().expect("a task has a context");
        assert_eq!(digests(&dataset, Shape::single(6, context)), expected, "{task}");
    }
}

#[test]
fn packed_documents_are_framed_and_whole_behind_the_first() {
    let dataset = world(Frame::Transformer);
    let specials = dataset.vocabulary().specials.clone();
    let (start, end) = (specials.start.expect("given"), specials.end.expect("given"));
    let packed = Objective::Causal(Causal { documents: true, isolate: false });
    let shape = Shape::single(8, 600);
    let batch = dataset.train_batch(&packed, shape, 1, 1).expect("a sound shape");
    assert_eq!(batch.fields.len(), 3, "without isolation nothing else is read");
    assert_eq!(batch.counted, 8 * 600);
    let text = trainyard::data::world::text(0, 0, 25_000);
    let documents: std::collections::HashSet<&str> = text.lines().collect();
    let mut whole = 0;
    for (ids, targets) in words(&batch, "ids").chunks(600).zip(words(&batch, "targets").chunks(600)) {
        assert_eq!(ids[1..], targets[..599]);
        let mut parts: Vec<&[u32]> = ids.split_inclusive(|&id| id == end).collect();
        // The first may start in the middle, the last may be cut.
        parts.pop();
        for part in &parts[1..] {
            assert_eq!((part[0], part[part.len() - 1]), (start, end));
            assert!(documents.contains(dataset.show(&part[1..part.len() - 1]).as_str()));
            whole += 1;
        }
    }
    assert!(whole >= 8, "{whole}");
}

#[test]
fn isolated_documents_have_numbers_and_positions_of_their_own() {
    let isolated = Objective::Causal(Causal { documents: true, isolate: true });
    for without_start in [false, true] {
        let dataset = if without_start { family(Template::Gpt2) } else { world(Frame::Transformer) };
        let end = dataset.specials().end.expect("given");
        let batch = dataset.train_batch(&isolated, Shape::single(4, 500), 1, 1).expect("a sound shape");
        let weights = counted(&batch, "weights");
        let (mask, positions) = (words(&batch, "key_mask"), words(&batch, "position_ids"));
        for row in 0..4 {
            let at = |t: usize| row * 500 + t;
            assert_eq!((mask[at(0)], positions[at(0)]), (1, 0));
            for t in 1..500 {
                let opens = mask[at(t)] != mask[at(t - 1)];
                assert_eq!(mask[at(t)], mask[at(t - 1)] + u32::from(opens));
                assert_eq!(positions[at(t)], if opens { 0 } else { positions[at(t - 1)] + 1 });
                assert_eq!(weights[at(t - 1)] == 0.0, opens && !without_start, "row {row}, position {t}");
                if opens && without_start {
                    assert_eq!(words(&batch, "ids")[at(t)], end, "the end token opens a document, as in GPT-2");
                }
            }
            assert!(mask[at(499)] >= 2);
        }
    }
}

#[test]
fn a_prefix_is_seen_by_all_and_not_counted() {
    let dataset = world(Frame::T5);
    let prefix_lm: Objective = "prefix_lm".parse().expect("it is known");
    let mut lengths = [0; 16];
    for step in 0..100 {
        let batch = dataset.train_batch(&prefix_lm, Shape::single(16, 16), 3, step).expect("a sound shape");
        let weights = counted(&batch, "weights");
        for (mask, weights) in words(&batch, "key_mask").chunks(16).zip(weights.chunks(16)) {
            let prefix = mask.iter().take_while(|&&key| key == 1 | SEEN_BY_ALL).count();
            assert!(mask[prefix..].iter().all(|&key| key == 1));
            // The last token of the prefix predicts the first of the rest.
            assert!(weights.iter().enumerate().all(|(t, &weight)| (weight > 0.0) == (t + 1 >= prefix)));
            lengths[prefix - 1] += 1;
        }
    }
    assert!(uniform(&lengths), "{lengths:?}");
    let lm: Objective = "lm".parse().expect("it is known");
    let shape = Shape::single(4, 32);
    assert_eq!(dataset.train_batch(&lm, shape, 1, 2), dataset.train_batch(&Objective::default(), shape, 1, 2));
}
