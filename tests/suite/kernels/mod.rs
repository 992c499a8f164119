//! Every kernel on a device against the interpreter in f64, on the cases of every operation: with the shapes that suit the
//! device, and with those for a GPU.

mod compare;
mod optimizer;

use pollster::block_on;
use trainyard::gpu::{Device, ParamStore, Prepared, StepData};
use trainyard::ir::{Fused, Op};
use trainyard::kernels::{Step, Target};
use trainyard::plan::{Plan, Purpose};
use trainyard::reference::Tensor;

use crate::cases::{Case, Sketch, cases};
use compare::difference;

/// Every output of a case, by name, from the device. Slots hold NaN before the step: what is read has been written.
fn run(device: &Device, case: &Case, target: Target) -> Result<Vec<(String, Vec<f32>)>, Box<dyn std::error::Error>> {
    let plan = Plan::new(&case.graph, Purpose::Forward, 1, target)?;
    let mut store = block_on(ParamStore::new(device, &plan.arenas))?;
    let params: Vec<Vec<f32>> = case.params.iter().map(|p| p.iter().map(|&x| x as f32).collect()).collect();
    store.upload_params(&plan.arenas.flatten(&params))?;
    let mut prepared = block_on(Prepared::build(device, &plan, &mut store, |_, _, _| ()))?;
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

/// A product with more results than the shared cases have, for which GPUs get another shape of workgroup.
fn large_weights() -> Vec<Case> {
    let product = |name: &str, op: Op, outputs: usize| {
        let mut s = Sketch::new(format!("{name} of 384×384 over 71 rows"));
        let (x, dy) = (s.data(&[71, 384]), s.data(&[71, 384]));
        let y = s.push_all(op, &[x, dy]);
        assert_eq!(y.len(), outputs);
        s.finish_forward(&y, 71)
    };
    vec![
        product("matmul", Op::MatMul { ta: true, tb: false }, 1),
        product("weight_bias_grad", Op::Fused(Fused::WeightBiasGrad), 2),
    ]
}

/// Compares every output of every case. Gradients are operations with cases of their own.
fn check(target: Target) {
    let device = block_on(Device::open(None)).expect("tests need a GPU adapter: install mesa-vulkan-drivers");
    let mut compared = 0;
    let mut faults = Vec::new();
    for case in cases().into_iter().chain(large_weights()) {
        let expected = case.run().expect("the interpreter knows every operation");
        let single = case.run_f32().expect("the interpreter knows every operation");
        let found = match run(&device, &case, target) {
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
            if let Some(fault) = difference(&found, exact, single, case.terms) {
                faults.push(format!("{}, {name}: {fault}", case.name));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {compared} outputs differ:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn kernels_agree_in_the_shapes_for_software() {
    check(Target::Software);
}

#[test]
fn kernels_agree_in_the_shapes_for_gpus() {
    check(Target::Gpu);
}
