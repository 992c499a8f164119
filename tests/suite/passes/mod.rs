//! Passes change how a graph is computed, never what: before and after are interpreted in f64 and compared, gradients too.

use std::collections::BTreeMap;

use insta::{assert_snapshot, with_settings};
use trainyard::autodiff::append_backward;
use trainyard::ir::{Activation, Epilogue, Fused, Graph, Op, ParamId};
use trainyard::models::{Gpt2Config, Mode, NormPlacement, Options, known_answer_values};
use trainyard::passes::{fuse, optimize, remove_dead};
use trainyard::reference::{StepKey, Tensor, run};
use trainyard::rng::{Draws, Stream};

use crate::models::{decoder, gpt2};

const DROPOUT: f32 = 0.2;

/// A variant of the model: name, configuration, whether keys are padded.
fn variants() -> Vec<(&'static str, Gpt2Config, bool)> {
    let base = Gpt2Config {
        vocab_size: 7,
        n_positions: 6,
        n_embd: 8,
        n_layer: 2,
        n_head: 2,
        resid_pdrop: 0.0,
        embd_pdrop: 0.0,
        attn_pdrop: 0.0,
        ..Gpt2Config::default()
    };
    let dropped = Gpt2Config { resid_pdrop: DROPOUT, embd_pdrop: DROPOUT, attn_pdrop: DROPOUT, ..base.clone() };
    let post = Options::plain(NormPlacement::Post);
    let bare = Options { bias: false, ..Options::plain(NormPlacement::Pre) };
    vec![
        ("gpt2", base.clone(), false),
        ("gpt2 with dropout", dropped.clone(), false),
        ("padded", base.clone(), true),
        ("untied", Gpt2Config { tie_word_embeddings: false, ..base.clone() }, false),
        ("without biases", Gpt2Config { options: bare, activation: Activation::GeluErf, ..base.clone() }, false),
        ("post-norm", Gpt2Config { options: post, ..base.clone() }, false),
        (
            "post-norm, no biases, untied, dropout",
            Gpt2Config {
                options: Options { bias: false, ..post },
                tie_word_embeddings: false,
                activation: Activation::Relu,
                ..dropped
            },
            true,
        ),
    ]
}

fn training(config: &Gpt2Config, key_mask: bool) -> Graph {
    let graph = gpt2(config, decoder(2, 5, key_mask), Mode::Train);
    let loss = graph.output("loss").expect("a loss");
    append_backward(graph, loss).expect("differentiable")
}

fn inputs(graph: &Graph, vocabulary: u32) -> Vec<Tensor<f64>> {
    let mut draws = Draws::new(0, Stream::Task, 21);
    let mut tensor = |input: &trainyard::ir::Input| {
        let n = input.ty.shape.elements();
        match input.name.as_str() {
            "weights" => Tensor::Float((0..n).map(|i| if i % 4 == 3 { 0.0 } else { 0.1 }).collect()),
            "key_mask" => Tensor::Index((0..n).map(|i| u32::from(i % 5 != 4)).collect()),
            _ => Tensor::Index((0..n).map(|_| draws.below(vocabulary)).collect()),
        }
    };
    graph.inputs.iter().map(&mut tensor).collect()
}

/// Every result of a graph: outputs and gradients by name.
fn results(graph: &Graph, vocabulary: u32) -> BTreeMap<String, Vec<f64>> {
    let params: Vec<Vec<f64>> =
        graph.params.iter().map(|p| known_answer_values(p).into_iter().map(f64::from).collect()).collect();
    let key = StepKey { seed: 9, step: 4 };
    let values = run(graph, &params, &inputs(graph, vocabulary), key).expect("the graph runs");
    let mut all = BTreeMap::new();
    for (name, _) in &graph.outputs {
        all.insert(name.clone(), values.output(name).expect("an output").to_vec());
    }
    for &(param, _) in &graph.gradients {
        let name = format!("gradient of {}", graph.params[param.index()].name);
        all.insert(name, values.gradient(ParamId(param.0)).expect("a gradient").to_vec());
    }
    all
}

/// The first result that differs by more than 1e-12 of its largest magnitude.
fn difference(before: &BTreeMap<String, Vec<f64>>, after: &BTreeMap<String, Vec<f64>>) -> Option<String> {
    if !before.keys().eq(after.keys()) {
        return Some("the graphs have other results".to_owned());
    }
    for (name, expected) in before {
        let found = &after[name];
        let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        // Key biases have no gradient; what they get is rounding.
        let gate = 1e-12 * scale.max(1e-3);
        let close = |(f, e): (&f64, &f64)| (f - e).abs() <= gate;
        if found.len() != expected.len() || !found.iter().zip(expected).all(close) {
            return Some(name.clone());
        }
    }
    None
}

/// How often each operation stands in a graph.
fn census(graph: &Graph) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for node in &graph.nodes {
        let name = match &node.op {
            Op::Param(_) | Op::Input(_) => continue,
            Op::Fused(Fused::Linear { bias, epilogue, .. }) => {
                let epilogue = match epilogue {
                    Epilogue::None => "",
                    Epilogue::Activation { .. } => " activation",
                    Epilogue::Residual { dropout: None } => " residual",
                    Epilogue::Residual { dropout: Some(_) } => " dropout residual",
                };
                format!("linear{}{epilogue}", if *bias { " bias" } else { "" })
            }
            op => op.name().to_owned(),
        };
        *counts.entry(name).or_default() += 1;
    }
    counts.iter().map(|(name, count)| format!("  {count} {name}\n")).collect()
}

#[test]
fn passes_change_no_result() {
    let mut text = String::new();
    for (name, config, key_mask) in variants() {
        let before = training(&config, key_mask);
        let after = optimize(&before).expect("well-formed");
        after.verify().expect("well-formed");
        let vocabulary = config.vocab_size as u32;
        let (expected, found) = (results(&before, vocabulary), results(&after, vocabulary));
        assert_eq!(expected.len(), 1 + before.params.len(), "{name}: a loss and a gradient for each parameter");
        assert_eq!(difference(&expected, &found), None, "{name}");
        let nodes = |graph: &Graph| graph.nodes.iter().filter(|n| !matches!(n.op, Op::Param(_) | Op::Input(_))).count();
        text += &format!("{name}: {} operations become {}\n{}", nodes(&before), nodes(&after), census(&after));
    }
    with_settings!({ snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_snapshot!("fused", text);
    });
}

#[test]
fn forward_graphs_keep_every_output() {
    for (name, config, key_mask) in variants() {
        for mode in [Mode::Evaluate, Mode::Inspect, Mode::Everything] {
            let before = gpt2(&config, decoder(2, 5, key_mask), mode);
            let after = optimize(&before).expect("well-formed");
            let vocabulary = config.vocab_size as u32;
            let faulty = difference(&results(&before, vocabulary), &results(&after, vocabulary));
            assert_eq!(faulty, None, "{name}, {mode:?}");
        }
    }
}

/// What the count of dispatches relies on: none of these stands alone any more.
#[test]
fn nothing_that_can_be_merged_is_left() {
    for (name, config, key_mask) in variants() {
        let graph = optimize(&training(&config, key_mask)).expect("well-formed");
        let mut sums = 0;
        for node in &graph.nodes {
            let alone = match node.op {
                // The embedding's dropout has no matrix product before it; the others' gradients are dropouts too.
                Op::Dropout(_) => config.resid_pdrop == 0.0,
                Op::Activation(_) | Op::ActivationGrad(_) | Op::CrossEntropy { .. } | Op::CrossEntropyGrad { .. } => {
                    true
                }
                Op::AddRows { period, .. } | Op::SumRows { period, .. } => period == 1,
                Op::Fill { .. } => true,
                Op::Add => {
                    sums += 1;
                    false
                }
                _ => false,
            };
            assert!(!alone, "{name}: {} in {} stands alone", node.op.name(), node.scope);
        }
        // Post-norm adds the gradient of the residual stream to that of the branch, which is a product's.
        let expected = if config.options.norm == NormPlacement::Post { 2 * config.n_layer } else { 0 };
        assert!(sums <= expected, "{name}: {sums} sums stand alone");
    }
}

#[test]
fn passes_twice_are_passes_once() {
    for (name, config, key_mask) in variants() {
        let once = optimize(&training(&config, key_mask)).expect("well-formed");
        assert_eq!(optimize(&once).expect("well-formed"), once, "{name}");
    }
}

#[test]
fn dead_operations_go_and_declarations_stay() {
    let (_, config, _) = variants().remove(0);
    let mut graph = training(&config, false);
    graph.gradients.clear();
    let pruned = remove_dead(&graph).expect("well-formed");
    assert_eq!((&pruned.params, &pruned.inputs), (&graph.params, &graph.inputs));
    assert!(pruned.nodes.iter().all(|n| !n.op.name().ends_with("_grad")), "no gradient is computed for nobody");
    assert!(pruned.nodes.len() < graph.nodes.len());
}

/// A merge that computes something else must be noticed by the comparison above.
#[test]
fn a_wrong_merge_is_noticed() {
    let (_, config, key_mask) = variants().remove(1);
    let before = training(&config, key_mask);
    let after = fuse(&before).expect("well-formed");
    let vocabulary = config.vocab_size as u32;
    let expected = results(&before, vocabulary);
    type Change = fn(&mut Fused) -> bool;
    let changes: [(&str, Change); 4] = [
        ("activation", |f| match f {
            Fused::Linear { epilogue: Epilogue::Activation { f, .. }, .. } => {
                *f = Activation::GeluErf;
                true
            }
            _ => false,
        }),
        ("dropout's site", |f| match f {
            Fused::Linear { epilogue: Epilogue::Residual { dropout: Some(d) }, .. } => {
                d.site += 1;
                true
            }
            _ => false,
        }),
        ("activation's gradient", |f| match f {
            Fused::MatMulActivationGrad { f, .. } => {
                *f = Activation::Silu;
                true
            }
            _ => false,
        }),
        ("smoothing", |f| match f {
            Fused::CrossEntropyBoth { smoothing } => {
                *smoothing = 1e-9;
                true
            }
            _ => false,
        }),
    ];
    for (what, change) in changes {
        let mut wrong = after.clone();
        let mut fused =
            wrong.nodes.iter_mut().filter_map(|n| if let Op::Fused(f) = &mut n.op { Some(f) } else { None });
        assert!(fused.any(change), "{what}: nothing to change");
        assert!(difference(&expected, &results(&wrong, vocabulary)).is_some(), "{what} may be wrong");
    }
}
