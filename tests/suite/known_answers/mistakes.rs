//! The mistakes that are easy to make in each family: every one is made here, and the gates of f32 must notice it.
//!
//! They are what a GPU is judged by, so they must be tight enough. A mistake is another configuration, another input, other
//! weights, or another graph.

use serde_json::{Value, json};
use trainyard::ir::{Bias, Epilogue, Fused, Graph, Mask, Node, NormKind, Op, Optimizer, Param, Table};
use trainyard::train::known_answers::{
    Data, Descent, Evaluated, Inputs, InterpreterMachine, Machine, MachineError, Outcome, Precision,
};

use super::{MODELS, case, run};

/// The interpreter, made to err.
struct Erring {
    machine: InterpreterMachine<f32>,
    graph: fn(&mut Node),
    weights: fn(&Param, &mut [f32]),
}

impl Machine for Erring {
    fn precision(&self) -> Precision {
        self.machine.precision()
    }

    async fn forward(
        &mut self,
        graph: &Graph,
        parameters: &[Vec<f32>],
        inputs: &[(String, Data)],
    ) -> Result<Evaluated, MachineError> {
        let (mut graph, mut parameters) = (graph.clone(), parameters.to_vec());
        graph.nodes.iter_mut().for_each(self.graph);
        graph.params.iter().zip(&mut parameters).for_each(|(param, values)| (self.weights)(param, values));
        self.machine.forward(&graph, &parameters, inputs).await
    }

    async fn descend(
        &mut self,
        _: &Graph,
        _: Optimizer,
        _: &[Vec<f64>],
        _: &[Inputs],
        _: f64,
    ) -> Result<Descent, MachineError> {
        Err("only forward results are compared here".to_owned())
    }
}

/// A case with what one forward pass gives, and these keys.
fn forward(name: &str, more: &[&str], change: impl FnOnce(&mut Value)) -> String {
    case(MODELS, name, |case| {
        let kept = ["class", "config", "inputs", "loss", "logits", "n_unique_params"];
        case.as_object_mut()
            .expect("a case is an object")
            .retain(|key, _| kept.contains(&key.as_str()) || more.contains(&key.as_str()));
        change(case);
    })
}

/// Whether the case fails by a quantity that is off, not because it could not be run.
fn fails(text: &str, graph: fn(&mut Node), weights: fn(&Param, &mut [f32])) -> Result<(), String> {
    let mut machine = Erring { machine: InterpreterMachine::default(), graph, weights };
    match &run(text, &mut machine)[..] {
        [result] => match &result.outcome {
            Outcome::Fail(sentence) if sentence.contains(" instead of ") => Ok(()),
            other => Err(format!("{}: {other:?}", result.name)),
        },
        other => Err(format!("one case is expected: {other:?}")),
    }
}

const fn same_graph(_: &mut Node) {}
const fn same_weights(_: &Param, _: &mut [f32]) {}

#[test]
fn without_a_mistake_every_case_passes() {
    for name in CASES {
        let mut machine = Erring { machine: InterpreterMachine::default(), graph: same_graph, weights: same_weights };
        let results = run(&forward(name, &[], |_| ()), &mut machine);
        assert!(matches!(&results[..], [r] if matches!(r.outcome, Outcome::Pass(_))), "{results:?}");
    }
}

const CASES: [&str; 12] = [
    "bert_pretraining",
    "bert_masked_lm",
    "bert_seqcls3",
    "bert_regression",
    "bert_tokcls5",
    "bert_qa",
    "gpt2_lm",
    "gpt2_seqcls3",
    "t5_v1_0_relu_tied",
    "t5_v1_1_gated_gelu_untied",
    "bart_cond_gen",
    "bart_seqcls3",
];
const BERT: [&str; 6] =
    ["bert_pretraining", "bert_masked_lm", "bert_seqcls3", "bert_regression", "bert_tokcls5", "bert_qa"];
const GPT: [&str; 2] = ["gpt2_lm", "gpt2_seqcls3"];
const T5: [&str; 2] = ["t5_v1_0_relu_tied", "t5_v1_1_gated_gelu_untied"];
const BART: [&str; 2] = ["bart_cond_gen", "bart_seqcls3"];

#[test]
fn wrong_configurations() {
    let mistakes: [(&[&str], &str, Value); 22] = [
        (&BERT, "hidden_act", json!("gelu_new")),
        (&BERT, "layer_norm_eps", json!(1e-5)),
        (&BERT, "num_attention_heads", json!(2)),
        (&BERT, "trainyard", json!({ "norm": "pre" })),
        (&BERT[..2], "tie_word_embeddings", json!(false)),
        (&GPT, "activation_function", json!("gelu")),
        (&GPT, "layer_norm_epsilon", json!(1e-6)),
        (&GPT, "scale_attn_weights", json!(false)),
        (&GPT, "scale_attn_by_inverse_layer_idx", json!(true)),
        (&GPT, "trainyard", json!({ "norm": "post" })),
        (&GPT, "trainyard", json!({ "bias": false })),
        (&GPT[..1], "tie_word_embeddings", json!(false)),
        (&T5[1..], "feed_forward_proj", json!("gated-silu")),
        (&T5[..1], "feed_forward_proj", json!("gelu")),
        (&T5, "relative_attention_max_distance", json!(8)),
        (&T5, "decoder_start_token_id", json!(1)),
        (&T5[..1], "tie_word_embeddings", json!(false)),
        (&T5[1..], "tie_word_embeddings", json!(true)),
        (&BART, "activation_function", json!("gelu_new")),
        (&BART, "scale_embedding", json!(true)),
        (&BART, "decoder_start_token_id", json!(0)),
        (&BART, "decoder_attention_heads", json!(2)),
    ];
    for (names, key, value) in mistakes {
        for name in names {
            let text = forward(name, &[], |case| case["config"][key] = value.clone());
            let outcome = fails(&text, same_graph, same_weights);
            assert_eq!(outcome, Ok(()), "{key} = {value}");
        }
    }
    let whole = forward("bert_regression", &[], |case| {
        case["config"]["problem_type"] = json!("multi_label_classification");
    });
    assert_eq!(fails(&whole, same_graph, same_weights), Ok(()), "a number is no yes or no");
    let unforced = forward("bart_cond_gen", &["greedy", "beam3"], |case| {
        case["config"]["forced_eos_token_id"] = Value::Null;
    });
    assert_eq!(fails(&unforced, same_graph, same_weights), Ok(()), "the end at the limit is not forced");
}

#[test]
fn wrong_inputs() {
    let masked = CASES.iter().filter(|name| !name.starts_with("gpt2_lm") && **name != "gpt2_seqcls3");
    for name in masked {
        let text = forward(name, &[], |case| {
            case["inputs"].as_object_mut().and_then(|o| o.remove("attention_mask")).expect("there is a mask");
        });
        assert_eq!(fails(&text, same_graph, same_weights), Ok(()), "padding ignored");
    }
    for name in BERT {
        let text = forward(name, &[], |case| {
            case["inputs"].as_object_mut().and_then(|o| o.remove("token_type_ids")).expect("there are types");
        });
        assert_eq!(fails(&text, same_graph, same_weights), Ok(()), "token types ignored");
    }
    for name in ["bert_masked_lm", "bert_tokcls5", "gpt2_lm", T5[0], T5[1], "bart_cond_gen"] {
        let text = forward(name, &[], |case| {
            for row in case["inputs"]["labels"].as_array_mut().expect("labels") {
                row.as_array_mut().expect("a row").rotate_right(1);
            }
        });
        assert_eq!(fails(&text, same_graph, same_weights), Ok(()), "labels in other places");
    }
    let swapped = forward("bert_pretraining", &[], |case| case["inputs"]["next_sentence_label"] = json!([1, 0]));
    assert_eq!(fails(&swapped, same_graph, same_weights), Ok(()), "0 says that the sentence follows");
    let swapped = forward("bert_qa", &[], |case| {
        let inputs = &mut case["inputs"];
        (inputs["start_positions"], inputs["end_positions"]) = (json!([7, 5]), json!([6, 5]));
    });
    assert_eq!(fails(&swapped, same_graph, same_weights), Ok(()), "start and end in each other's place");
}

/// The transpose of a square matrix.
fn transpose(values: &mut [f32]) {
    let n = values.len().isqrt();
    let before = values.to_vec();
    values.iter_mut().enumerate().for_each(|(i, x)| *x = before[i % n * n + i / n]);
}

fn transposed_outputs(param: &Param, values: &mut [f32]) {
    let outputs = ["attn.c_proj.weight", "attention.output.dense.weight", ".o.weight", "out_proj.weight"];
    let square = param.shape.dims() == [16, 16];
    if square && outputs.iter().any(|suffix| param.name.ends_with(suffix)) {
        transpose(values);
    }
}

/// Keys where values belong and the other way round.
fn keys_for_values(param: &Param, values: &mut [f32]) {
    let named = |i: usize| param.parts.get(i).map_or("", |part| part.name.as_str());
    let is = |i: usize, names: [&str; 3]| names.iter().any(|name| named(i).contains(name));
    if param.shape.dims().len() == 2 && param.parts.len() >= 2 && is(param.parts.len() - 2, [".key.", ".k.", "k_proj"])
    {
        let third = values.len() / param.parts.len();
        let start = values.len() - 2 * third;
        values[start..].rotate_left(third);
    }
    if param.name.ends_with("c_attn.weight") {
        values.chunks_mut(48).for_each(|row| row[16..].rotate_left(16));
    }
}

fn positions_without_offset(param: &Param, values: &mut [f32]) {
    if param.name.ends_with("embed_positions.weight") {
        values.rotate_right(2 * 16);
    }
}

fn no_logits_bias(param: &Param, values: &mut [f32]) {
    if ["final_logits_bias", "cls.predictions.bias"].contains(&param.name.as_str()) {
        values.fill(0.0);
    }
}

#[test]
fn wrong_weights() {
    for name in CASES {
        let text = forward(name, &[], |_| ());
        assert_eq!(fails(&text, same_graph, transposed_outputs), Ok(()), "output projections transposed");
        assert_eq!(fails(&text, same_graph, keys_for_values), Ok(()), "keys and values swapped");
    }
    for name in BART {
        let text = forward(name, &[], |_| ());
        assert_eq!(fails(&text, same_graph, positions_without_offset), Ok(()), "positions from row 0");
    }
    for name in ["bart_cond_gen", "bert_masked_lm", "bert_pretraining"] {
        let text = forward(name, &[], |_| ());
        assert_eq!(fails(&text, same_graph, no_logits_bias), Ok(()), "the bias of the logits dropped");
    }
}

fn full_for_causal(node: &mut Node) {
    if let Op::Attention(a) = &mut node.op
        && a.mask == Mask::Causal
    {
        a.mask = Mask::Full;
    }
}

fn causal_for_full(node: &mut Node) {
    if let Op::Attention(a) = &mut node.op
        && !a.cross
    {
        a.mask = Mask::Causal;
    }
}

fn source_padding_seen(node: &mut Node) {
    if let Op::Attention(a) = &mut node.op
        && a.cross
        && a.masked
    {
        a.masked = false;
        node.inputs.pop();
    }
}

fn layer_for_rms(node: &mut Node) {
    if let Op::Norm { kind, .. } = &mut node.op {
        *kind = NormKind::Layer;
    }
}

fn divided_scores(node: &mut Node) {
    if let Op::Attention(a) = &mut node.op {
        a.scale *= 0.5;
    }
}

fn bias_in_the_first_block_alone(node: &mut Node) {
    let later = node.scope.contains("block.1");
    if let Op::Attention(a) = &mut node.op
        && a.bias == Bias::Learned
        && later
    {
        a.bias = Bias::None;
        node.inputs.remove(1);
    }
}

fn both_directions_in_the_decoder(node: &mut Node) {
    if let Op::Table(Table::RelativeBuckets { bidirectional, .. }) = &mut node.op {
        *bidirectional = true;
    }
}

fn unscaled_head(node: &mut Node) {
    if let Op::Scale { factor } = &mut node.op {
        *factor = 1.0;
    }
}

fn pooler_without_tanh(node: &mut Node) {
    use trainyard::ir::Activation;
    if let Op::Fused(Fused::Linear { epilogue: Epilogue::Activation { f, .. }, .. }) = &mut node.op
        && *f == Activation::Tanh
    {
        *f = Activation::Relu;
    }
}

#[test]
fn wrong_graphs() {
    type Mistake = (&'static str, fn(&mut Node), &'static [&'static str]);
    let mistakes: [Mistake; 9] = [
        ("the future is seen", full_for_causal, &[GPT[0], GPT[1], T5[0], T5[1], BART[0], BART[1]]),
        ("an encoder that sees the past alone", causal_for_full, &[BERT[0], BERT[2], BERT[5], T5[0], T5[1], BART[0]]),
        ("the source's padding is seen", source_padding_seen, &[T5[0], T5[1], BART[0], BART[1]]),
        ("a mean is subtracted", layer_for_rms, &T5),
        ("scores are divided by √d", divided_scores, &T5),
        ("relative positions in the first block alone", bias_in_the_first_block_alone, &T5),
        ("keys to the right in the decoder's buckets", both_directions_in_the_decoder, &T5),
        ("a tied head without 1/√d", unscaled_head, &T5[..1]),
        ("no tanh in the pooler", pooler_without_tanh, &["bert_seqcls3", "bert_regression", "bert_pretraining"]),
    ];
    for (what, graph, names) in mistakes {
        for name in names {
            assert_eq!(fails(&forward(name, &[], |_| ()), graph, same_weights), Ok(()), "{what}");
        }
    }
}
