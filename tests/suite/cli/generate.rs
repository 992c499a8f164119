//! `generate`: prompts, limits, and models from elsewhere.

use super::{Workspace, sort};

#[test]
fn a_task_answers_a_held_out_question_to_its_end() {
    let here = Workspace::new();
    here.ok(&sort("--steps 1 --out run"));
    let text = here.ok("generate --checkpoint run --device cpu");
    let line = text.strip_suffix('\n').expect("the text ends in a line end");
    assert_eq!(line.len(), 12, "six digits and six more: {line:?}");
    assert!(line.chars().all(|c| matches!(c, '0'..='2')), "{line:?}");
    // Greedy unless told otherwise: another seed changes nothing.
    assert_eq!(text, here.ok("generate --checkpoint run --device cpu --seed 9"));
}

#[test]
fn draws_depend_on_the_seed_alone() {
    let here = Workspace::new();
    here.ok(&sort("--steps 1 --out run"));
    let draw = |more: &str| here.ok(&format!("generate --checkpoint run --device cpu --prompt 0 --tokens 40 {more}"));
    let a = draw("--temperature 1 --seed 1");
    assert_eq!(a.trim_end().len(), 41, "longer than the context: the model sees the last tokens");
    assert_eq!(a, draw("--temperature 1 --seed 1"));
    assert_ne!(a, draw("--temperature 1 --seed 2"));
    assert_eq!(draw("--temperature 0"), draw("--temperature 5 --top-k 1"));
}

#[test]
fn a_model_without_a_record_is_one_from_elsewhere() {
    let here = Workspace::new();
    here.write("input.txt", "naïve café, déjà vu — ".repeat(20));
    let train = "train --preset gpt-nano --data input.txt --set tokenizer=bytes --set n_layer=1 --set n_embd=12";
    here.ok(&format!("{train} --set context=8 --set batch=4 --set eval_batches=1 --steps 1 --device cpu --out run"));
    std::fs::remove_file(here.path("run/trainer.json")).expect("the record is there");
    let text = here.ok("generate --checkpoint run --device cpu --prompt é --tokens 5 --temperature 0");
    assert!(text.starts_with('é'), "a character of two tokens comes out whole: {text:?}");
    here.ok("generate --checkpoint run --device cpu --tokens 3");

    let error = here.fails("eval --checkpoint run --device cpu");
    assert!(error.contains("give a text to measure on with --data"), "{error}");
    let result = here.ok_json("eval --checkpoint run --data input.txt --batches 2 --device cpu --json");
    let loss = result["val_loss"].as_f64().expect("the loss is a number");
    assert!((loss - 256_f64.ln()).abs() < 0.5, "a fresh model of bytes guesses: {loss}");
}

#[test]
fn prompts_and_numbers_that_cannot_be() {
    let here = Workspace::new();
    here.ok(&sort("--steps 1 --out run"));
    let error = here.fails("generate --checkpoint run --device cpu --prompt 0129");
    assert!(error.contains("the prompt: '9'") && error.contains("character 4"), "{error}");
    for temperature in ["NaN", "inf"] {
        let error = here.fails(&format!("generate --checkpoint run --device cpu --temperature {temperature}"));
        assert!(error.contains("--temperature"), "{error}");
    }
    std::fs::remove_file(here.path("run/trainer.json")).expect("the record is there");
    let error = here.fails("generate --checkpoint run --device cpu");
    assert!(error.contains("a --prompt is needed"), "{error}");
}

/// An encoder–decoder answers a source, drawn or searched for, and every flag is followed.
#[test]
fn a_source_is_answered() {
    let here = Workspace::new();
    here.ok("train --preset sort --set family=t5 --set objective=seq2seq --set num_layers=1 --set d_model=12 --set num_heads=3 \
        --set batch=2 --set eval_batches=1 --device cpu --steps 1 --out run");
    let answer =
        |more: &str| here.ok(&format!("generate --checkpoint run --device cpu --source 0120 --max-new 9 {more}"));
    let greedy = answer("");
    assert_eq!(greedy, answer("--temperature 0 --seed 5"), "greedy unless told otherwise");
    assert_eq!(greedy, answer("--temperature 2 --top-p 0.000001"));
    assert_eq!(greedy, answer("--beams 1"));
    assert!(answer("--prompt 12").starts_with("12"), "the answer begins as told");
    answer("--beams 3 --length-penalty 0.6 --min-new 2 --repetition-penalty 1.5");
    let error = here.fails("generate --checkpoint run --device cpu");
    assert!(error.contains("needs a source text"), "{error}");
}

#[test]
fn flags_that_ask_for_the_impossible_are_named() {
    let here = Workspace::new();
    here.ok(&sort("--steps 1 --out run"));
    let fails = |more: &str| here.fails(&format!("generate --checkpoint run --device cpu {more}"));
    let draws = here.ok("generate --checkpoint run --device cpu --prompt 0 --tokens 9 --stop 1 --stop 2");
    assert!(draws.trim_end().chars().all(|c| c == '0'), "no stop token is printed: {draws}");
    for (flags, expected) in [
        ("--top-p 0", "top_p = 0"),
        ("--repetition-penalty 0", "repetition_penalty = 0"),
        ("--max-new 3 --min-new 4", "min_new = 4"),
        ("--stop 12", "\"12\" is 2 tokens"),
        ("--source 01", "reads no source text"),
    ] {
        let error = fails(flags);
        assert!(error.contains(expected), "{flags}: {error}");
    }
}

/// BERT reads and does not write.
#[test]
fn an_encoder_says_that_it_cannot_generate() {
    let here = Workspace::new();
    here.ok("train --preset figure-bert --set batch=2 --set eval_batches=1 --device cpu --steps 1 --out run");
    let error = here.fails("generate --checkpoint run --device cpu --prompt like");
    assert_eq!(error, "a bert model has no decoder and cannot generate");
}
