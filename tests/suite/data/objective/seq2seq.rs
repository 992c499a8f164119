//! Pairs of source and target.

use std::collections::HashSet;

use trainyard::data::objective::Objective;
use trainyard::data::{DataError, Dataset, Frame, Shape, Task, TokenizerChoice};
use trainyard::text::{Template, TrainKind, TrainSpec};

use super::{counted, words, world};

/// Source and target of each row, as text, with the special tokens of their frames.
fn pairs(dataset: &Dataset, batch: &trainyard::data::Batch, shape: Shape) -> Vec<(String, String)> {
    let (mask, weights) = (words(batch, "key_mask"), counted(batch, "weights"));
    let rows = words(batch, "ids").chunks(shape.source).zip(words(batch, "targets").chunks(shape.target));
    rows.enumerate()
        .map(|(row, (ids, targets))| {
            let source = mask[row * shape.source..].iter().take(shape.source).filter(|&&key| key == 1).count();
            let target = weights[row * shape.target..].iter().take(shape.target).filter(|&&w| w > 0.0).count();
            (dataset.tokenizer().decode(&ids[..source]), dataset.tokenizer().decode(&targets[..target]))
        })
        .collect()
}

#[test]
fn tasks_are_pairs_of_question_and_answer_in_every_frame() {
    for frame in [Frame::T5, Frame::Bart, Frame::Transformer] {
        for task in Task::ALL {
            let dataset = Dataset::task_pairs(task);
            let specials = dataset.specials().clone();
            let dataset = dataset.with_frame(frame);
            let (source, target) = dataset.natural_lengths().expect("a task has lengths");
            let shape = Shape { batch: 64, source, target };
            let batch = dataset.train_batch(&Objective::Seq2Seq, shape, 4, 2).expect("its own lengths");
            assert_eq!(batch.dropped, 0);
            let start = match frame {
                Frame::T5 => specials.pad,
                Frame::Bart => specials.end,
                Frame::Transformer => specials.start,
            };
            assert!(words(&batch, "decoder_ids").chunks(target).all(|row| Some(row[0]) == start));
            let (before, after) = if frame == Frame::Bart { ("<bos>", "<eos>") } else { ("", "<eos>") };
            let pairs = pairs(&dataset, &batch, shape);
            for (question, answer) in &pairs {
                let inner = |text: &str| -> String {
                    let inner = text.strip_prefix(before).and_then(|text| text.strip_suffix(after));
                    inner.expect("framed").to_owned()
                };
                let (question, answer) = (inner(question), inner(answer));
                let example = dataset.question(&question).expect("a question").expect("a task has questions");
                let right = dataset.show(&example.answer);
                assert_eq!(answer, right.trim_end_matches("<eos>"), "{task}: {question}");
                assert!(!task.is_held_out(&example.question));
            }
            let longest = pairs.iter().map(|(q, _)| dataset.tokenizer().encode(q).map_or(0, |ids| ids.len())).max();
            assert_eq!(longest, Some(source), "{task}: the lengths are the least that do");
            let validation = dataset.validation_batch(&Objective::Seq2Seq, shape, 0).expect("its own lengths");
            let held_out = words(&validation, "ids")[..source]
                .iter()
                .filter(|id| dataset.tokenizer().token(**id).is_some_and(|t| t.len() == 1));
            assert!(task.is_held_out(&held_out.copied().collect::<Vec<_>>()));
        }
    }
}

#[test]
fn the_ids_of_a_task_stay_what_they_are() {
    for task in Task::ALL {
        let (alone, pairs) = (Dataset::task(task), Dataset::task_pairs(task));
        for id in 0..alone.tokenizer().vocab_size() as u32 {
            assert_eq!(alone.tokenizer().token(id), pairs.tokenizer().token(id), "{task}");
        }
        let shape = Shape { batch: 1, source: 3, target: 9 };
        let error = pairs.train_batch(&Objective::Seq2Seq, shape, 0, 0).expect_err("too short");
        assert!(matches!(error, DataError::Length { part: "source", length: 3, .. }), "{error}");
        let shape = Shape { batch: 1, source: 9, target: 9 };
        let error = alone.train_batch(&Objective::Seq2Seq, shape, 0, 0).expect_err("no padding");
        assert!(matches!(error, DataError::MissingSpecial { objective: "seq2seq", .. }), "{error}");
    }
}

#[test]
fn stories_ask_and_answer() {
    let dataset = world(Frame::T5);
    let text = trainyard::data::world::text(0, 0, 25_000);
    let lines: HashSet<&str> = text.lines().collect();
    let shape = Shape { batch: 16, source: 900, target: 32 };
    let batch = dataset.train_batch(&Objective::Seq2Seq, shape, 1, 0).expect("a sound shape");
    for (story, answer) in pairs(&dataset, &batch, shape) {
        let whole = format!("{} {}", story.trim_end_matches("</s>"), answer.trim_end_matches("</s>"));
        assert!(lines.contains(whole.as_str()), "{whole}");
        assert!(story.ends_with("?</s>"), "{story}");
    }
}

#[test]
fn lines_with_a_tab_are_pairs() {
    let text =
        "go .\tva !\tattribution\ni lost .\tj'ai perdu .\n\nno pair here\nhe's calm .\til est calme .\n".repeat(12);
    let read = |name: &str, text: &[u8]| {
        let spec = TrainSpec::new(TrainKind::Bytes, 0, Template::T5 { sentinels: 0 });
        let dataset = Dataset::text(name, text, TokenizerChoice::Trained(spec), 16).expect("long enough");
        dataset.with_frame(Frame::T5)
    };
    let dataset = read("pairs.txt", text.as_bytes());
    let shape = Shape { batch: 32, source: 16, target: 16 };
    let batch = dataset.train_batch(&Objective::Seq2Seq, shape, 1, 0).expect("a sound shape");
    let found: HashSet<(String, String)> = pairs(&dataset, &batch, shape).into_iter().collect();
    let framed = |source: &str, target: &str| (format!("{source}</s>"), format!("{target}</s>"));
    let expected =
        [framed("go .", "va !"), framed("i lost .", "j'ai perdu ."), framed("he's calm .", "il est calme .")];
    assert_eq!(found, expected.into_iter().collect());
    let cut = Shape { target: 6, ..shape };
    let batch = dataset.train_batch(&Objective::Seq2Seq, cut, 1, 0).expect("a sound shape");
    assert!(batch.dropped > 0);
    assert!(pairs(&dataset, &batch, cut).iter().all(|(_, target)| target.ends_with("</s>")));
    let lines = read("lines.txt", &b"no tab\n".repeat(9));
    let error = lines.train_batch(&Objective::Seq2Seq, shape, 0, 0).expect_err("no pairs");
    assert_eq!(
        error.to_string(),
        "the objective seq2seq needs lines of a source, a tab and a target, which lines.txt does not have"
    );
}
