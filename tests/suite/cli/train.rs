//! `train`: what lies in the directory afterwards, and that the same seed gives the same bits.

use serde_json::Value;

use super::{TINY, Workspace, sort};

#[test]
fn a_run_leaves_a_checkpoint_and_a_line_a_step() {
    let here = Workspace::new();
    let result = here.ok_json(&sort("--steps 5 --set eval_every=2 --out run --json"));
    assert_eq!(result["step"], 5);
    assert_eq!(result["device"], "CPU interpreter");

    let metrics = here.metrics("run");
    let steps: Vec<_> = metrics.iter().map(|line| line["step"].as_u64()).collect();
    assert_eq!(steps, [Some(1), Some(2), Some(3), Some(4), Some(5)]);
    for line in &metrics {
        let loss = line["loss"].as_f64().expect("the loss is a number");
        assert!((0.0..2.0).contains(&loss), "{line}");
        assert_eq!(line["tokens"], 4 * 11);
        assert!(line["grad_norm"].as_f64().is_some_and(|norm| norm > 0.0), "{line}");
        assert!(line["ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{line}");
        assert_eq!(line["lr"], 5e-4);
    }
    // Evaluations stand in the line of their step: every second one, and the last.
    let evaluated: Vec<bool> = metrics.iter().map(|line| line["val_loss"].is_f64()).collect();
    assert_eq!(evaluated, [false, true, false, true, true]);
    assert_eq!(result["train_loss"], metrics[4]["loss"]);
    assert_eq!(result["val_loss"], metrics[4]["val_loss"]);
    assert_eq!(result["accuracy"], metrics[4]["accuracy"]);

    let mut names: Vec<_> = std::fs::read_dir(here.path("run"))
        .expect("the run is there")
        .map(|entry| entry.expect("the run can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let expected = [
        "config.json",
        "metrics.jsonl",
        "model.safetensors",
        "optimizer.safetensors",
        "tokenizer.json",
        "trainer.json",
    ];
    assert_eq!(names, expected, "nothing temporary stays behind");
    assert_eq!(here.json("run/trainer.json")["step"], 5);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_one_others() {
    let here = Workspace::new();
    for (run, seed) in [("a", 7), ("b", 7), ("c", 8)] {
        here.ok(&sort(&format!("--steps 4 --set dropout=0.2 --seed {seed} --out {run}")));
    }
    let losses = |run: &str| -> Vec<Value> { here.metrics(run).iter().map(|line| line["loss"].clone()).collect() };
    let weights = |run: &str| here.read(&format!("{run}/model.safetensors"));
    assert!(weights("a") == weights("b"));
    assert_eq!(losses("a"), losses("b"));
    assert!(weights("a") != weights("c"));
    assert_ne!(losses("a"), losses("c"));
}

#[test]
fn the_gpu_repeats_and_resumes_bit_for_bit() {
    let here = Workspace::new();
    let train = |more: &str| format!("train --preset sort {TINY} --steps 6 --set eval_every=3 {more}");
    here.ok(&train("--out a"));
    here.ok(&train("--out b"));
    here.ok(&train("--out c --stop-at 3"));
    here.ok("train --resume --out c");
    for run in ["b", "c"] {
        for file in ["model.safetensors", "optimizer.safetensors"] {
            let read = |run: &str| here.read(&format!("{run}/{file}"));
            assert!(read("a") == read(run), "{run}/{file}");
        }
    }
}

#[test]
fn a_text_is_learned_and_measured() {
    let here = Workspace::new();
    here.write("input.txt", "To be, or not to be: that is the question.\n".repeat(20));
    let train =
        "train --preset gpt-nano --data input.txt --set n_layer=1 --set n_embd=12 --set context=8 --set batch=4";
    here.ok(&format!("{train} --set eval_batches=2 --steps 3 --device cpu --out run"));
    let result = here.ok_json("eval --checkpoint run --device cpu --json");
    let line = here.metrics("run").pop().expect("there is a last step");
    assert_eq!(result["val_loss"], line["val_loss"], "the same batches, the same weights, the same number");
    assert!(result.get("accuracy").is_none(), "a text has no right answers");
    let record = here.json("run/trainer.json");
    assert!(record["text"]["path"].as_str().is_some_and(|path| path.ends_with("input.txt")), "{record}");
    assert_eq!(record["text"]["bytes"], 43 * 20);
}

#[test]
fn a_task_is_evaluated_by_its_answers() {
    let here = Workspace::new();
    here.ok(&sort("--steps 1 --out run"));
    let result = here.ok_json("eval --checkpoint run --examples 50 --device cpu --json");
    assert_eq!(result["examples"], 50);
    let right = result["right"].as_u64().expect("right answers are counted");
    assert_eq!(result["accuracy"], right as f64 / 50.0);
    let text = here.ok("eval --checkpoint run --examples 50 --device cpu");
    assert!(text.contains(&format!("sorted {right} of 50 held-out")), "{text}");
}

#[test]
fn another_run_is_not_overwritten_unless_told() {
    let here = Workspace::new();
    here.ok(&sort("--steps 1 --out run"));
    let before = here.read("run/model.safetensors");
    let error = here.fails(&sort("--steps 2 --out run"));
    assert!(error.starts_with("run is not empty"), "{error}");
    assert!(before == here.read("run/model.safetensors"));

    here.write("run/notes.txt", "mine");
    here.ok(&sort("--steps 2 --out run --overwrite"));
    assert_eq!(here.metrics("run").len(), 2);
    assert_eq!(here.read("run/notes.txt"), b"mine", "only a run's own files are removed");
}
