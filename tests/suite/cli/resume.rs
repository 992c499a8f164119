//! `train --resume`: an interrupted run ends with the bits of an uninterrupted one, wherever it was interrupted.

use std::fs;

use serde_json::Value;

use super::{Workspace, sort};

const FILES: [&str; 5] =
    ["config.json", "model.safetensors", "tokenizer.json", "optimizer.safetensors", "trainer.json"];

/// Runs of 6 steps: `whole`, and `half`, which stopped after 3.
fn whole_and_half() -> Workspace {
    let here = Workspace::new();
    let train =
        |more: &str| sort(&format!("--steps 6 --set eval_every=3 --set dropout=0.2 --set schedule=cosine {more}"));
    here.ok(&train("--out whole"));
    here.ok(&train("--out half --stop-at 3"));
    here
}

/// The metrics without what depends on the clock.
fn timeless(here: &Workspace, run: &str) -> Vec<Value> {
    let mut lines = here.metrics(run);
    for line in &mut lines {
        line["ms"].take();
    }
    lines
}

fn assert_same(here: &Workspace, run: &str) {
    for file in FILES {
        assert!(here.read(&format!("whole/{file}")) == here.read(&format!("{run}/{file}")), "{run}/{file}");
    }
    assert_eq!(timeless(here, "whole"), timeless(here, run));
}

#[test]
fn interrupted_and_resumed_is_uninterrupted() {
    let here = whole_and_half();
    assert_eq!(here.metrics("half").len(), 3);
    here.ok("train --resume --device cpu --out half");
    assert_same(&here, "half");
}

/// The negative control: without the moments the run goes on, but to other weights.
#[test]
fn dropped_moments_make_another_run() {
    let here = whole_and_half();
    let mut moments = here.read("half/optimizer.safetensors");
    let header = u64::from_le_bytes(*moments.first_chunk().expect("a header length")) as usize;
    moments[8 + header..].fill(0);
    here.write("half/optimizer.safetensors", moments);
    here.ok("train --resume --device cpu --out half");
    assert!(here.read("whole/model.safetensors") != here.read("half/model.safetensors"));
}

/// Likewise for the step, which keys data, dropout and schedule.
#[test]
fn a_wrong_step_makes_another_run() {
    let here = whole_and_half();
    let mut record = here.json("half/trainer.json");
    record["step"] = 2.into();
    here.write("half/trainer.json", record.to_string());
    here.ok("train --resume --device cpu --out half");
    assert!(here.read("whole/model.safetensors") != here.read("half/model.safetensors"));
}

/// A killed run may have written lines beyond its last checkpoint, the last one in part.
#[test]
fn lines_beyond_the_checkpoint_are_taken_back() {
    let here = whole_and_half();
    let mut metrics = here.read("half/metrics.jsonl");
    metrics.extend_from_slice(
        b"{\"step\":4,\"loss\":9.0,\"lr\":1.0,\"grad_norm\":1.0,\"tokens\":44,\"ms\":1.0}\n{\"step\":5,\"lo",
    );
    here.write("half/metrics.jsonl", metrics);
    here.ok("train --resume --device cpu --out half");
    assert_same(&here, "half");
}

#[test]
fn a_save_that_was_not_committed_has_not_happened() {
    let here = whole_and_half();
    fs::create_dir(here.path("half/.next")).expect("the run can be written");
    here.write("half/.next/model.safetensors", b"half a fi");
    here.ok("generate --checkpoint half --device cpu");
    here.ok("train --resume --device cpu --out half");
    assert_same(&here, "half");
}

/// Killed between the renames that carry a committed save through: after none of them, after some, after all.
#[test]
fn a_committed_save_is_carried_through() {
    for moved in 0..=FILES.len() {
        let here = whole_and_half();
        fs::create_dir(here.path("half/.commit")).expect("the run can be written");
        for (i, file) in FILES.iter().enumerate() {
            let place = if i < moved { format!("half/{file}") } else { format!("half/.commit/{file}") };
            here.write(&place, here.read(&format!("whole/{file}")));
        }
        let read = |run: &str| here.ok(&format!("eval --checkpoint {run} --device cpu --json"));
        assert_eq!(read("half"), read("whole"), "a reader sees the new model with {moved} files moved");
        let error = here.fails("train --resume --device cpu --out half");
        assert!(error.contains("has done 6 of its 6 steps"), "{error}");
        for file in FILES {
            assert!(here.read(&format!("whole/{file}")) == here.read(&format!("half/{file}")), "{moved}: {file}");
        }
        assert!(!here.path("half/.commit").exists());
    }
}

/// The system lets no file grow beyond 4 KiB: the weights do not fit.
#[cfg(unix)]
#[test]
fn a_save_that_does_not_fit_on_the_disk_leaves_the_one_before() {
    let here = whole_and_half();
    let before = FILES.map(|file| here.read(&format!("half/{file}")));
    let limited = r#"trap "" XFSZ; ulimit -f 8; exec "$0" train --resume --device cpu --out half"#;
    let output = std::process::Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_trainyard")])
        .current_dir(here.path(""))
        .output()
        .expect("there is a shell");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("error: cannot write half/.next/model.safetensors: File too large"), "{error}");
    assert!(before == FILES.map(|file| here.read(&format!("half/{file}"))));
    here.ok("train --resume --device cpu --out half");
    assert_same(&here, "half");
}

#[test]
fn a_finished_run_goes_on_when_it_is_made_longer() {
    let here = Workspace::new();
    here.ok(&sort("--steps 2 --set schedule=constant --out short"));
    here.ok(&sort("--steps 4 --set schedule=constant --out long"));
    here.ok("train --resume --steps 4 --device cpu --out short");
    assert!(here.read("short/model.safetensors") == here.read("long/model.safetensors"));
}

#[test]
fn a_resumed_run_refuses_what_would_make_it_another() {
    let here = Workspace::new();
    here.write("input.txt", "To be, or not to be: that is the question.\n".repeat(20));
    let train =
        "train --preset gpt-nano --data input.txt --set n_layer=1 --set n_embd=12 --set context=8 --set batch=4";
    here.ok(&format!("{train} --set eval_batches=1 --steps 4 --stop-at 2 --device cpu --out run"));

    let error = here.fails("train --resume --preset sort --device cpu --out run");
    assert!(error.contains("\"gpt-nano\", not \"sort\""), "{error}");
    let usage = here.run("train --resume --set lr=1 --device cpu --out run");
    assert_eq!(usage.code, Some(2), "{}", usage.stderr);

    here.write("input.txt", "To be, or not to be: that is the Question.\n".repeat(20));
    let error = here.fails("train --resume --device cpu --out run");
    assert!(error.contains("input.txt is not the text that the run in run learned from"), "{error}");
    // The same text under another name is the same text.
    here.write("moved.txt", "To be, or not to be: that is the question.\n".repeat(20));
    here.ok("train --resume --data moved.txt --device cpu --out run");
    assert_eq!(here.metrics("run").len(), 4);

    let error = here.fails("train --resume --device cpu --out elsewhere");
    assert!(error.contains("elsewhere is no checkpoint"), "{error}");
}
