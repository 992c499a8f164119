//! `info`, `presets`, `plan`, `bench`: the figures, and that they agree with each other.

use serde_json::Value;

use super::Workspace;

const PRESETS: [&str; 21] = [
    "reverse",
    "sort",
    "copy",
    "add",
    "gpt-nano",
    "story",
    "gpt-6",
    "nanogpt-cpu",
    "nanogpt-baby",
    "bert",
    "t5",
    "bart",
    "translate",
    "reverse-seq2seq",
    "sentiment",
    "figure-bert",
    "figure-t5",
    "figure-gpt",
    "bench-a",
    "bench-b",
    "bench-c",
];

#[test]
fn presets_lists_all_with_their_sizes() {
    let here = Workspace::new();
    let list = here.ok_json("presets --json");
    let list = list.as_array().expect("presets are listed");
    let names: Vec<&str> = list.iter().filter_map(|preset| preset["name"].as_str()).collect();
    assert_eq!(names, PRESETS);
    let text = here.ok("presets");
    assert!(PRESETS.iter().all(|name| text.contains(name)), "{text}");
    // models.md 5.1: parameters without the position embedding.
    let baby = list.iter().find(|preset| preset["name"] == "nanogpt-baby").expect("it is listed");
    assert_eq!(baby["parameters"], 10_646_784 + 256 * 384);
    let cpu = list.iter().find(|preset| preset["name"] == "nanogpt-cpu").expect("it is listed");
    assert_eq!(cpu["parameters"], 795_904 + 64 * 128);
}

#[test]
fn a_plan_needs_no_device_and_stays_within_its_budget() {
    let here = Workspace::new();
    let plan = here.ok_json("plan --preset gpt-6 --json");
    let number = |key: &str| plan[key].as_u64().unwrap_or_else(|| panic!("{key} in {plan}"));
    assert!((1..=180).contains(&number("dispatches")), "{plan}");
    assert_eq!(number("submits_per_chunk"), 1);
    assert_eq!(number("buffers_per_step"), 0);
    assert_eq!(number("bind_groups_per_step"), 0);
    assert_eq!(plan["preset"], "gpt-6");
    assert_eq!(plan["target"], "gpu");
    // Values, gradients and two moments are the least that training takes.
    assert!(number("bytes") > 16 * number("parameters"), "{plan}");
    assert!(number("flops") >= number("dense_flops"), "nothing is left out: {plan}");

    let text = here.ok("plan --preset gpt-6");
    assert!(text.contains(&format!("{} a training step", number("dispatches"))), "{text}");
    let launches = here.ok("plan --preset gpt-6 --launches");
    let lines = launches.lines().filter(|line| line.contains("  @ ")).count() as u64;
    assert_eq!(lines, number("dispatches"), "a line a launch");
    let graph = here.ok("plan --preset gpt-6 --graph");
    assert!(graph.contains("transformer.h.5.mlp.c_proj.weight"), "{graph}");
}

#[test]
fn every_preset_can_be_planned() {
    let here = Workspace::new();
    for name in PRESETS {
        for target in ["", "--software"] {
            let plan = here.ok_json(&format!("plan --preset {name} --json {target}"));
            assert!(plan["dispatches"].as_u64().is_some_and(|n| n > 0), "{name}: {plan}");
        }
    }
}

#[test]
fn info_lists_the_adapter_and_the_interpreter() {
    let here = Workspace::new();
    let info = here.ok_json("info --json");
    let adapters = info["adapters"].as_array().expect("adapters are listed");
    assert!(!adapters.is_empty(), "tests need a GPU adapter: install mesa-vulkan-drivers");
    assert!(adapters[0]["limits"]["buffer_bytes"].as_u64().is_some_and(|bytes| bytes >= 256 << 20), "{info}");
    let text = here.ok("info");
    assert!(text.contains("CPU interpreter"), "{text}");
    assert!(adapters[0]["name"].as_str().is_some_and(|name| text.contains(name)), "{text}");
}

#[test]
fn a_benchmark_agrees_with_the_plan_and_makes_nothing_while_it_runs() {
    let here = Workspace::new();
    let result = here.ok_json("bench --preset bench-c --steps 5 --json");
    assert_eq!(result["preset"], "bench-c");
    assert_eq!(result["steps"], 5);
    for key in ["ms_per_step", "tokens_per_s", "gflops", "first_step_ms"] {
        assert!(result[key].as_f64().is_some_and(|n| n > 0.0), "{key} in {result}");
    }
    assert_eq!(result["buffers_created"], 0);
    assert_eq!(result["bind_groups_created"], 0);
    let info = here.ok_json("info --json");
    assert_eq!(result["adapter"], info["adapters"][0]["name"]);
    let software = if info["adapters"][0]["kind"] == "software" { "--software" } else { "" };
    let plan = here.ok_json(&format!("plan --preset bench-c --json {software}"));
    assert_eq!(result["dispatches"], plan["dispatches"]);
    assert_eq!(result["bytes"], plan["bytes"]);
    assert_eq!(result["allocated_bytes"], result["bytes"], "computed before, allocated after");
    let (ms, flops) = (result["ms_per_step"].as_f64(), plan["dense_flops"].as_f64());
    let expected = flops.zip(ms).map(|(flops, ms)| flops / ms / 1e6).expect("both are numbers");
    let gflops = result["gflops"].as_f64().expect("it is a number");
    assert!((gflops / expected - 1.0).abs() < 1e-9, "{gflops} instead of {expected}");
}

#[test]
fn a_profile_accounts_for_every_launch() {
    let here = Workspace::new();
    let result = here.ok_json("bench --preset bench-c --steps 5 --profile --json");
    let kernels = result["kernels"].as_array().expect("kernels are listed");
    let sum = |key: &str| kernels.iter().filter_map(|kernel| kernel[key].as_f64()).sum::<f64>();
    assert_eq!(result["dispatches"].as_f64(), Some(sum("launches")));
    assert!((sum("share") - 1.0).abs() < 1e-9, "{result}");
}

#[test]
fn several_benchmarks_make_an_array() {
    let here = Workspace::new();
    let list = here.ok_json("bench --preset sort --preset reverse --steps 5 --device cpu --json");
    let names: Vec<&Value> = list.as_array().expect("an array").iter().map(|result| &result["preset"]).collect();
    assert_eq!(names, ["sort", "reverse"]);
}
