//! Bad input: one sentence that names the thing, exit code 1, and nothing lost.

use super::{Workspace, sort};

fn nano(more: &str) -> String {
    format!("train --preset gpt-nano --device cpu --out run {more}")
}

#[test]
fn texts_that_are_none() {
    let here = Workspace::new();
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty.txt", b"", "the text is empty"),
        ("blank.txt", b" \n\t ", "the text is empty"),
        ("binary.txt", b"ab\x00cd", "binary file: a NUL byte at offset 2"),
        ("latin1.txt", b"caf\xE9 au lait", "not valid UTF-8: byte 0xE9 at offset 3"),
        ("utf16.txt", b"\xFF\xFEa\x00", "UTF-16"),
        ("short.txt", b"too short", "has 9 tokens; a context of 32 needs at least 66"),
    ];
    for (name, bytes, expected) in cases {
        here.write(name, bytes);
        let error = here.fails(&nano(&format!("--data {name}")));
        assert!(error.contains(name) && error.contains(expected), "{error}");
    }
    let error = here.fails(&nano("--data missing.txt"));
    assert!(error.contains("missing.txt"), "{error}");
    assert!(!here.path("run").exists(), "nothing is made for a run that cannot start");
}

#[test]
fn settings_that_cannot_be() {
    let here = Workspace::new();
    let cases = [
        ("--set n_head=5", "n_head = 5 does not divide n_embd = 48"),
        ("--set n_layer=200 --set n_embd=8192 --set n_head=8", "the number of parameters is 161"),
        ("--set n_layer=4 --set n_embd=6144", "MiB of memory, the CPU interpreter takes at most 8192 MiB"),
        ("--set n_layer=0", "n_layer = 0: a whole number from 1 to 256"),
        ("--set width=3", "unknown setting \"width\"; known: world_seed, context"),
        ("--set lr=fast", "lr = fast: a number from 0"),
        ("--set schedule=square", "one of constant, linear, cosine"),
        ("--set batch=65536 --set context=65536", "a batch of 65536 by a context of 65536"),
        ("--steps 0", "steps = 0"),
    ];
    for (change, expected) in cases {
        let error = here.fails(&nano(change));
        assert!(error.contains(expected), "{change}: {error}");
    }
    let error = here.fails("train --preset nope --device cpu --out run");
    assert!(error.contains("unknown preset \"nope\"; known: reverse, sort"), "{error}");
    let error = here.fails(&sort("--set context=20 --out run"));
    assert!(error.contains("the task sort has a context of exactly 11, not 20"), "{error}");
}

#[test]
fn a_model_beyond_the_adapter_is_refused_with_both_numbers() {
    let here = Workspace::new();
    let error = here.fails("train --preset gpt-nano --set n_layer=9 --set n_embd=3072 --out run");
    assert!(error.contains("MiB needed, this device allows"), "{error}");
}

#[test]
fn data_where_it_does_not_belong() {
    let here = Workspace::new();
    here.write("input.txt", "some text");
    let error = here.fails(&sort("--data input.txt --out run"));
    assert!(error.contains("\"sort\" makes its own examples"), "{error}");
    let error = here.fails("train --preset nanogpt-cpu --device cpu --out run");
    assert!(error.contains("\"nanogpt-cpu\" has no text of its own"), "{error}");
}

#[test]
fn wrong_usage_exits_with_2() {
    let here = Workspace::new();
    for words in [
        "",
        "train",
        "train --preset sort",
        "train --preset sort --out run --set lr",
        "train --preset sort --out run --device tpu",
        "train --preset sort --out run --device cpu --adapter llvmpipe",
        "plan --preset sort --json --graph",
        "fly",
    ] {
        let run = here.run(words);
        assert_eq!(run.code, Some(2), "{words}: {}", run.stderr);
    }
}

#[test]
fn an_adapter_that_is_not_there_is_named() {
    let here = Workspace::new();
    let error = here.fails("train --preset sort --adapter nothing-like-this --out run");
    assert!(error.contains("no adapter is called \"nothing-like-this\"; available: \""), "{error}");
}

/// The weights of the last good step stay, the metrics tell what happened, and no file holds a number that is none.
#[test]
fn a_diverged_run_stops_and_keeps_its_checkpoint() {
    let here = Workspace::new();
    here.ok(&sort("--steps 9 --set eval_every=1 --set warmup=0 --stop-at 2 --out run"));
    let good = here.read("run/model.safetensors");
    // A run that goes wrong later: the same one with a rate that nothing survives.
    let mut record = here.json("run/trainer.json");
    record["settings"]["lr"] = 1e30.into();
    record["settings"]["eval_every"] = 0.into();
    here.write("run/trainer.json", record.to_string());
    let error = here.fails("train --resume --device cpu --out run");
    assert!(error.contains("training diverged: loss ") && error.contains(" at step 4"), "{error}");
    assert!(error.contains("run keeps the checkpoint of step 2"), "{error}");
    assert!(good == here.read("run/model.safetensors"));
    let metrics = here.metrics("run");
    assert_eq!(metrics.len(), 4);
    assert!(metrics[3]["loss"].is_string(), "{}", metrics[3]);
}

#[test]
fn a_run_that_diverges_at_once_leaves_no_weights() {
    let here = Workspace::new();
    let error = here.fails(&sort("--steps 9 --set eval_every=0 --set lr=1e30 --out run"));
    assert!(error.contains("no checkpoint was due before"), "{error}");
    assert!(!here.path("run/model.safetensors").exists());
    assert_eq!(here.metrics("run").len(), 2);
    // The loss of the only step was fine; what it left is not.
    let error = here.fails(&sort("--steps 1 --set lr=1e38 --out single"));
    assert!(error.contains("validation loss"), "{error}");
    assert!(!here.path("single/model.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_is_no_failure() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_trainyard"))
        .args(["plan", "--preset", "bench-c", "--launches"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
