//! Every kernel on a device against the interpreter in f64: with the shapes that suit the device, and with those for a GPU.
//!
//! The device is the machine's, lavapipe where it has no GPU. Slots hold NaN before each run, so what is read has been
//! written.

mod adversarial;
mod compare;
mod dropout;
mod exact;
mod hidden;
mod invariance;
mod large;
mod optimizer;
mod rules;
mod training;

use std::sync::OnceLock;

use pollster::block_on;
use trainyard::gpu::{Device, ParamStore, Prepared, StepData};
use trainyard::kernels::{Step, Target};
use trainyard::plan::{Plan, Purpose};
use trainyard::reference::Tensor;

use crate::cases::{Case, cases};
use compare::{Tolerance, compare};

type Failure = Box<dyn std::error::Error>;

/// The device of all tests that neither lose it nor count its objects.
pub fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| block_on(Device::open(None)).expect("tests need a GPU adapter: install mesa-vulkan-drivers"))
}

/// Every output of a case, by name, from the device.
fn run(case: &Case, target: Target) -> Result<Vec<(String, Vec<f32>)>, Failure> {
    execute(case, &Plan::new(&case.graph, Purpose::Forward, 1, target)?)
}

/// As [`run`], with a plan of one's own.
fn execute(case: &Case, plan: &Plan) -> Result<Vec<(String, Vec<f32>)>, Failure> {
    let mut store = block_on(ParamStore::new(device(), &plan.arenas))?;
    let params: Vec<Vec<f32>> = case.params.iter().map(|p| p.iter().map(|&x| x as f32).collect()).collect();
    store.upload_params(&plan.arenas.flatten(&params))?;
    let mut prepared = block_on(Prepared::build(device(), plan, &mut store, |_, _, _| ()))?;
    prepared.poison_slots()?;
    let words: Vec<Vec<u32>> = case
        .inputs
        .iter()
        .map(|input| match input {
            Tensor::Float(numbers) => numbers.iter().map(|&x| (x as f32).to_bits()).collect(),
            Tensor::Index(words) => words.clone(),
        })
        .collect();
    let needed: Vec<String> = prepared.inputs()?.iter().map(|(name, _)| (*name).to_owned()).collect();
    let named = case.graph.inputs.iter().zip(&words).map(|(input, words)| (input.name.as_str(), words.as_slice()));
    let inputs = named.filter(|(name, _)| needed.iter().any(|n| n == name)).collect();
    let step = Step { step: case.key.step, seed: case.key.seed, ..Step::default() };
    let ticket = prepared.submit(&[StepData { step, inputs }])?;
    block_on(prepared.finish(ticket))?;
    let names: Vec<String> = prepared.outputs().iter().map(|output| output.name.clone()).collect();
    names.into_iter().map(|name| Ok((name.clone(), block_on(prepared.read_output(&name))?))).collect()
}

/// Compares every output of every case; says how close the closest came. Gradients are operations with cases of their own.
fn check(cases: Vec<Case>, target: Target) {
    let mut compared = 0;
    let mut faults = Vec::new();
    let mut closest = (0.0, String::new());
    for case in cases {
        let expected = case.run().expect("the interpreter knows every operation");
        let single = case.run_f32().expect("the interpreter knows every operation");
        let found = match run(&case, target) {
            Ok(found) => found,
            Err(e) => {
                faults.push(format!("{}: {e}", case.name));
                continue;
            }
        };
        assert!(!found.is_empty(), "{} has no output", case.name);
        for (name, found) in found {
            let exact = expected.output(&name).expect("the same outputs");
            let single = single.output(&name).expect("the same outputs");
            compared += 1;
            match compare(&found, exact, single, case.terms, Tolerance::of(&case.graph)) {
                Ok(worst) if worst.share > closest.0 => closest = (worst.share, format!("{}, {name}", case.name)),
                Ok(_) => {}
                Err(fault) => faults.push(format!("{}, {name}: {fault}", case.name)),
            }
        }
    }
    assert!(faults.is_empty(), "{} of {compared} outputs differ:\n{}", faults.len(), faults.join("\n"));
    println!("{target:?}: {compared} outputs; the closest came to {:.2} of its bound: {}", closest.0, closest.1);
}

#[test]
fn kernels_agree_in_the_shapes_for_software() {
    check(cases(), Target::Software);
}

#[test]
fn kernels_agree_in_the_shapes_for_gpus() {
    check(cases(), Target::Gpu);
}

/// A comparison that a wrong kernel passes compares nothing.
#[test]
fn a_wrong_constant_in_a_kernel_is_noticed() {
    use trainyard::kernels::Const;

    const PREFIXES: &str = "attention B=2 T=65×65 H=2/2 d=3 Prefix masked documents bias=Learned dropout=0 ±1";
    let named = |name: &str| cases().into_iter().find(|c| c.name == name).expect("the case exists");
    let injections = [
        ("matmul nn 65×63×64", "K", Const::U32(62)),
        ("norm Layer [17, 65] beta=true ε=1e-5 x=0±1", "EPS", Const::F32(1e-4)),
        ("attention B=2 T=8×8 H=4/4 d=4 Causal bias=None dropout=0 ±1", "CAUSAL", Const::Bool(false)),
        ("attention B=2 T=8×8 H=4/4 d=4 Causal bias=None dropout=0 ±1", "SCALE", Const::F32(0.500_1)),
        ("attention B=2 T=65×65 H=2/2 d=3 Banded { width: 17 } bias=None dropout=0 ±1", "BAND", Const::U32(18)),
        (PREFIXES, "PREFIX", Const::Bool(false)),
        (PREFIXES, "DOCUMENTS", Const::Bool(false)),
        (PREFIXES, "BIAS", Const::Bool(false)),
        ("cross_entropy [4, 65] ε=0.1 ±1", "SMOOTHING", Const::F32(0.101)),
        ("activation gelu_erf [7, 65] ±6", "ACTIVATION", Const::U32(0)),
        ("dropout [7, 5] p=0.1", "THRESHOLD", Const::U32(1 << 31)),
        ("rotate [2, 5, 24] heads=2 E=4 inverse=false per_row=false", "SIGN", Const::F32(-1.0)),
        ("gated silu [2, 3, 10] ±2", "ACTIVATION", Const::U32(1)),
        ("columns 2+5 of [3, 7]", "START", Const::U32(1)),
        ("element_loss logistic [5, 13] ±6", "LOGISTIC", Const::Bool(false)),
        ("add_rows [2, 3, 5] period=3 first=1 table=7", "FIRST", Const::U32(2)),
        ("append at 1 of [2,3,65]", "WIDTH", Const::U32(64)),
    ];
    for (name, constant, wrong) in injections {
        let case = named(name);
        let mut plan = Plan::new(&case.graph, Purpose::Forward, 1, Target::Software).expect("the case lowers");
        let mut changed = 0;
        for (_, value) in plan.launches.iter_mut().flat_map(|l| &mut l.launch.constants).filter(|(n, _)| *n == constant)
        {
            *value = wrong;
            changed += 1;
        }
        assert!(changed > 0, "{name} has no constant {constant}");
        let expected = case.run().expect("the interpreter knows every operation");
        let single = case.run_f32().expect("the interpreter knows every operation");
        let found = execute(&case, &plan).expect("the wrong kernel runs");
        let agrees = found.iter().all(|(name, found)| {
            let (exact, single) = (expected.output(name), single.output(name));
            let (exact, single) = (exact.expect("the same outputs"), single.expect("the same outputs"));
            compare(found, exact, single, case.terms, Tolerance::of(&case.graph)).is_ok()
        });
        assert!(!agrees, "{name} passes with {constant} = {wrong}");
    }
}
