//! What holds of any decoder: the future does not reach the past, rows of a batch do not meet, padding is not seen, and a
//! batch can be learnt by heart. Bit for bit, on the device.

use pollster::block_on;
use trainyard::autodiff::append_backward;
use trainyard::ir::{Optimizer, OptimizerKind};
use trainyard::models::{Extents, Gpt2Config, Mode, NormPlacement, Options, initial_values, known_answer_values};
use trainyard::passes::optimize;
use trainyard::rng::{Draws, Stream};
use trainyard::train::known_answers::{Data, GpuMachine, InterpreterMachine, Machine};

use super::{decoder, gpt2};
use crate::kernels::device;

const BATCH: usize = 3;
const TIME: usize = 37;

fn config() -> Gpt2Config {
    Gpt2Config {
        vocab_size: 19,
        n_positions: TIME,
        n_embd: 24,
        n_layer: 2,
        n_head: 3,
        resid_pdrop: 0.0,
        embd_pdrop: 0.0,
        attn_pdrop: 0.0,
        ..Gpt2Config::default()
    }
}

fn ids(rows: usize, time: usize, item: u32) -> Vec<u32> {
    let mut draws = Draws::new(item, Stream::Task, 41);
    (0..rows * time).map(|_| draws.below(19)).collect()
}

/// Logits `[B, T, V]` with weights large enough to matter.
fn logits(
    machine: &mut impl Machine,
    config: &Gpt2Config,
    batch: usize,
    ids: &[u32],
    mask: Option<&[u32]>,
) -> Vec<f64> {
    let mut graph = gpt2(config, decoder(batch, ids.len() / batch, mask.is_some()), Mode::Everything);
    graph.outputs.retain(|(name, _)| name == "logits");
    let graph = optimize(&graph).expect("well-formed");
    let weights: Vec<Vec<f32>> = graph.params.iter().map(known_answer_values).collect();
    let n = ids.len();
    let mut inputs = vec![
        ("ids".to_owned(), Data::Index(ids.to_vec())),
        ("targets".to_owned(), Data::Index(vec![0; n])),
        ("weights".to_owned(), Data::Float(vec![0.0; n])),
    ];
    inputs.extend(mask.map(|mask| ("key_mask".to_owned(), Data::Index(mask.to_vec()))));
    let outputs = block_on(machine.forward(&graph, &weights, &inputs)).expect("the graph runs");
    outputs.get("logits").expect("logits").to_vec()
}

fn gpu() -> GpuMachine {
    GpuMachine::new(device().clone())
}

/// The logits of row `row` of a batch, from token `from` to `to`.
fn tokens(all: &[f64], row: usize, from: usize, to: usize) -> &[f64] {
    let v = 19;
    &all[(row * TIME + from) * v..(row * TIME + to) * v]
}

#[test]
fn the_future_does_not_reach_the_past() {
    for norm in [NormPlacement::Pre, NormPlacement::Post] {
        let config = Gpt2Config { options: Options::plain(norm), ..config() };
        let before = ids(BATCH, TIME, 0);
        let mut machine = gpu();
        let expected = logits(&mut machine, &config, BATCH, &before, None);
        for changed in [TIME - 1, 20, 1] {
            let mut after = before.clone();
            after[TIME + changed] = (after[TIME + changed] + 1) % 19;
            let found = logits(&mut machine, &config, BATCH, &after, None);
            assert_eq!(tokens(&found, 1, 0, changed), tokens(&expected, 1, 0, changed), "token {changed} reaches back");
            for t in changed..TIME {
                assert_ne!(tokens(&found, 1, t, t + 1), tokens(&expected, 1, t, t + 1), "token {changed} misses {t}");
            }
            for row in [0, 2] {
                assert_eq!(tokens(&found, row, 0, TIME), tokens(&expected, row, 0, TIME), "rows meet");
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_batch_around_it() {
    let all = ids(BATCH, TIME, 1);
    let mut machine = gpu();
    let together = logits(&mut machine, &config(), BATCH, &all, None);
    for row in 0..BATCH {
        let alone = logits(&mut machine, &config(), 1, &all[row * TIME..(row + 1) * TIME], None);
        assert_eq!(tokens(&together, row, 0, TIME), alone, "row {row}");
    }
}

#[test]
fn padding_is_not_seen() {
    let before = ids(BATCH, TIME, 2);
    let visible = [TIME, 20, 1];
    let mask: Vec<u32> = visible.iter().flat_map(|&n| (0..TIME).map(move |t| u32::from(t < n))).collect();
    let mut after = before.clone();
    for (row, &n) in visible.iter().enumerate() {
        for t in n..TIME {
            after[row * TIME + t] = (after[row * TIME + t] + 5) % 19;
        }
    }
    let mut machine = gpu();
    let (expected, found) = (
        logits(&mut machine, &config(), BATCH, &before, Some(&mask)),
        logits(&mut machine, &config(), BATCH, &after, Some(&mask)),
    );
    for (row, &n) in visible.iter().enumerate() {
        assert_eq!(tokens(&found, row, 0, n), tokens(&expected, row, 0, n), "row {row}");
    }
    assert!(found.iter().all(|x| x.is_finite()), "padded positions are finite too");
    // A hidden key in the middle is one that no later token reads.
    let mut holes = vec![1; BATCH * TIME];
    holes[5] = 0;
    let masked = logits(&mut machine, &config(), BATCH, &before, Some(&holes));
    let plain = logits(&mut machine, &config(), BATCH, &before, None);
    assert_eq!(tokens(&masked, 0, 0, 5), tokens(&plain, 0, 0, 5));
    assert_ne!(tokens(&masked, 0, 6, 7), tokens(&plain, 0, 6, 7));
}

#[test]
fn device_and_interpreter_agree_on_every_logit() {
    let all = ids(BATCH, TIME, 3);
    let found = logits(&mut gpu(), &config(), BATCH, &all, None);
    let expected = logits(&mut InterpreterMachine::<f64>::default(), &config(), BATCH, &all, None);
    let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let worst = found.iter().zip(&expected).fold(0.0_f64, |m, (f, e)| m.max((f - e).abs()));
    assert!(worst <= 1e-5 * scale, "off by {worst:e} of {scale}");
}

#[test]
fn a_batch_is_learnt_by_heart() {
    let config = config();
    let graph = gpt2(&config, Extents::decoder(2, 16), Mode::Train);
    let loss = graph.output("loss").expect("a loss");
    let graph = optimize(&append_backward(graph, loss).expect("differentiable")).expect("well-formed");
    let optimizer = Optimizer {
        kind: OptimizerKind::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.0 },
        clip: Some(1.0),
    };
    let batch = vec![
        ("ids".to_owned(), Data::Index(ids(2, 16, 4))),
        ("targets".to_owned(), Data::Index(ids(2, 16, 5))),
        ("weights".to_owned(), Data::Float(vec![1.0 / 32.0; 32])),
    ];
    let values: Vec<Vec<f64>> =
        initial_values(&graph, 1).into_iter().map(|v| v.into_iter().map(f64::from).collect()).collect();
    let descent = block_on(gpu().descend(&graph, optimizer, &values, &vec![batch; 120], 1e-2)).expect("it trains");
    let (first, last) = (descent.losses[0], descent.losses[119]);
    assert!((first - 19.0_f64.ln()).abs() < 0.1 && last < 0.05, "{first} to {last}");
    assert!(descent.parameters.iter().flatten().all(|p| p.is_finite()));
}
