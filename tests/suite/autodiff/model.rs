//! Every parameter of small language models against central differences.

use trainyard::autodiff::append_backward;
use trainyard::ir::{Activation, Graph, ParamId};
use trainyard::models::{Gpt2Config, Mode, NormPlacement, Options};
use trainyard::reference::{Interpreter, Keep, StepKey, Tensor};
use trainyard::rng::{Draws, Stream, unit};

use crate::models::{decoder, gpt2};

const KEY: StepKey = StepKey { seed: 5, step: 2 };

fn data(graph: &Graph, vocabulary: u32) -> Vec<Tensor<f64>> {
    let mut draws = Draws::new(0, Stream::Task, 11);
    let tensor = |input: &trainyard::ir::Input| {
        let n = input.ty.shape.elements();
        match input.name.as_str() {
            "weights" => Tensor::Float(vec![1.0 / n as f64; n]),
            "key_mask" => Tensor::Index((0..n).map(|i| u32::from(i % 5 != 4)).collect()),
            _ => Tensor::Index((0..n).map(|_| draws.below(vocabulary)).collect()),
        }
    };
    graph.inputs.iter().map(tensor).collect()
}

/// Draws weights large enough that nothing is linear.
fn weights(graph: &Graph) -> Vec<Vec<f64>> {
    let tensor = |(i, param): (usize, &trainyard::ir::Param)| {
        let mut draws = Draws::new(i as u32, Stream::Task, 12);
        let center = if param.name.contains("ln_") && param.name.ends_with("weight") { 1.0 } else { 0.0 };
        (0..param.shape.elements()).map(|_| center + 0.4 * (f64::from(unit(draws.word())) * 2.0 - 1.0)).collect()
    };
    graph.params.iter().enumerate().map(tensor).collect()
}

/// `spoil` may falsify the gradient of the parameter with this index.
pub fn check(config: &Gpt2Config, key_mask: bool, spoil: impl Fn(usize, &mut [f64])) -> Result<(), String> {
    let forward = gpt2(config, decoder(2, 5, key_mask), Mode::Train);
    let loss = forward.output("loss").expect("a loss");
    let graph = append_backward(forward.clone(), loss).expect("differentiable");
    graph.verify().expect("well-formed");
    assert_eq!(graph.gradients.len(), graph.params.len(), "every parameter influences the loss");
    let (mut params, inputs) = (weights(&graph), data(&graph, config.vocab_size as u32));
    let values = Interpreter::new(&graph, Keep::Results).and_then(|mut i| i.run(&params, &inputs, KEY)).expect("runs");
    let mut interpreter = Interpreter::new(&forward, Keep::Results).expect("well-formed");
    let mut loss = |params: &[Vec<f64>]| -> f64 {
        let values = interpreter.run(params, &inputs, KEY).expect("runs");
        let loss = values.output("loss").expect("a loss")[0];
        interpreter.recycle(values);
        loss
    };
    for p in 0..params.len() {
        let name = &graph.params[p].name;
        let mut gradient = values.gradient(ParamId(p as u32)).expect("every parameter has one").to_vec();
        spoil(p, &mut gradient);
        let largest = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        for (j, &claimed) in gradient.iter().enumerate() {
            let x = params[p][j];
            let h = 1e-5 * x.abs().max(1.0);
            params[p][j] = x + h;
            let above = loss(&params);
            params[p][j] = x - h;
            let below = loss(&params);
            params[p][j] = x;
            let difference = (above - below) / (2.0 * h);
            let error = (difference - claimed).abs();
            // A NaN fails.
            if !(error <= 1e-6 * largest + 1e-9) {
                return Err(format!("{name}[{j}]: gradient {claimed:e}, difference {difference:e}"));
            }
        }
    }
    Ok(())
}

fn tiny() -> Gpt2Config {
    Gpt2Config {
        vocab_size: 7,
        n_positions: 6,
        n_embd: 6,
        n_layer: 2,
        n_head: 2,
        resid_pdrop: 0.2,
        embd_pdrop: 0.1,
        attn_pdrop: 0.3,
        ..Gpt2Config::default()
    }
}

#[test]
fn gpt2_with_dropout() -> Result<(), String> {
    check(&tiny(), false, |_, _| {})
}

#[test]
fn post_norm_with_padding_and_an_untied_head() -> Result<(), String> {
    let options = Options::plain(NormPlacement::Post);
    let config = Gpt2Config { options, activation: Activation::GeluErf, tie_word_embeddings: false, ..tiny() };
    check(&config, true, |_, _| {})
}

#[test]
fn without_biases_and_with_silu() -> Result<(), String> {
    let options = Options { bias: false, ..Options::plain(NormPlacement::Pre) };
    let config = Gpt2Config { options, activation: Activation::Silu, n_layer: 1, n_head: 3, ..tiny() };
    check(&config, false, |_, _| {})
}

/// One wrong element among all parameters: the last, of the final norm's bias.
#[test]
fn a_wrong_gradient_is_caught() {
    let spoil = |p: usize, gradient: &mut [f64]| {
        if p == 27 {
            gradient[5] *= 1.0 + 1e-4;
        }
    };
    let fault = check(&tiny(), false, spoil).expect_err("the gradient is wrong");
    assert!(fault.starts_with("transformer.ln_f.bias[5]"), "{fault}");
}
