//! States on a device, step by step beside the interpreter's: appending, sharing, resetting, reordering.

use pollster::block_on;
use trainyard::gpu::{GpuError, ParamStore, Prepared, StepData, run_bytes};
use trainyard::ir::{Builder, Graph, IrError, Op, Type};
use trainyard::kernels::{Step, Target};
use trainyard::plan::{Plan, Purpose};
use trainyard::reference::{Interpreter, Keep, StepKey, Tensor};

use super::{device, prepare};

const BATCH: usize = 3;
const TIME: usize = 5;
const WIDTH: usize = 2;
type Failure = Box<dyn std::error::Error>;

/// Appends a row; the result is twice what the cache holds then.
fn appending() -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let state = b.state("cache", Type::f32(&[BATCH, TIME, WIDTH]))?;
    let (row, position) = (b.input("row", Type::f32(&[BATCH, 1, WIDTH]))?, b.input("position", Type::u32(&[1]))?);
    let held = b.push(Op::Append(state), &[row, position])?;
    let y = b.push(Op::Scale { factor: 2.0 }, &[held])?;
    b.output("y", y);
    Ok(b.finish())
}

/// Reads the cache and leaves it as it is.
fn reading(time: usize) -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let state = b.state("cache", Type::f32(&[BATCH, time, WIDTH]))?;
    let held = b.push(Op::State(state), &[])?;
    let y = b.push(Op::Scale { factor: 1.0 }, &[held])?;
    b.output("y", y);
    Ok(b.finish())
}

fn row(step: usize) -> Vec<f32> {
    (0..BATCH * WIDTH).map(|i| (10 * step + i) as f32 + 0.5).collect()
}

fn plan(graph: &Graph, ring: u32) -> Result<Plan, Failure> {
    Ok(Plan::new(graph, Purpose::Forward, ring, Target::Software)?)
}

/// Appends rows at the given positions, all in one submit.
fn append(prepared: &mut Prepared, steps: &[(usize, u32)]) -> Result<Vec<f32>, GpuError> {
    let data: Vec<(Vec<u32>, [u32; 1])> =
        steps.iter().map(|&(step, at)| (row(step).iter().map(|x| x.to_bits()).collect(), [at])).collect();
    let steps: Vec<StepData<'_>> = data
        .iter()
        .map(|(row, at)| StepData { step: Step::default(), inputs: vec![("row", row), ("position", at)] })
        .collect();
    let ticket = prepared.submit(&steps)?;
    block_on(prepared.finish(ticket))?;
    block_on(prepared.read_output("y"))
}

fn read(prepared: &mut Prepared) -> Result<Vec<f32>, GpuError> {
    let ticket = prepared.submit(&[StepData { step: Step::default(), inputs: vec![] }])?;
    block_on(prepared.finish(ticket))?;
    block_on(prepared.read_output("y"))
}

#[test]
fn a_cache_is_shared_reset_and_reordered_as_by_the_interpreter() -> Result<(), Failure> {
    let (append_graph, read_graph) = (appending()?, reading(TIME)?);
    let (appender, reader) = (plan(&append_graph, 4)?, plan(&read_graph, 1)?);
    let mut store = block_on(ParamStore::new(device(), &appender.arenas))?;
    let mut appending = prepare(device(), &appender, &mut store)?;
    let mut reading = prepare(device(), &reader, &mut store)?;
    let bytes = store.allocated_bytes() + appending.allocated_bytes() + reading.allocated_bytes();
    assert_eq!(bytes, run_bytes(&[&appender, &reader]), "a shared state is counted once");

    let mut first = Interpreter::<f32>::new(&append_graph, Keep::Results)?;
    let mut second = Interpreter::<f32>::new(&read_graph, Keep::Results)?;
    let mut check = |found: &[f32], append: &[(usize, u32)], parents: Option<&[u32]>, reset: bool| {
        if reset {
            first.states_mut().reset();
        }
        if let Some(parents) = parents {
            first.states_mut().reorder(parents)?;
        }
        let mut expected = Vec::new();
        for &(step, at) in append {
            let inputs = [Tensor::Float(row(step)), Tensor::Index(vec![at])];
            let values = first.run(&[], &inputs, StepKey::default())?;
            expected = values.output("y").map(<[f32]>::to_vec).ok_or("an output")?;
        }
        if append.is_empty() {
            core::mem::swap(first.states_mut(), second.states_mut());
            let values = second.run(&[], &[], StepKey::default())?;
            expected = values.output("y").map(<[f32]>::to_vec).ok_or("an output")?;
            core::mem::swap(first.states_mut(), second.states_mut());
        }
        assert_eq!(found, expected, "after {append:?}, {parents:?}, reset {reset}");
        Ok::<(), Failure>(())
    };

    // Steps of one submit see each other; position 5 is past the end.
    let steps = [(1, 0), (2, 1), (3, 2), (4, 5)];
    appending.poison_slots()?;
    let found = append(&mut appending, &steps)?;
    assert!(found.iter().filter(|x| **x != 0.0).count() == 3 * BATCH * WIDTH, "{found:?}");
    check(&found, &steps, None, false)?;
    check(&read(&mut reading)?, &[], None, false)?;
    check(&append(&mut appending, &[(5, 1)])?, &[(5, 1)], None, false)?;

    block_on(store.reorder_states(&[2, 0, 0]))?;
    check(&read(&mut reading)?, &[], Some(&[2, 0, 0]), false)?;
    block_on(store.reorder_states(&[0, 1, 2]))?;
    check(&append(&mut appending, &[(6, 4)])?, &[(6, 4)], None, false)?;
    store.reset_states()?;
    check(&read(&mut reading)?, &[], None, true)?;
    check(&append(&mut appending, &[(7, 3)])?, &[(7, 3)], None, false)
}

#[test]
fn what_does_not_fit_is_refused() -> Result<(), Failure> {
    let (appender, longer) = (plan(&appending()?, 1)?, plan(&reading(TIME + 1)?, 1)?);
    let mut store = block_on(ParamStore::new(device(), &appender.arenas))?;
    let mut prepared = prepare(device(), &appender, &mut store)?;
    let before = append(&mut prepared, &[(1, 0)])?;
    let error = prepare(device(), &longer, &mut store).map(|_| ()).expect_err("another length").to_string();
    assert!(error.contains("state \"cache\" is f32[3,5,2] in this store, f32[3,6,2] in the plan"), "{error}");
    let error = block_on(store.reorder_states(&[0, 1])).expect_err("too few").to_string();
    assert!(error.contains("2 parents for state \"cache\", which has 3 rows"), "{error}");
    let error = block_on(store.reorder_states(&[0, 3, 0])).expect_err("no such row").to_string();
    assert!(error.contains("parent 3 is none of the 3 rows"), "{error}");
    assert_eq!(append(&mut prepared, &[(1, 0)])?, before, "a refusal changes nothing");
    Ok(())
}
