//! Small integers: every partial sum is exact, so results equal integer arithmetic to the bit, whatever the order.

use trainyard::ir::{NormKind, Op, Type};
use trainyard::reference::Tensor;
use trainyard::rng::{Draws, Stream};

use super::{numbers, one, result};
use crate::cases::ops;

/// Integers in -8..8.
fn integers(item: u32, len: usize) -> Vec<i64> {
    let mut draws = Draws::new(item, Stream::Task, 31);
    (0..len).map(|_| i64::from(draws.below(16)) - 8).collect()
}

fn float(x: &[i64]) -> Tensor<f32> {
    Tensor::Float(x.iter().map(|&x| x as f32).collect())
}

fn assert_equal(found: &[f32], expected: &[i64], what: &str) {
    let expected: Vec<f32> = expected.iter().map(|&x| x as f32).collect();
    assert_eq!(found, expected, "{what}");
}

#[test]
fn products() {
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        for [m, k, n] in [[1, 1, 1], [3, 5, 7], [8, 8, 8], [4, 64, 9], [65, 63, 17], [2, 1, 70]] {
            let (a, b) = (integers(1, m * k), integers(2, k * n));
            let at = |i: usize, p: usize| a[if ta { p * m + i } else { i * k + p }];
            let bt = |p: usize, j: usize| b[if tb { j * k + p } else { p * n + j }];
            let expected: Vec<i64> = (0..m * n).map(|e| (0..k).map(|p| at(e / n, p) * bt(p, e % n)).sum()).collect();
            let types = [Type::f32(&if ta { [k, m] } else { [m, k] }), Type::f32(&if tb { [n, k] } else { [k, n] })];
            let found = result(&one(Op::MatMul { ta, tb }, &types), &[float(&a), float(&b)]);
            assert_equal(&found, &expected, &format!("{ta} {tb} {m}×{k}×{n}"));
        }
    }
}

/// The tolerance of all tests here is zero: one wrong term must show.
#[test]
#[should_panic(expected = "off by one")]
fn a_wrong_term_is_caught() {
    assert_equal(&[1.0, 2.0], &[1, 3], "off by one");
}

#[test]
fn lookups_and_their_gradient() {
    let (rows, columns) = (7, 5);
    let ids = [3_u32, 0, 3, 6, 3, 1];
    let table = integers(3, rows * columns);
    let types = [Type::f32(&[rows, columns]), Type::u32(&[2, 3])];
    let expected: Vec<i64> = ids.iter().flat_map(|&id| table[id as usize * columns..][..columns].to_vec()).collect();
    let found = result(&one(Op::Embedding { padding: None }, &types), &[float(&table), Tensor::Index(ids.to_vec())]);
    assert_equal(&found, &expected, "embedding");

    let dy = integers(4, ids.len() * columns);
    let mut expected = vec![0; rows * columns];
    for (i, id) in ids.iter().enumerate() {
        for c in 0..columns {
            expected[*id as usize * columns + c] += dy[i * columns + c];
        }
    }
    let types = [Type::u32(&[2, 3]), Type::f32(&[2, 3, columns])];
    let found =
        result(&one(Op::EmbeddingGrad { rows, padding: None }, &types), &[Tensor::Index(ids.to_vec()), float(&dy)]);
    assert_equal(&found, &expected, "embedding_grad");
}

#[test]
fn tables_of_rows_and_their_sums() {
    let (batch, period, rows, columns) = (3, 4, 6, 5);
    let x = integers(5, batch * period * columns);
    let table = integers(6, rows * columns);
    let row = |i: usize| i / columns % period;
    let expected: Vec<i64> = (0..x.len()).map(|i| x[i] + table[row(i) * columns + i % columns]).collect();
    let types = [Type::f32(&[batch, period, columns]), Type::f32(&[rows, columns])];
    assert_equal(
        &result(&one(Op::AddRows { period, first: 0 }, &types), &[float(&x), float(&table)]),
        &expected,
        "add_rows",
    );

    let mut expected = vec![0; rows * columns];
    for (i, &x) in x.iter().enumerate() {
        expected[row(i) * columns + i % columns] += x;
    }
    let sum = one(Op::SumRows { period, first: 0, table_rows: Some(rows) }, &types[..1]);
    assert_equal(&result(&sum, &[float(&x)]), &expected, "sum_rows; rows past the period are 0");
}

/// A row's result does not depend on the rows around it, to the bit.
#[test]
fn rows_are_independent() {
    let (rows, k, n) = (13, 37, 11);
    let (a, b): (Vec<f32>, Vec<f32>) = (numbers(7, rows * k, 1.0), numbers(8, k * n, 1.0));
    let product = |rows: usize, a: &[f32]| {
        let types = [Type::f32(&[rows, k]), Type::f32(&[k, n])];
        let inputs = [Tensor::Float(a.to_vec()), Tensor::Float(b.clone())];
        result(&one(Op::MatMul { ta: false, tb: false }, &types), &inputs)
    };
    let whole = product(rows, &a);
    for row in 0..rows {
        assert_eq!(product(1, &a[row * k..][..k]), whole[row * n..][..n]);
    }
    let norm = |rows: usize, x: &[f32]| {
        let types = [Type::f32(&[rows, k]), Type::f32(&[k])];
        let inputs = [Tensor::Float(x.to_vec()), Tensor::Float(vec![1.5; k])];
        result(&one(Op::Norm { kind: NormKind::Layer, eps: 1e-5 }, &types), &inputs)
    };
    let whole = norm(rows, &a);
    for row in 0..rows {
        assert_eq!(norm(1, &a[row * k..][..k]), whole[row * k..][..k]);
    }
}

/// Gradients are linear in the cotangent: twice the cotangent gives twice the gradient, exactly.
#[test]
fn gradients_are_linear_in_powers_of_two() {
    for case in crate::cases::cases().iter().filter(|case| !case.wrt.is_empty()) {
        let mut case = case.differentiated().expect("differentiable");
        let cotangent = case.graph.input("cotangent").expect("it was added");
        let before = case.run_f32().expect("runs");
        if let Tensor::Float(numbers) = &mut case.inputs[cotangent.index()] {
            numbers.iter_mut().for_each(|x| *x *= 4.0);
        }
        let after = case.run_f32().expect("runs");
        for i in 0..case.wrt.len() {
            let name = format!("d{i}");
            let expected: Vec<f32> = before.output(&name).expect("a gradient").iter().map(|g| g * 4.0).collect();
            let found = after.output(&name).expect("a gradient");
            // Below the normal range a factor of four is not exact.
            let same = |(a, b): (&f32, &f32)| a == b || a.abs() < 1e-30;
            assert!(found.iter().zip(&expected).all(same), "{}", case.name);
        }
    }
}

/// Where `narrow` is further from `wide` than rounding allows: 16 for exp, tanh, erf and divisions, 2⁻²³ a rounding,
/// √terms roundings, relative to the largest value. Values below 1 count as 1: a row of constants is normalized by 1/√ε
/// alone, which blows up what its rounding left.
fn rounding_fault(wide: &[f64], narrow: &[f32], terms: usize) -> Option<String> {
    let scale = wide.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    let bound = 16.0 * f64::from(f32::EPSILON) * (terms as f64).sqrt() * scale;
    let errors = wide.iter().zip(narrow).map(|(&wide, &narrow)| (wide - f64::from(narrow)).abs());
    let (i, error) = errors.enumerate().find(|&(_, error)| !(error <= bound))?;
    Some(format!("[{i}]: {} for {}, off by {error:e}, bound {bound:e}", narrow[i], wide[i]))
}

#[test]
fn f32_is_f64_rounded() {
    for case in crate::cases::cases() {
        let (wide, narrow) = (case.run().expect("runs"), case.run_f32().expect("runs"));
        for (name, _) in &case.graph.outputs {
            let (wide, narrow) = (wide.output(name).expect("an output"), narrow.output(name).expect("an output"));
            assert_eq!(wide.len(), narrow.len());
            assert_eq!(rounding_fault(wide, narrow, case.terms), None, "{} {name}", case.name);
        }
    }
}

#[test]
fn more_than_rounding_is_caught() {
    assert_eq!(rounding_fault(&[1.0, 4.0], &[1.0, 4.0], 1), None);
    assert!(rounding_fault(&[1.0, 4.0], &[1.0, 4.0001], 1).is_some());
    assert!(rounding_fault(&[1.0, 4.0], &[f32::NAN, 4.0], 1).is_some());
    assert!(rounding_fault(&[1.0, 4.0], &[1.0, f32::INFINITY], 1).is_some());
    assert!(rounding_fault(&[f64::NAN], &[0.0], 1).is_some());
}

#[test]
fn infinities_and_nans_are_not_hidden() {
    let case = ops::matmul(false, false, [3, 5, 1]);
    for poison in [f64::NAN, f64::INFINITY] {
        let mut case = case.clone();
        let a = case.wrt[0];
        case.operand_mut(a)[7] = poison;
        let values = case.run_f32().expect("runs");
        assert!(!values.output("y0").expect("an output")[1].is_finite());
    }
    for f in ops::ACTIVATIONS {
        let y = result(&one(Op::Activation(f), &[Type::f32(&[1])]), &[Tensor::Float(vec![f32::NAN])]);
        assert!(y[0].is_nan(), "{} hides a NaN", f.name());
    }
}
