//! Faults put into a sound plan: verification must find each of them. Without these tests it could accept anything.

use trainyard::ir::{Bias, Graph, Mask, Optimizer, OptimizerKind};
use trainyard::kernels::{Access, Target};
use trainyard::models::{Extents, Mode};
use trainyard::plan::{Binding, Buffer, Plan, Purpose, verify};

use super::{tiny, training_graph};
use crate::cases::attention::{Part, Shape};
use crate::models::gpt2;

fn sound() -> (Plan, Graph) {
    with_rule(super::OPTIMIZER.kind)
}

/// The plan of a tiny model with this update rule.
fn with_rule(kind: OptimizerKind) -> (Plan, Graph) {
    with_purpose(Purpose::Train(Optimizer { kind, ..super::OPTIMIZER }))
}

fn with_purpose(purpose: Purpose) -> (Plan, Graph) {
    let graph = training_graph(&tiny());
    let plan = Plan::new(&graph, purpose, 4, Target::Gpu).expect("the model lowers");
    verify(&plan, &graph).expect("the plan is sound");
    (plan, graph)
}

const ADAFACTOR: OptimizerKind =
    OptimizerKind::Adafactor { eps: 1e-30, clip_threshold: 1.0, decay_rate: -0.8, weight_decay: 0.1 };
const MUON: OptimizerKind =
    OptimizerKind::Muon { momentum: 0.95, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.1 };

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
    let accumulates = with_purpose(Purpose::Accumulate(super::OPTIMIZER));
    for (plan, graph) in [sound(), with_rule(ADAFACTOR), with_rule(MUON), accumulates] {
        for i in 0..plan.launches.len() {
            let message = refusal(&plan, &graph, |p| {
                p.launches.remove(i);
                p.trace.remove(i);
            });
            assert!(!message.is_empty(), "nobody misses launch {i}:\n{plan}");
        }
    }
}

/// What stands in the arenas is updated once, and only if it has a gradient.
#[test]
fn every_parameter_takes_its_own_step() {
    let (plan, graph) = with_rule(MUON);
    let update = plan.launches.iter().position(|l| l.scope == "optimizer/transformer.h.1.mlp.c_fc.weight");
    let last = update.map(|first| {
        first + plan.launches[first..].iter().take_while(|l| l.scope == plan.launches[first].scope).count()
    });
    let last = last.expect("Muon goes by tensors") - 1;
    let remove = |p: &mut Plan| {
        p.launches.remove(last);
        p.trace.remove(last);
    };
    assert!(refusal(&plan, &graph, remove).contains("transformer.h.1.mlp.c_fc.weight\": no launch updates all of it"));
    let repeat = |p: &mut Plan| {
        p.launches.push(p.launches[last].clone());
        p.trace.push(p.trace[last].clone());
    };
    assert!(refusal(&plan, &graph, repeat).contains("needs "));
    let mut fewer = graph.clone();
    fewer.gradients.retain(|&(param, _)| graph.params[param.index()].name != "transformer.wpe.weight");
    let (plan, _) = sound();
    let message = refusal(&plan, &fewer, |_| ());
    assert!(!message.is_empty(), "a parameter without a gradient is updated");
    let alone = Plan::new(&fewer, Purpose::Train(super::OPTIMIZER), 4, Target::Gpu).expect("the model lowers");
    let updates = |p: &Plan| p.launches.iter().filter(|l| l.launch.entry.name == "adamw").count();
    assert_eq!((updates(&plan), updates(&alone)), (1, 2), "the neighbors on both sides take a launch each");
}

/// What parts of a batch add up has its place alone, and only the last part updates.
#[test]
fn parts_of_a_batch_keep_their_sum() {
    let (plan, graph) = with_purpose(Purpose::Accumulate(super::OPTIMIZER));
    let (whole, _) = sound();
    let at = plan.launches.iter().position(|l| l.launch.entry.name == "accumulate").expect("gradients add up");
    assert_eq!((plan.tail, plan.launches.len()), (at + 1, whole.launches.len() + 1));
    assert_eq!((plan.dispatches(1), plan.dispatches(3)), (plan.launches.len(), plan.launches.len() + 2 * (at + 1)));
    assert_eq!(whole.dispatches(1), whole.launches.len());
    for kept in &plan.launches[at].bindings[2..] {
        let message = refusal(&plan, &graph, |p| {
            let free = p.launches[..at].iter_mut().flat_map(|l| &mut l.bindings).find(|b| writes(b) && b.size <= 64);
            free.expect("something small is written").buffer = kept.buffer;
        });
        assert!(!message.is_empty(), "{:?} may hold something else meanwhile", kept.buffer);
    }
    let spare = refusal(&plan, &graph, |p| {
        // A launch beside all others, so that nothing but the place of the sum is wrong.
        let mut launch = p.launches[at + 2].clone();
        launch.bindings[2].buffer = p.launches[at].bindings[2].buffer;
        p.launches.push(launch);
        p.trace.push(p.trace[at + 2].clone());
    });
    assert!(spare.contains("is kept between the parts of a batch"), "{spare}");
    let eager = refusal(&plan, &graph, |p| p.tail = p.launches.len());
    assert!(eager.contains("updates parameters with every part"), "{eager}");
    let beyond = refusal(&plan, &graph, |p| p.tail = p.launches.len() + 1);
    assert!(!beyond.is_empty(), "the tail starts nowhere");
    let moved = refusal(&plan, &graph, |p| p.launches[at + 1].bindings[0].size -= 256);
    assert!(moved.contains("binds"), "{moved}");
}

/// Muon's matrices are those inside blocks; embeddings, head, norms and biases follow AdamW in as few launches as they can.
#[test]
fn muon_takes_the_matrices_of_blocks() {
    let (plan, graph) = with_rule(MUON);
    let mut found: Vec<&str> = plan.launches.iter().filter_map(|l| l.scope.strip_prefix("optimizer/")).collect();
    found.dedup();
    let mut expected: Vec<&str> = graph.params.iter().map(|p| p.name.as_str()).collect();
    expected.retain(|name| name.contains(".h.") && name.ends_with("weight") && !name.contains("ln_"));
    assert_eq!(found, expected);
    assert_eq!(found.len(), 8);
    assert_eq!(plan.launches.iter().filter(|l| l.launch.entry.name == "adamw").count(), 2);
    let named = |name: &str, dims: &[usize], decay| {
        let init = trainyard::ir::Init::Zeros;
        trainyard::ir::Param {
            name: name.to_owned(),
            shape: trainyard::ir::Shape::new(dims),
            init,
            decay,
            frozen: false,
            parts: vec![],
        }
        .is_hidden_matrix()
    };
    assert!(named("bert.encoder.layer.3.attention.self.query.weight", &[4, 4], true));
    assert!(named("encoder.block.0.layer.0.SelfAttention.q.weight", &[4, 4], true));
    assert!(named("model.decoder.layers.11.fc1.weight", &[8, 4], true));
    assert!(!named("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", &[32, 4], true));
    assert!(!named("bert.embeddings.word_embeddings.weight", &[8, 4], true));
    assert!(!named("lm_head.weight", &[8, 4], true));
    assert!(!named("cls.predictions.transform.dense.weight", &[4, 4], true));
    assert!(!named("transformer.h.0.attn.c_attn.bias", &[12], true));
    assert!(!named("transformer.h.0.attn.c_attn.weight", &[4, 12], false));
    assert!(!named("transformer.h.last.weight", &[4, 12], true));
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
