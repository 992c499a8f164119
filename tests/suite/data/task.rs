//! The algorithmic tasks.

use std::collections::HashSet;

use trainyard::data::{Batch, DataError, Dataset, Example, Objective, Shape, Task};

/// Question and answer of a row, as text, read back from a batch by its weights.
fn rows(dataset: &Dataset, batch: &Batch) -> Vec<(String, String)> {
    let context = dataset.natural_context().expect("a task has a context");
    let words = |name| batch.words(name).expect("a decoder's batch has it");
    let (ids, targets) = (words("ids"), words("targets"));
    let weights = batch.floats("weights").expect("a batch has weights");
    ids.chunks(context)
        .zip(targets.chunks(context))
        .zip(weights.chunks(context))
        .map(|((ids, targets), weights)| {
            let first = weights.iter().position(|&weight| weight > 0.0).expect("an answer");
            let counted = targets.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
            let answer: Vec<u32> = counted.map(|(&id, _)| id).collect();
            (dataset.show(&ids[..=first]), dataset.show(&answer))
        })
        .collect()
}

/// The right answer, computed on the text by other means than the library's.
fn solve(task: Task, question: &str) -> String {
    match task {
        Task::Sort => {
            let count = |digit: char| question.chars().filter(|&c| c == digit).count();
            ['0', '1', '2'].map(|digit| digit.to_string().repeat(count(digit))).concat()
        }
        Task::Reverse => question.trim_end_matches('|').chars().rev().collect::<String>() + "<eos>",
        Task::Copy => question.trim_end_matches('|').to_owned() + "<eos>",
        Task::Add => {
            let (a, b) = question.trim_end_matches('=').split_once('+').expect("a sum");
            let number = |digits: &str| digits.parse::<u32>().expect("digits");
            format!("{:03}<eos>", number(a) + number(b))
        }
    }
}

#[test]
fn names_are_read_back_and_unknown_ones_listed() {
    for task in Task::ALL {
        assert_eq!(task.as_str().parse(), Ok(task));
    }
    let error = "sorting".parse::<Task>().expect_err("no such task");
    assert_eq!(error.to_string(), "unknown task \"sorting\"; known: sort, reverse, copy, add");
}

#[test]
fn contexts_and_vocabularies_are_minimal() {
    let shape = |task| {
        let dataset = Dataset::task(task);
        (dataset.natural_context(), dataset.tokenizer().vocab_size())
    };
    assert_eq!(shape(Task::Sort), (Some(11), 3));
    assert_eq!(shape(Task::Reverse), (Some(13), 29));
    assert_eq!(shape(Task::Copy), (Some(13), 29));
    assert_eq!(shape(Task::Add), (Some(9), 13));
}

#[test]
fn every_row_has_the_right_answer_and_shares_nothing_with_the_held_out_ones() {
    for task in Task::ALL {
        let dataset = Dataset::task(task);
        let context = dataset.natural_context().expect("a task has a context");
        let mut trained = HashSet::new();
        for step in 0..100 {
            let batch =
                dataset.train_batch(&Objective::default(), Shape::single(32, context), 3, step).expect("a sound shape");
            for (question, answer) in rows(&dataset, &batch) {
                assert_eq!(answer, solve(task, &question), "{task}: {question}");
                trained.insert(question);
            }
        }
        for index in 0..400 {
            let Example { question, answer } = dataset.held_out(index).expect("a task has examples");
            assert!(task.is_held_out(&question));
            let question = dataset.show(&question);
            assert_eq!(dataset.show(&answer), solve(task, &question));
            assert!(!trained.contains(&question), "{task}: {question}");
        }
        let batch =
            dataset.validation_batch(&Objective::default(), Shape::single(8, context), 2).expect("a sound shape");
        for ((question, answer), index) in rows(&dataset, &batch).iter().zip(16..) {
            assert_eq!(*answer, solve(task, question));
            let example = dataset.held_out(index).expect("a task has examples");
            assert_eq!(*question, dataset.show(&example.question), "{task}: validation is the held-out examples");
        }
    }
}

#[test]
fn a_quarter_of_the_questions_is_held_out() {
    let tokenizer = Dataset::task(Task::Sort);
    let digits = tokenizer.tokenizer();
    let sort = (0..729_u32).filter(|&n| {
        let text: String = (0..6).map(|i| char::from(b'0' + (n / 3_u32.pow(i) % 3) as u8)).collect();
        Task::Sort.is_held_out(&digits.encode(&text).expect("digits"))
    });
    // Four standard deviations of a binomial draw: 729 / 4 ± 47, 10,000 / 4 ± 173.
    let sort = sort.count();
    assert!((135..=229).contains(&sort), "{sort} of 729");
    let add = Dataset::task(Task::Add);
    let held = (0..10_000).filter(|n| {
        let text = format!("{:02}+{:02}=", n / 100, n % 100);
        Task::Add.is_held_out(&add.tokenizer().encode(&text).expect("a sum"))
    });
    let held = held.count();
    assert!((2327..=2673).contains(&held), "{held} of 10,000");
}

#[test]
fn weights_count_the_answer_and_sum_to_one() {
    for task in Task::ALL {
        let dataset = Dataset::task(task);
        let context = dataset.natural_context().expect("a task has a context");
        let batch =
            dataset.train_batch(&Objective::default(), Shape::single(16, context), 0, 0).expect("a sound shape");
        let weights = batch.floats("weights").expect("a batch has weights");
        let sum: f32 = weights.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{task}: {sum}");
        let mut distinct: Vec<u32> = weights.iter().map(|weight| weight.to_bits()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 2, "{task}: zero and one other weight");
    }
    let sort = Dataset::task(Task::Sort)
        .train_batch(&Objective::default(), Shape::single(4, 11), 0, 0)
        .expect("a sound shape");
    let expected = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0].map(|weight| weight / 24.0);
    assert_eq!(sort.floats("weights"), Some(expected.repeat(4).as_slice()));
    assert_eq!(sort.counted, 24);
    let words = |name| sort.words(name).expect("a decoder's batch has it");
    assert_eq!(words("ids")[1..11], words("targets")[..10]);
}

#[test]
fn batches_are_functions_of_seed_and_step() {
    for task in Task::ALL {
        let dataset = Dataset::task(task);
        let context = dataset.natural_context().expect("a task has a context");
        let batch = |seed, step| {
            dataset.train_batch(&Objective::default(), Shape::single(8, context), seed, step).expect("a sound shape")
        };
        assert_eq!(batch(1, 5), batch(1, 5));
        assert_ne!(batch(1, 5), batch(1, 6));
        assert_ne!(batch(1, 5), batch(2, 5));
    }
}

#[test]
fn another_context_is_refused() {
    let error = Dataset::task(Task::Sort)
        .train_batch(&Objective::default(), Shape::single(1, 12), 0, 0)
        .expect_err("not its own");
    assert_eq!(error.to_string(), "the task sort has a context of exactly 11, not 12");
    let error =
        Dataset::task(Task::Sort).train_batch(&Objective::default(), Shape::single(0, 11), 0, 0).expect_err("no rows");
    assert!(matches!(error, DataError::BatchShape { batch: 0, context: 11, .. }));
}

#[test]
fn probes_are_completed_with_the_right_answer() {
    let probe = |task, text| {
        let dataset = Dataset::task(task);
        dataset.probe(text, 99).map(|ids| dataset.show(&ids)).map_err(|error| error.to_string())
    };
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(probe(Task::Sort, "201210"), ok("20121000112"));
    assert_eq!(probe(Task::Sort, "201210222"), ok("201210222"), "an answer given is kept");
    assert_eq!(probe(Task::Reverse, " hello\n"), ok("hello|olleh"));
    assert_eq!(probe(Task::Reverse, "hello|"), ok("hello|olleh"));
    assert_eq!(probe(Task::Reverse, "hello|wrong<eos>"), ok("hello|wrong<eos>"));
    assert_eq!(probe(Task::Copy, "ab"), ok("ab|ab"));
    assert_eq!(probe(Task::Add, "47+38"), ok("47+38=085"));
    assert_eq!(probe(Task::Add, "99+99="), ok("99+99=198"));
    let refused = [
        (Task::Sort, "2012", "\"2012\" is no question of the task sort: six digits of 0, 1 and 2, such as 201210"),
        (Task::Sort, "201213", "probe: '3' (U+0033) is not in the tokenizer's vocabulary (character 6 of the text)"),
        (Task::Reverse, "a", "\"a\" is no question of the task reverse: two to six letters from a to z, such as hello"),
        (
            Task::Reverse,
            "abcdefg",
            "\"abcdefg\" is no question of the task reverse: two to six letters from a to z, such as hello",
        ),
        (Task::Add, "7+38", "\"7+38\" is no question of the task add: two numbers of two digits, such as 47+38"),
        (Task::Add, "47+38=<eos>=", "no such"),
        (Task::Add, "", "the probe is empty"),
    ];
    for (task, text, expected) in refused {
        if text.ends_with("<eos>=") {
            // A wrong answer is the visitor's business.
            assert_eq!(probe(task, text), ok("47+38=<eos>="));
        } else {
            assert_eq!(probe(task, text), Err(expected.to_owned()));
        }
    }
}

#[test]
fn the_default_probe_and_prompt_are_held_out_questions() {
    for task in Task::ALL {
        let dataset = Dataset::task(task);
        let ids = dataset.tokenizer().encode(&dataset.default_prompt()).expect("its own symbols");
        assert!(task.is_held_out(&ids), "{task}");
        assert!(dataset.probe(&dataset.default_probe(), 99).is_ok(), "{task}");
    }
}

#[test]
fn a_question_is_read_with_and_without_its_sign() {
    let reverse = Dataset::task(Task::Reverse);
    let shown = |text: &str| -> Result<(String, String), DataError> {
        let example = reverse.question(text)?.expect("a task has questions");
        Ok((reverse.show(&example.question), reverse.show(&example.answer)))
    };
    let expected = ("planet|".to_owned(), "tenalp<eos>".to_owned());
    for text in ["planet", " planet ", "planet|", "planet|te", "planet|wrong"] {
        assert_eq!(shown(text), Ok(expected.clone()), "{text:?}");
    }
    assert!(shown("x").is_err());
    let sort = Dataset::task(Task::Sort);
    let example = sort.question("201210").expect("six digits").expect("a task has questions");
    assert_eq!((sort.show(&example.question), example.answer.len()), ("201210".to_owned(), 6));
    let world = Dataset::world(0).expect("the built-in text");
    assert_eq!(world.question("anything"), Ok(None));
}
