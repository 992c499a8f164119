//! The same bits: for the same seed, for any number of steps in a submit, and across an interruption.

use pollster::block_on;
use serde_json::{Value, json};
use trainyard::data::{Objective, Shape};
use trainyard::kernels::Step;
use trainyard::train::checkpoint::{File, OPTIMIZER, RunRecord, TRAINER, WEIGHTS};
use trainyard::train::{DeviceChoice, Rule, Session, State};

use super::{losses, session, shared, train};

fn changes() -> Vec<(&'static str, Value)> {
    vec![("dropout", json!(0.1)), ("batch", json!(4)), ("warmup", json!(3))]
}

fn state(session: &mut Session) -> State {
    block_on(session.engine_mut().state()).expect("the device works")
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let run = |seed: u32| {
        let mut session = session("bench-c", &changes(), seed, shared());
        let losses = losses(&train(&mut session, 8));
        (losses, state(&mut session))
    };
    let (first, second, other) = (run(5), run(5), run(6));
    assert_eq!(first, second);
    assert_ne!(first.0, other.0, "another seed is another run");
}

#[test]
fn the_length_of_a_submit_changes_no_bit() {
    let run = |chunks: &[usize]| {
        let mut session = session("bench-c", &changes(), 2, shared());
        let mut bits = Vec::new();
        let mut step = 0;
        for &count in chunks {
            let data = |step: u32| {
                let batch = session
                    .data()
                    .train_batch(&Objective::default(), Shape::single(4, 32), 2, step)
                    .expect("the data is there");
                let t = f64::from(step) + 1.0;
                let correction = |beta: f64| (1.0 / (1.0 - beta.powf(t))) as f32;
                let (correction1, correction2) = (correction(0.9), correction(0.99));
                let uniform = Step {
                    step,
                    seed: 2,
                    lr: 1e-3,
                    correction1,
                    correction2,
                    weight_decay: 0.1,
                    clip: 1.0,
                    slot: 0,
                    site: 0,
                    part: 0,
                    parts: 1,
                };
                (uniform, batch)
            };
            let steps = (step..step + count as u32).map(data).collect();
            step += count as u32;
            let ticket = session.engine_mut().submit(steps).expect("the steps fit the ring");
            let records = block_on(session.engine_mut().finish(ticket)).expect("the device works");
            bits.extend(records.iter().flat_map(|r| [r.loss.to_bits(), r.grad_norm.to_bits()]));
        }
        (bits, state(&mut session))
    };
    let together = run(&[6]);
    assert_eq!(together.0.len(), 12);
    assert_eq!(run(&[1, 1, 1, 1, 1, 1]), together);
    assert_eq!(run(&[4, 2]), together);
}

fn file<'a>(files: &'a [File], name: &str) -> &'a [u8] {
    &files.iter().find(|f| f.name == name).expect("the checkpoint has this file").bytes
}

#[test]
fn interrupted_and_resumed_is_uninterrupted() {
    for choice in [shared(), DeviceChoice::Cpu] {
        for (rule, _) in Rule::NAMES {
            resumes(choice.clone(), rule);
        }
    }
}

fn resumes(choice: DeviceChoice, rule: &str) {
    // One of the rules takes its batches in parts.
    let parts = if rule == "lion" { 2 } else { 1 };
    let changes = [changes(), vec![("optimizer", json!(rule)), ("accumulate", json!(parts))]].concat();
    let mut whole = session("bench-c", &changes, 4, choice.clone());
    let expected = losses(&train(&mut whole, 7));

    let mut first = session("bench-c", &changes, 4, choice.clone());
    train(&mut first, 3);
    let files = block_on(first.snapshot("bench-c", None)).expect("nothing is under way");
    drop(first);
    let record = RunRecord::from_json(file(&files, TRAINER)).expect("our own record");
    assert_eq!((record.step, record.seed, record.preset.as_str()), (3, 4, "bench-c"));
    assert_eq!(record.settings["optimizer"], rule);

    let mut second = session("bench-c", &changes, record.seed, choice);
    second.resume(record.step, file(&files, WEIGHTS), file(&files, OPTIMIZER)).expect("it belongs to this model");
    assert_eq!(losses(&train(&mut second, 4)), expected[3..], "{rule}");
    assert_eq!(state(&mut second), state(&mut whole), "{rule}");
}

/// Each part of a checkpoint matters: without it the run goes another way.
#[test]
fn a_resumed_run_needs_every_part() {
    let mut whole = session("bench-c", &changes(), 4, shared());
    let expected = losses(&train(&mut whole, 5));
    let mut first = session("bench-c", &changes(), 4, shared());
    train(&mut first, 2);
    let kept = state(&mut first);
    let go_on = |seed: u32, step: u32, state: State| {
        let mut session = session("bench-c", &changes(), seed, shared());
        session.restore(step, state).expect("it belongs to this model");
        losses(&train(&mut session, 3))
    };
    let zeros = |values: &[Vec<f32>]| values.iter().map(|v| vec![0.0; v.len()]).collect::<Vec<_>>();
    assert_eq!(go_on(4, 2, kept.clone()), expected[2..]);
    let lacking = [
        ("seed", go_on(5, 2, kept.clone())),
        ("step", go_on(4, 3, kept.clone())),
        ("first moments", go_on(4, 2, State { moment1: zeros(&kept.moment1), ..kept.clone() })),
        ("second moments", go_on(4, 2, State { moment2: zeros(&kept.moment2), ..kept.clone() })),
        ("weights", go_on(4, 2, State { parameters: zeros(&kept.parameters), ..kept })),
    ];
    for (part, found) in lacking {
        assert_ne!(found, expected[2..], "a run without its {part} goes on as if nothing had happened");
    }
}
