//! States in plans: what changes them, what reads them, and what verification says when something is missing.

use trainyard::ir::{Builder, Graph, IrError, Op, Type};
use trainyard::kernels::{Access, Target};
use trainyard::plan::{Buffer, Plan, PlanError, Purpose, verify};

fn plan(graph: &Graph) -> Result<Plan, PlanError> {
    Plan::new(graph, Purpose::Forward, 4, Target::Gpu)
}

/// A cache `[2,5,3]` that a row is appended to and then read; `late`: what it held before is read after that.
fn cache(late: bool) -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let state = b.state("cache", Type::f32(&[2, 5, 3]))?;
    let (row, position) = (b.input("row", Type::f32(&[2, 1, 3]))?, b.input("position", Type::u32(&[1]))?);
    let before = b.push(Op::State(state), &[])?;
    let early = b.push(Op::Scale { factor: 2.0 }, &[before])?;
    let held = b.push(Op::Append(state), &[row, position])?;
    let again = b.push(Op::State(state), &[])?;
    let sum = b.push(Op::Add, &[early, if late { before } else { again }])?;
    b.output("sum", sum);
    b.output("cache", held);
    Ok(b.finish())
}

#[test]
fn a_state_is_changed_in_place() -> Result<(), Box<dyn std::error::Error>> {
    let graph = cache(false)?;
    let plan = plan(&graph)?;
    let stems: Vec<_> = plan.launches.iter().map(|l| l.launch.kernel.stem).collect();
    assert_eq!(stems, ["stage", "elementwise", "copy", "elementwise"]);
    assert_eq!((plan.state_bytes(), plan.slots.iter().sum::<u64>()), (120, 240), "{plan}");
    let state = plan.launches[2].bindings[2];
    assert_eq!((state.buffer, state.size, state.access), (Buffer::State(0), 120, Access::ReadWrite));
    let output = plan.outputs.iter().find(|o| o.name == "cache").ok_or("the state is a result")?;
    assert_eq!(output.buffer, Buffer::State(0));
    Ok(())
}

#[test]
fn what_a_state_held_is_gone_once_it_changes() -> Result<(), IrError> {
    let error = plan(&cache(true)?).expect_err("the old contents are read too late").to_string();
    assert!(error.contains("needs State(StateId(0)) in State(0), which holds Some(Value("), "{error}");
    Ok(())
}

#[test]
fn faults_are_caught() -> Result<(), Box<dyn std::error::Error>> {
    let graph = cache(false)?;
    let plan = plan(&graph)?;
    verify(&plan, &graph)?;
    let refusal = |change: &dyn Fn(&mut Plan)| {
        let mut changed = plan.clone();
        change(&mut changed);
        verify(&changed, &graph).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let swapped = |i: usize| {
        move |p: &mut Plan| {
            p.launches.swap(i, i + 1);
            p.trace.swap(i, i + 1);
        }
    };
    assert!(refusal(&swapped(1)).contains("needs State("), "the append comes before a reader of the old contents");
    assert!(refusal(&swapped(2)).contains("needs Value("), "the append comes after a reader of the new contents");
    let without = |p: &mut Plan| {
        p.launches.remove(2);
        p.trace.remove(2);
        // Nobody reads it but the results.
        p.launches.remove(2);
        p.trace.remove(2);
        p.outputs.clear();
    };
    assert!(refusal(&without).contains("the state holds Some(State("), "nothing is appended");
    let twice = |p: &mut Plan| {
        p.launches.insert(3, p.launches[2].clone());
        p.trace.insert(3, p.trace[2].clone());
    };
    assert!(refusal(&twice).contains("needs State("), "the row is appended twice");
    assert!(refusal(&|p| p.launches[2].bindings[2].size -= 4).contains("binds 116 bytes"));
    let elsewhere = |p: &mut Plan| {
        p.launches[1].bindings[1].buffer = Buffer::State(0);
        p.launches[3].bindings[0].buffer = Buffer::State(0);
    };
    assert!(refusal(&elsewhere).contains("State(0)"), "an activation lies in a state");
    let both = |p: &mut Plan| p.launches[2].bindings[0] = p.launches[2].bindings[2];
    assert!(refusal(&both).contains("State(0)"), "a launch reads where it appends");
    assert!(!refusal(&|p| p.states.clear()).is_empty(), "the state has no buffer");
    Ok(())
}

/// To store what a state holds is no work; to store another value is a copy.
#[test]
fn a_state_is_stored_with_one_launch_or_none() -> Result<(), Box<dyn std::error::Error>> {
    let mut b = Builder::new();
    let state = b.state("memory", Type::f32(&[6]))?;
    let x = b.input("x", Type::f32(&[6]))?;
    let held = b.push(Op::State(state), &[])?;
    b.push(Op::Store(state), &[held])?;
    let sum = b.push(Op::Add, &[held, x])?;
    b.push(Op::Store(state), &[sum])?;
    let graph = trainyard::passes::optimize(&b.finish())?;
    let plan = plan(&graph)?;
    let stems: Vec<_> = plan.launches.iter().map(|l| l.launch.kernel.stem).collect();
    assert_eq!(stems, ["stage", "elementwise", "copy"], "what changes a state stays, though nobody reads it");
    Ok(())
}
