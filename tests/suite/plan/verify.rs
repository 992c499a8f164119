//! Faults put into a sound plan: verification must find each of them. Without these tests it could accept anything.

use trainyard::ir::{Bias, Graph, Mask};
use trainyard::kernels::{Access, Target};
use trainyard::models::{Extents, Mode};
use trainyard::plan::{Binding, Buffer, Plan, Purpose, verify};

use super::{tiny, training_graph, training_plan};
use crate::cases::attention::{Part, Shape};
use crate::models::gpt2;

fn sound() -> (Plan, Graph) {
    let graph = training_graph(&tiny());
    let plan = training_plan(&graph).expect("the model lowers");
    verify(&plan, &graph).expect("the plan is sound");
    (plan, graph)
}

/// The sentence with which a changed plan is refused.
fn refusal(plan: &Plan, graph: &Graph, change: impl FnOnce(&mut Plan)) -> String {
    let mut changed = plan.clone();
    change(&mut changed);
    match verify(&changed, graph) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    }
}

const fn writes(binding: &Binding) -> bool {
    matches!(binding.access, Access::Write | Access::ReadWrite)
}

#[test]
fn every_launch_is_needed() {
    let (plan, graph) = sound();
    for i in 0..plan.launches.len() {
        let message = refusal(&plan, &graph, |p| {
            p.launches.remove(i);
            p.trace.remove(i);
        });
        assert!(!message.is_empty(), "nobody misses launch {i}:\n{plan}");
    }
}

/// Over two sources nobody completes what another began: three gradients, five launches, each of them needed.
#[test]
fn every_launch_of_an_attention_over_two_sources_is_needed() {
    let mut shape = Shape::packed([2, 3, 2, 4], Mask::Full).masked(true);
    (shape.spec.cross, shape.spec.bias, shape.keys) = (true, Bias::Learned, 5);
    let case = shape.case(Part::Forward).differentiated().expect("attention has gradients");
    let plan = Plan::new(&case.graph, Purpose::Forward, 1, Target::Gpu).expect("the case lowers");
    verify(&plan, &case.graph).expect("the plan is sound");
    let entries: Vec<&str> = plan.launches.iter().map(|l| l.launch.entry.name).collect();
    let kernels =
        ["forward_biased_masked", "deltas", "queries_biased_masked", "keys_biased_masked", "distances_masked"];
    assert_eq!(entries.iter().filter(|e| kernels.contains(e)).count(), kernels.len(), "{entries:?}");
    for i in 0..plan.launches.len() {
        let message = refusal(&plan, &case.graph, |p| {
            p.launches.remove(i);
            p.trace.remove(i);
        });
        assert!(!message.is_empty(), "nobody misses launch {i}:\n{plan}");
    }
}

#[test]
fn no_launch_may_change_places_with_the_next_that_reads_from_it() {
    let (plan, graph) = sound();
    let mut swapped = 0;
    for i in 0..plan.launches.len() {
        let written: Vec<Buffer> = plan.launches[i].bindings.iter().filter(|b| writes(b)).map(|b| b.buffer).collect();
        let reads = |j: &usize| {
            plan.launches[*j].bindings.iter().any(|b| b.access == Access::Read && written.contains(&b.buffer))
        };
        let Some(j) = (i + 1..plan.launches.len()).find(reads) else { continue };
        let message = refusal(&plan, &graph, |p| {
            p.launches.swap(i, j);
            p.trace.swap(i, j);
        });
        assert!(!message.is_empty(), "launches {i} and {j} may be swapped:\n{plan}");
        swapped += 1;
    }
    // All but the update write something for another launch.
    assert_eq!(swapped, plan.launches.len() - 1);
}

#[test]
fn no_two_slots_of_one_launch_may_be_one() {
    let (plan, graph) = sound();
    let mut tried = 0;
    for launch in &plan.launches {
        let slots: Vec<Buffer> =
            launch.bindings.iter().map(|b| b.buffer).filter(|b| matches!(b, Buffer::Slot(_))).collect();
        for pair in slots.windows(2).filter(|pair| pair[0] != pair[1]) {
            let message = refusal(&plan, &graph, |p| {
                p.slots.iter_mut().for_each(|bytes| *bytes = 1 << 20);
                for binding in p.launches.iter_mut().flat_map(|l| &mut l.bindings).filter(|b| b.buffer == pair[1]) {
                    binding.buffer = pair[0];
                }
            });
            assert!(!message.is_empty(), "{:?} and {:?} may be one:\n{plan}", pair[0], pair[1]);
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} pairs");
}

#[test]
fn a_buffer_is_not_read_and_written_in_one_launch() {
    let (plan, graph) = sound();
    let message = refusal(&plan, &graph, |p| {
        let launch = p.launches.iter_mut().find(|l| l.launch.kernel.stem == "norm").expect("there are norms");
        let read = launch.bindings[0].buffer;
        if let Some(written) = launch.bindings.iter_mut().find(|b| writes(b)) {
            written.buffer = read;
        }
    });
    assert!(message.contains("reads and writes Slot(") && message.contains("h.0/ln_1"), "{message}");
}

#[test]
fn ranges_lie_where_they_belong() {
    let (plan, graph) = sound();
    let at = |buffer: Buffer, access: Access| {
        let found = plan.launches.iter().enumerate().find_map(|(i, l)| {
            let b = l.bindings.iter().position(|b| b.buffer == buffer && b.access == access && b.size < 4096);
            b.map(|b| (i, b))
        });
        found.expect("the plan binds this buffer")
    };
    let places = [
        ("a parameter", at(Buffer::Params, Access::Read)),
        ("a gradient", at(Buffer::Grads, Access::Write)),
        ("an input", at(Buffer::Inputs, Access::Read)),
    ];
    for (what, (i, b)) in places {
        let moved = refusal(&plan, &graph, |p| p.launches[i].bindings[b].offset += 256);
        assert!(moved.contains("binds"), "{what} moved by 256 bytes: {moved:?}");
        let short = refusal(&plan, &graph, |p| p.launches[i].bindings[b].size -= 4);
        assert!(short.contains("binds"), "{what} short of an element: {short:?}");
    }
    let past = refusal(&plan, &graph, |p| p.slots.iter_mut().for_each(|bytes| *bytes = 4));
    assert!(past.contains("past the end of Slot("), "{past}");
    let untraced = refusal(&plan, &graph, |p| p.trace.truncate(3));
    assert!(untraced.contains("3 of them traced"), "{untraced}");
}

#[test]
fn constants_are_known_by_their_numbers() {
    let graph = gpt2(&tiny(), Extents::decoder(1, 4), Mode::Evaluate);
    let loss = graph.output("loss").expect("a loss");
    // Without passes the loss's gradient reads a constant 1.
    let graph = trainyard::autodiff::append_backward(graph, loss).expect("differentiable");
    let plan = Plan::new(&graph, Purpose::Train(super::OPTIMIZER), 1, Target::Gpu);
    let plan = plan.expect("an unfused graph lowers too");
    assert_eq!(plan.constants.iter().map(|c| c.1.clone()).collect::<Vec<_>>(), [[1.0_f32.to_bits()]]);
    assert!(refusal(&plan, &graph, |p| p.constants.clear()).contains("needs Value("));
    assert!(refusal(&plan, &graph, |p| p.constants[0].1[0] = 2.0_f32.to_bits()).contains("needs Value("));
}

#[test]
fn the_end_is_checked() {
    let (plan, graph) = sound();
    let kernel = |name: &str| plan.launches.iter().position(|l| l.launch.entry.name == name).expect("it is there");
    let without = |i: usize| {
        refusal(&plan, &graph, |p| {
            p.launches.remove(i);
            p.trace.remove(i);
        })
    };
    assert!(without(kernel("adamw")).contains("no launch updates the parameters"));
    let twice = refusal(&plan, &graph, |p| {
        let last = p.launches.len() - 1;
        p.launches.push(p.launches[last].clone());
        p.trace.push(p.trace[last].clone());
    });
    assert!(!twice.is_empty(), "the parameters are updated twice");
    let late = refusal(&plan, &graph, |p| {
        let first = kernel("forward");
        p.launches.push(p.launches[first].clone());
        p.trace.push(p.trace[first].clone());
    });
    assert!(!late.is_empty(), "a launch reads parameters of the next step");

    let graph = gpt2(&tiny(), Extents::decoder(1, 4), Mode::Evaluate);
    let plan = Plan::new(&graph, Purpose::Forward, 1, Target::Gpu).expect("the model lowers");
    let silent = refusal(&plan, &graph, |p| {
        p.launches.pop();
        p.trace.pop();
    });
    assert!(silent.contains("no launch records the loss"), "{silent}");
    let swapped = refusal(&plan, &graph, |p| {
        let buffer = p.outputs[0].buffer;
        p.outputs[1].buffer = buffer;
    });
    assert!(swapped.contains("the slot holds"), "{swapped}");
}
