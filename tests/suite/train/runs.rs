//! That runs learn, that both engines learn the same, and what a run that diverges leaves behind.

use pollster::block_on;
use serde_json::json;
use trainyard::train::{DeviceChoice, Rule, TrainError};

use super::{session, shared, train};

#[test]
fn sort_learns_on_the_gpu() {
    let mut session = session("sort", &[("dropout", json!(0.0))], 1, shared());
    let metrics = train(&mut session, 60);
    assert_eq!(metrics.iter().map(|m| m.step).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
    let (first, last) = (metrics[0].loss, metrics[59].loss);
    assert!((f64::from(first) - 3.0_f64.ln()).abs() < 0.1, "a fresh model guesses: {first}");
    assert!(last < 0.6 * first, "{first} to {last}");
    let evaluation = block_on(session.evaluate()).expect("the device works");
    assert!(evaluation.step == 60 && evaluation.val_loss < f64::from(first), "{evaluation:?}");
}

/// The GPU's f32 and the interpreter's differ in the order of sums; their dropout masks do not differ.
#[test]
fn both_engines_train_alike() {
    let changes = [("dropout", json!(0.2)), ("batch", json!(4)), ("lr", json!(1e-3)), ("clip", json!(0.5))];
    let mut gpu = session("bench-c", &changes, 3, shared());
    let mut cpu = session("bench-c", &changes, 3, DeviceChoice::Cpu);
    let (found, expected) = (train(&mut gpu, 5), train(&mut cpu, 5));
    assert_eq!((found.len(), expected.len()), (5, 5));
    for (f, e) in found.iter().zip(&expected) {
        assert!((f.loss - e.loss).abs() <= 1e-4, "step {}: {} on the GPU, {} on the CPU", f.step, f.loss, e.loss);
        let (f_norm, e_norm) = (f.grad_norm, e.grad_norm);
        assert!((f_norm - e_norm).abs() <= 1e-4 * e_norm, "step {}: norms {f_norm} and {e_norm}", f.step);
        assert_eq!((f.lr, f.tokens), (e.lr, e.tokens));
    }
    // Without the same masks the losses would be further apart than that.
    let mut other = session("bench-c", &[changes[1].clone(), changes[2].clone(), changes[3].clone()], 3, shared());
    let undropped = train(&mut other, 1);
    assert!((undropped[0].loss - expected[0].loss).abs() > 1e-4, "dropout does nothing");
}

/// Every rule trains, and on both engines alike.
#[test]
fn every_rule_learns_on_both_engines() {
    let rates = [("adamw", 1e-3), ("sgd", 0.1), ("adafactor", 1e-3), ("lion", 3e-4), ("muon", 1e-3)];
    assert_eq!(rates.map(|r| r.0), Rule::NAMES.map(|r| r.0));
    for (rule, lr) in rates {
        let changes =
            [("optimizer", json!(rule)), ("lr", json!(lr)), ("warmup", json!(0)), ("schedule", json!("constant"))];
        let mut gpu = session("bench-c", &changes, 3, shared());
        let mut cpu = session("bench-c", &changes, 3, DeviceChoice::Cpu);
        let (found, expected) = (train(&mut gpu, 4), train(&mut cpu, 4));
        for (f, e) in found.iter().zip(&expected) {
            assert!((f.loss - e.loss).abs() <= 1e-4, "{rule}, step {}: {} and {}", f.step, f.loss, e.loss);
        }
        let later = train(&mut gpu, 60);
        let (first, last) = (found[0].loss, later[59].loss);
        println!("{rule}: {first} to {last}");
        assert!(last < first - 0.5, "{rule}: {first} to {last}");
    }
}

#[test]
fn an_absurd_learning_rate_diverges_and_leaves_finite_weights() {
    for choice in [shared(), DeviceChoice::Cpu] {
        let changes = [("lr", json!(1e30)), ("warmup", json!(0)), ("batch", json!(2)), ("clip", json!(0))];
        let mut session = session("bench-c", &changes, 1, choice);
        let mut metrics = train(&mut session, 12);
        metrics.extend(train(&mut session, 12));
        let divergence = session.diverged().expect("a learning rate of 1e30 diverges").clone();
        assert!(divergence.step > 1 && divergence.step <= 12, "{divergence}");
        assert_eq!((session.step(), metrics.len() as u32), (divergence.step - 1, divergence.step));
        let sentence = divergence.to_string();
        assert!(sentence.contains("at step") && sentence.contains("learning rate"), "{sentence}");
        let last = metrics.last().expect("the step that diverged is shown");
        assert!(!last.loss.is_finite() || !last.grad_norm.is_finite());
        let state = block_on(session.engine_mut().state()).expect("the device works");
        assert!(state.parameters.iter().flatten().all(|p| p.is_finite()), "weights of the last good step are kept");
        assert!(block_on(session.train(5)).expect("no error").is_empty(), "a diverged run does not go on");
    }
}

#[test]
fn live_settings_act_at_once_and_others_are_refused() {
    let changes = [("schedule", json!("constant")), ("warmup", json!(0)), ("batch", json!(2))];
    let mut session = session("bench-c", &changes, 1, shared());
    assert_eq!(train(&mut session, 2)[1].lr, 1e-3);
    session.set_live("lr", &json!(5e-4)).expect("the rate is live");
    assert_eq!(train(&mut session, 1)[0].lr, 5e-4);
    // A rate of zero changes no weight: decay is a part of the step.
    let before = block_on(session.engine_mut().state()).expect("the device works");
    session.set_live("lr", &json!(0.0)).expect("the rate is live");
    train(&mut session, 2);
    let after = block_on(session.engine_mut().state()).expect("the device works");
    assert_eq!(before.parameters, after.parameters);
    assert_ne!(before.moment1, after.moment1, "the moments go on");
    // Weight decay and clipping reach the device as well.
    session.set_live("lr", &json!(1e-3)).expect("the rate is live");
    session.set_live("weight_decay", &json!(500.0)).expect("decay is live");
    train(&mut session, 1);
    let decayed = block_on(session.engine_mut().state()).expect("the device works");
    let size = |p: &[Vec<f32>]| p[0].iter().map(|x| f64::from(x.abs())).sum::<f64>();
    let ratio = size(&decayed.parameters) / size(&after.parameters);
    assert!((ratio - 0.5).abs() < 0.05, "1 - lr·decay = 0.5, found {ratio}");

    let settings = session.settings().clone();
    let refused = session.set_live("n_layer", &json!(3)).expect_err("depth is not live");
    assert!(matches!(refused, TrainError::NotLive { .. }) && refused.to_string().starts_with("n_layer"), "{refused}");
    assert!(session.set_live("lr", &json!("fast")).is_err());
    assert!(session.set_live("speed", &json!(1)).is_err());
    assert_eq!(*session.settings(), settings, "what is refused changes nothing");
}

#[test]
fn a_run_ends_at_its_last_step() {
    let mut session = session("bench-c", &[("steps", json!(3)), ("batch", json!(2))], 1, shared());
    assert_eq!(train(&mut session, 100).len(), 3);
    assert!(session.finished());
    assert!(train(&mut session, 5).is_empty());
}
