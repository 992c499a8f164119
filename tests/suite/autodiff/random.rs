//! Rules on random extents: at least fifty for each operation that has a gradient.

use trainyard::ir::{Bias, Dropout, Mask, NormKind};
use trainyard::rng::{Draws, Stream};

use super::check::{against_differences, gradients};
use crate::cases::attention::{MASKS, Part, Shape};
use crate::cases::{Case, ops};

const RUNS: u32 = 50;

/// Checks `make` on cases from random extents.
fn check(operation: u32, make: impl Fn(&mut Draws) -> Case) -> Result<(), String> {
    for run in 0..RUNS {
        let case = make(&mut Draws::new(run, Stream::Task, operation));
        let differentiated = case.differentiated().map_err(|e| format!("{}: {e}", case.name))?;
        against_differences(&case, &differentiated, &gradients(&differentiated)?)?;
    }
    Ok(())
}

/// 1 to `max`.
fn extent(draws: &mut Draws, max: u32) -> usize {
    draws.below(max) as usize + 1
}

#[test]
fn matmul() -> Result<(), String> {
    check(1, |d| ops::matmul(d.chance(1, 2), d.chance(1, 2), [extent(d, 20), extent(d, 20), extent(d, 20)]))
}

#[test]
fn embedding() -> Result<(), String> {
    check(2, |d| ops::embedding(false, extent(d, 20), extent(d, 12), &[extent(d, 4), extent(d, 9)]))
}

#[test]
fn row_table() -> Result<(), String> {
    check(3, |d| {
        let (batch, time, columns) = (extent(d, 4), extent(d, 7), extent(d, 12));
        let table = if d.chance(1, 3) { None } else { Some(time + d.below(3) as usize) };
        let period = if table.is_none() { 1 } else { time };
        ops::row_table(false, &[batch, time, columns], period, table)
    })
}

#[test]
fn activation() -> Result<(), String> {
    check(4, |d| {
        let f = ops::ACTIVATIONS[d.below(4) as usize];
        ops::activation(false, f, &[extent(d, 9), extent(d, 40)], f64::from(d.below(6) + 1))
    })
}

#[test]
fn dropout() -> Result<(), String> {
    check(5, |d| ops::dropout(&[extent(d, 9), extent(d, 40)], d.below(9) as f32 / 10.0, d.below(5)))
}

#[test]
fn norm() -> Result<(), String> {
    check(6, |d| {
        let kind = if d.chance(1, 2) { NormKind::Layer } else { NormKind::Rms };
        let beta = kind == NormKind::Layer && d.chance(2, 3);
        // Two columns of a layer norm are ±1 whatever they were: there is no gradient to compare.
        let dims = [extent(d, 3), extent(d, 4), extent(d, 40) + 2];
        let shape = ops::NormShape { kind, beta, dims: &dims, eps: 1e-5, center: 0.0, spread: 1.0 };
        ops::norm(ops::NormPart::Forward, shape)
    })
}

#[test]
fn attention() -> Result<(), String> {
    check(7, |d| {
        let (mask, kv_heads, queries) = (MASKS[d.below(4) as usize], extent(d, 3), extent(d, 12));
        let mut shape = Shape::packed([extent(d, 3), queries, kv_heads * extent(d, 2), extent(d, 6)], mask);
        let spec = &mut shape.spec;
        spec.kv_heads = kv_heads;
        spec.cross = d.chance(1, 3);
        spec.masked = mask == Mask::Prefix || d.chance(1, 2);
        spec.documents = spec.masked && !spec.cross && d.chance(1, 2);
        spec.bias = if d.chance(1, 2) { Bias::Learned } else { Bias::None };
        spec.dropout = d.chance(1, 2).then(|| Dropout { p: 0.25, site: d.below(9) });
        shape.keys = if spec.cross { extent(d, 12) } else { queries };
        shape.case(Part::Forward)
    })
}

#[test]
fn cross_entropy() -> Result<(), String> {
    check(8, |d| {
        let smoothing = f64::from(d.below(3)) / 10.0;
        ops::cross_entropy(false, &[extent(d, 4), extent(d, 5), extent(d, 30)], smoothing, 3.0)
    })
}
