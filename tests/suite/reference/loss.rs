//! What the loss promises whatever the numbers are.

use trainyard::ir::{Graph, Op, Type};
use trainyard::reference::Tensor;

use super::{numbers, one, result};

const ROWS: usize = 4;
const V: usize = 5;

fn types() -> [Type; 4] {
    [Type::f32(&[ROWS, V]), Type::u32(&[ROWS]), Type::f32(&[ROWS]), Type::f32(&[1])]
}

fn loss(smoothing: f64) -> Graph {
    one(Op::CrossEntropy { smoothing }, &types()[..3])
}

fn grad(smoothing: f64) -> Graph {
    one(Op::CrossEntropyGrad { smoothing }, &types())
}

/// A row of weight 0 may hold anything: NaN, a target that is no class.
#[test]
fn rows_of_weight_zero_are_not_looked_at() {
    let logits: Vec<f32> = numbers(1, ROWS * V, 2.0);
    let weights = Tensor::Float(vec![0.25, 0.0, 0.5, 0.25]);
    let data = |logits: &[f32], target| {
        [
            Tensor::Float(logits.to_vec()),
            Tensor::Index(vec![1, target, 0, 4]),
            weights.clone(),
            Tensor::Float(vec![1.0]),
        ]
    };
    let mut poisoned = logits.clone();
    poisoned[V..2 * V].fill(f32::NAN);
    for smoothing in [0.0, 0.1] {
        let (clean, odd) = (data(&logits, 2), data(&poisoned, u32::MAX - 99));
        assert_eq!(result(&loss(smoothing), &clean[..3]), result(&loss(smoothing), &odd[..3]));
        let found = result(&grad(smoothing), &odd);
        assert_eq!(found, result(&grad(smoothing), &clean));
        assert!(found[V..2 * V].iter().all(|g| g.to_bits() == 0));
    }
}

#[test]
fn all_weights_zero_give_zero() {
    let logits = Tensor::Float(numbers::<f64>(2, ROWS * V, 2.0));
    let data = [logits, Tensor::Index(vec![9; ROWS]), Tensor::Float(vec![0.0; ROWS]), Tensor::Float(vec![1.0])];
    assert_eq!(result(&loss(0.1), &data[..3]), [0.0]);
    assert_eq!(result(&grad(0.1), &data), [0.0; ROWS * V]);
}

#[test]
fn a_shift_of_all_logits_changes_nothing_and_gradients_sum_to_zero() {
    let logits: Vec<f64> = numbers(3, ROWS * V, 2.0);
    let shifted: Vec<f64> = logits.iter().map(|x| x + 300.0).collect();
    let rest = [Tensor::Index(vec![1, 2, 0, 4]), Tensor::Float(vec![0.25; ROWS]), Tensor::Float(vec![1.0])];
    let data = |logits: Vec<f64>| [vec![Tensor::Float(logits)], rest.to_vec()].concat();
    for smoothing in [0.0, 0.1] {
        let (a, b) = (data(logits.clone()), data(shifted.clone()));
        let (x, y) = (result(&loss(smoothing), &a[..3])[0], result(&loss(smoothing), &b[..3])[0]);
        assert!((x - y).abs() <= 1e-12, "{x} became {y}");
        for row in result(&grad(smoothing), &a).chunks(V) {
            assert!(row.iter().sum::<f64>().abs() <= 1e-15);
        }
    }
}

/// An untrained model guesses: equal logits cost ln V, whatever the smoothing.
#[test]
fn equal_logits_cost_ln_v() {
    let data = [Tensor::Float(vec![0.5; ROWS * V]), Tensor::Index(vec![0, 1, 2, 3]), Tensor::Float(vec![0.25; ROWS])];
    for smoothing in [0.0, 0.1, 0.7] {
        let found: f64 = result(&loss(smoothing), &data)[0];
        assert!((found - (V as f64).ln()).abs() <= 1e-15);
    }
}

#[test]
fn large_logits_stay_finite() {
    let logits = vec![1e4_f32, -1e4, 0.0, 3e4, 1.0, -3e38, 3e38, 0.0, 0.0, 0.0];
    let types = [Type::f32(&[2, V]), Type::u32(&[2]), Type::f32(&[2]), Type::f32(&[1])];
    let data =
        [Tensor::Float(logits), Tensor::Index(vec![0, 1]), Tensor::Float(vec![0.5, 0.5]), Tensor::Float(vec![1.0_f32])];
    let found = result(&one(Op::CrossEntropy { smoothing: 0.0 }, &types[..3]), &data[..3]);
    assert_eq!(found, [1e4], "0.5 · (3e4 - 1e4) + 0.5 · 0");
    let found = result(&one(Op::CrossEntropyGrad { smoothing: 0.0 }, &types), &data);
    assert_eq!(found, [-0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}
