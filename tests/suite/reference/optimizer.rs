//! AdamW against its formula, and what it leaves alone. PyTorch's numbers are among the known answers.

use trainyard::ir::{Init, Optimizer, OptimizerKind, Param, Shape};
use trainyard::reference::{AdamState, ReferenceError, update};

use super::numbers;

const LR: f64 = 0.01;

fn optimizer(clip: Option<f64>) -> Optimizer {
    Optimizer { kind: OptimizerKind::AdamW { beta1: 0.9, beta2: 0.98, eps: 1e-6, weight_decay: 0.1 }, clip }
}

fn table() -> Vec<Param> {
    [("matrix", &[3, 4][..], true), ("bias", &[4], false)]
        .map(|(name, dims, decay)| Param {
            name: name.to_owned(),
            shape: Shape::new(dims),
            init: Init::Zeros,
            decay,
            frozen: false,
            parts: vec![],
        })
        .to_vec()
}

/// Three steps by the formula of the paper, one element at a time.
#[test]
fn it_is_the_formula() -> Result<(), ReferenceError> {
    let table = table();
    for clip in [None, Some(0.5), Some(1e9)] {
        let mut params: Vec<Vec<f64>> = vec![numbers(1, 12, 1.0), numbers(2, 4, 1.0)];
        let mut expected = params.clone();
        let (mut m, mut v) = ([vec![0.0; 12], vec![0.0; 4]], [vec![0.0; 12], vec![0.0; 4]]);
        let mut state = AdamState::new(&table);
        for t in 1..=3_u32 {
            let grads: Vec<Vec<f64>> = vec![numbers(10 * t, 12, 2.0), numbers(10 * t + 1, 4, 2.0)];
            let norm = grads.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
            let factor = clip.map_or(1.0, |clip: f64| (clip / (norm + 1e-6)).min(1.0));
            for i in 0..2 {
                for j in 0..grads[i].len() {
                    let g = grads[i][j] * factor;
                    m[i][j] = 0.9 * m[i][j] + 0.1 * g;
                    v[i][j] = 0.98 * v[i][j] + 0.02 * g * g;
                    let m_hat: f64 = m[i][j] / (1.0 - 0.9_f64.powi(t as i32));
                    let v_hat: f64 = v[i][j] / (1.0 - 0.98_f64.powi(t as i32));
                    if i == 0 {
                        expected[i][j] -= LR * 0.1 * expected[i][j];
                    }
                    expected[i][j] -= LR * m_hat / (v_hat.sqrt() + 1e-6);
                }
            }
            let views: Vec<Option<&[f64]>> = grads.iter().map(|g| Some(g.as_slice())).collect();
            let found = update(&optimizer(clip), &table, &mut params, &views, &mut state, LR, t)?;
            assert!((found - norm).abs() <= 1e-12, "the norm is reported before clipping");
        }
        for (found, expected) in params.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() <= 1e-14, "{found} for {expected}, clip {clip:?}");
        }
    }
    Ok(())
}

#[test]
fn no_learning_rate_means_no_change() -> Result<(), ReferenceError> {
    let table = table();
    let before: Vec<Vec<f32>> = vec![numbers(1, 12, 1.0), numbers(2, 4, 1.0)];
    let mut params = before.clone();
    let grads: Vec<Vec<f32>> = vec![numbers(3, 12, 1.0), numbers(4, 4, 1.0)];
    let views: Vec<Option<&[f32]>> = grads.iter().map(|g| Some(g.as_slice())).collect();
    update(&optimizer(None), &table, &mut params, &views, &mut AdamState::new(&table), 0.0, 1)?;
    assert_eq!(params, before);
    Ok(())
}

#[test]
fn what_is_not_finite_changes_nothing() -> Result<(), ReferenceError> {
    let table = table();
    for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let before: Vec<Vec<f32>> = vec![numbers(1, 12, 1.0), numbers(2, 4, 1.0)];
        let mut params = before.clone();
        let mut grads: Vec<Vec<f32>> = vec![numbers(3, 12, 1.0), numbers(4, 4, 1.0)];
        grads[1][2] = poison;
        let views: Vec<Option<&[f32]>> = grads.iter().map(|g| Some(g.as_slice())).collect();
        let mut state = AdamState::new(&table);
        let norm = update(&optimizer(Some(1.0)), &table, &mut params, &views, &mut state, LR, 1)?;
        assert!(!norm.is_finite());
        assert_eq!(params, before);
        assert_eq!(state, AdamState::new(&table));
    }
    Ok(())
}

/// As in PyTorch, a parameter without a gradient is not even decayed.
#[test]
fn parameters_without_gradient_stay() -> Result<(), ReferenceError> {
    let table = table();
    let mut params: Vec<Vec<f64>> = vec![vec![1.0; 12], vec![1.0; 4]];
    let grad = vec![2.0; 4];
    let views = [None, Some(grad.as_slice())];
    let norm = update(&optimizer(None), &table, &mut params, &views, &mut AdamState::new(&table), LR, 1)?;
    assert_eq!(norm, 4.0);
    assert_eq!(params[0], [1.0; 12]);
    assert!(params[1].iter().all(|p| (p - 0.99).abs() < 1e-6), "the first step is the learning rate");
    Ok(())
}

#[test]
fn misfits_are_refused() {
    let table = table();
    let grad = vec![0.0; 4];
    let mut params: Vec<Vec<f64>> = vec![vec![0.0; 12], vec![0.0; 4]];
    let mut refuse = |grads: &[Option<&[f64]>], state: &mut AdamState<f64>, t| {
        update(&optimizer(None), &table, &mut params, grads, state, LR, t).expect_err("it does not fit").to_string()
    };
    let fresh = || AdamState::new(&self::table());
    assert_eq!(refuse(&[None], &mut fresh(), 1), "1 gradients were given, but the graph has 2");
    let wrong = refuse(&[Some(&grad), None], &mut fresh(), 1);
    assert_eq!(wrong, r#""matrix" has 4 elements, but needs 12"#);
    assert!(refuse(&[None, Some(&grad)], &mut fresh(), 0).contains("count from 1"));
    let mut state = fresh();
    state.moment2[1].pop();
    assert_eq!(refuse(&[None, Some(&grad)], &mut state, 1), r#""bias" has 3 elements, but needs 4"#);
}
