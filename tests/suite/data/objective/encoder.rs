//! Batches for encoders.

use trainyard::data::objective::{Masking, Mlm, Objective};
use trainyard::data::world::{DocumentKind, World};
use trainyard::data::{Dataset, Frame, Shape, Task};
use trainyard::text::Template;

use super::{counted, family, near, words, world};

#[test]
fn masked_batches_have_a_slot_for_each_selected_position() {
    let dataset = family(Template::Bert);
    let specials = dataset.vocabulary().specials.clone();
    let text = trainyard::data::world::text(0, 0, 25_000);
    let (objective, shape) = (Objective::Mlm(Mlm::default()), Shape::single(16, 64));
    let slots = objective.slots(shape).expect("it predicts some positions");
    let mut kept = 0;
    for step in 0..10 {
        let batch = dataset.train_batch(&objective, shape, 1, step).expect("a sound shape");
        let names: Vec<&str> = batch.fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["ids", "type_ids", "key_mask", "rows", "targets", "weights"]);
        let (rows, targets, weights) = (words(&batch, "rows"), words(&batch, "targets"), counted(&batch, "weights"));
        assert_eq!([rows.len(), targets.len(), weights.len()], [slots; 3]);
        let used = batch.counted as usize;
        assert!(rows[..used].windows(2).all(|pair| pair[0] < pair[1]), "each position once, in order");
        assert!((used..slots).all(|slot| (rows[slot], targets[slot], weights[slot]) == (0, 0, 0.0)));
        let mut ids = words(&batch, "ids").to_vec();
        for (&row, &target) in rows[..used].iter().zip(targets) {
            kept += usize::from(ids[row as usize] == target);
            ids[row as usize] = target;
        }
        let mask = words(&batch, "key_mask");
        for (ids, mask) in ids.chunks(64).zip(mask.chunks(64)) {
            let length = mask.iter().take_while(|&&key| key == 1).count();
            assert!(mask[length..].iter().all(|&key| key == 0));
            assert!(ids[length..].iter().all(|&id| Some(id) == specials.pad));
            assert_eq!((Some(ids[0]), Some(ids[length - 1])), (specials.start, specials.end));
            assert!(text.contains(&dataset.show(&ids[1..length - 1])), "put back, the row is a text again");
        }
        assert!(words(&batch, "type_ids").iter().all(|&kind| kind == 0));
    }
    assert!(kept > 50, "some stay as they are: {kept}");
}

#[test]
fn selections_beyond_the_slots_are_undone_from_the_end() {
    let dataset = world(Frame::Bart);
    // A row of 8 has 2 selections at least where 0.3 · 8 slots would do: 64 slots or all positions, whichever is less.
    let shape = Shape::single(200, 3);
    let exact = Mlm { selection: trainyard::data::objective::Selection::Exact, ..Mlm::default() };
    let objective = Objective::Mlm(exact);
    let slots = objective.slots(shape).expect("it predicts some positions");
    let batch = dataset.train_batch(&objective, shape, 1, 1).expect("a sound shape");
    // One of each row's three tokens is selected: more than 15%.
    assert_eq!((batch.counted as usize, batch.dropped as usize), (slots, 200 - slots));
    let mask = dataset.vocabulary().specials.mask;
    let rows = words(&batch, "rows");
    let last = rows[slots - 1] as usize / 3;
    assert_eq!(last, slots - 1, "one a row");
    let ids = words(&batch, "ids");
    assert!(ids[(last + 1) * 3..].iter().all(|&id| Some(id) != mask), "what is undone is visible again");
    assert!(ids[..last * 3].iter().any(|&id| Some(id) == mask));
}

#[test]
fn static_masks_belong_to_the_text_and_dynamic_ones_to_the_visit() {
    let choice = world(Frame::Bart);
    let text = "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz\n".repeat(10);
    let of = |masking| {
        let tokenizer = trainyard::data::TokenizerChoice::Given(choice.tokenizer().clone());
        let dataset = Dataset::text("letters.txt", text.as_bytes(), tokenizer, 16).expect("long enough");
        let objective = Objective::Mlm(Mlm { masking, ..Mlm::default() });
        let mut rows = std::collections::HashSet::new();
        for step in 0..40 {
            let batch = dataset.train_batch(&objective, Shape::single(4, 64), 1, step).expect("a sound shape");
            rows.extend(words(&batch, "ids").chunks(64).map(<[u32]>::to_vec));
        }
        rows.len()
    };
    // Nine lines of training text; 160 visits.
    assert!(of(Masking::Static) <= 10, "{}", of(Masking::Static));
    assert!(of(Masking::Dynamic) > 150, "{}", of(Masking::Dynamic));
}

#[test]
fn reviews_are_classified_by_the_sentiment_that_made_them() {
    let dataset = family(Template::Bert);
    let specials = dataset.vocabulary().specials.clone();
    let world = World::new(0);
    let sentiment: std::collections::HashMap<String, bool> = (0..25_000)
        .map(|index| world.document(index))
        .filter_map(|document| match document.kind {
            DocumentKind::Review { positive } => Some((document.text, positive)),
            DocumentKind::Story { .. } => None,
        })
        .collect();
    let shape = Shape::single(16, 512);
    let mut positive = 0;
    for step in 0..40 {
        let batch = dataset.train_batch(&Objective::Classify, shape, 2, step).expect("a sound shape");
        assert_eq!((counted(&batch, "weights").len(), batch.counted, batch.dropped), (16, 16, 0));
        for (ids, &label) in words(&batch, "ids").chunks(512).zip(words(&batch, "targets")) {
            let end = ids.iter().position(|&id| Some(id) == specials.end).expect("an end");
            assert_eq!(sentiment.get(&dataset.show(&ids[1..end])), Some(&(label == 1)));
            positive += label as usize;
        }
    }
    assert!(near(positive, 640, 0.5), "{positive}");
    let validation = dataset.validation_batch(&Objective::Classify, shape, 0).expect("a sound shape");
    for ids in words(&validation, "ids").chunks(512) {
        let end = ids.iter().position(|&id| Some(id) == specials.end).expect("an end");
        assert!(!sentiment.contains_key(&dataset.show(&ids[1..end])), "never trained on");
    }
    // A row without room for a review says so, and still ends with its end token.
    let cut = dataset.train_batch(&Objective::Classify, Shape::single(4, 16), 2, 0).expect("a sound shape");
    assert!(cut.dropped > 0);
    assert!(words(&cut, "ids").chunks(16).all(|ids| Some(ids[15]) == specials.end));
}

#[test]
fn data_without_labels_or_text_are_refused() {
    let message = |dataset: &Dataset, objective: &Objective| {
        dataset.train_batch(objective, Shape::single(2, 11), 0, 0).expect_err("refused").to_string()
    };
    let task = Dataset::task(Task::Sort);
    assert_eq!(
        message(&task, &Objective::Mlm(Mlm::default())),
        "the objective mlm needs a text, which sort does not have"
    );
    let text = "some lines.\nothers.\n".repeat(9);
    let choice = trainyard::data::TokenizerChoice::Given(world(Frame::Bart).tokenizer().clone());
    let dataset = Dataset::text("lines.txt", text.as_bytes(), choice, 8).expect("long enough");
    assert_eq!(
        message(&dataset, &Objective::Classify),
        "the objective classify needs labeled documents, which lines.txt does not have"
    );
}
