//! Attention against its definition, index by index.

use trainyard::ir::{Bias, Mask};
use trainyard::reference::Tensor;

use crate::cases::Case;
use crate::cases::attention::{Part, Shape, combinations};

/// o, log-sum-exp and probabilities of `shape`, without dropout. Hidden pairs have no probability at all.
fn by_definition(shape: &Shape, inputs: &[Tensor<f64>]) -> (Vec<f64>, Vec<f64>, Vec<Option<f64>>) {
    let Shape { spec, batch, queries, keys, head, .. } = *shape;
    let floats = |i: usize| match &inputs[i] {
        Tensor::Float(numbers) => numbers.as_slice(),
        Tensor::Index(_) => panic!("input {i} is numbers"),
    };
    let key_mask = spec.mask_input().map(|i| match &inputs[i] {
        Tensor::Index(codes) => codes.as_slice(),
        Tensor::Float(_) => panic!("input {i} is codes"),
    });
    // Rows are heads: of queries, of keys, of values; with two sources, the first on their own.
    let (packed, before) = (spec.heads + 2 * spec.kv_heads, spec.heads);
    let query = |b: usize, i: usize, h: usize| {
        let heads = if spec.cross { spec.heads } else { packed };
        &floats(0)[((b * queries + i) * heads + h) * head..][..head]
    };
    let source = |b: usize, j: usize, part: usize, h: usize| {
        let shared = part * spec.kv_heads + h * spec.kv_heads / spec.heads;
        let (of, at) = if spec.cross { (1, (2 * spec.kv_heads, shared)) } else { (0, (packed, before + shared)) };
        &floats(of)[((b * keys + j) * at.0 + at.1) * head..][..head]
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut o = vec![0.0; batch * queries * spec.heads * head];
    let (mut lse, mut probs) = (Vec::new(), Vec::new());
    for b in 0..batch {
        for h in 0..spec.heads {
            for i in 0..queries {
                let score = |j: usize| {
                    let added = spec.bias_input().map_or(0.0, |n| floats(n)[(j + queries - 1 - i) * spec.heads + h]);
                    let visible = shape.sees(key_mask, [b, i, j]);
                    visible.then(|| spec.scale * dot(query(b, i, h), source(b, j, 0, h)) + added)
                };
                let scores: Vec<Option<f64>> = (0..keys).map(score).collect();
                let total: f64 = scores.iter().flatten().map(|s| s.exp()).sum();
                lse.push(if total > 0.0 { total.ln() } else { -1e30 });
                for (j, score) in scores.into_iter().enumerate() {
                    let p = score.map(|s| s.exp() / total);
                    probs.push(p);
                    for (e, value) in source(b, j, 1, h).iter().enumerate() {
                        o[((b * queries + i) * spec.heads + h) * head + e] += p.unwrap_or(0.0) * value;
                    }
                }
            }
        }
    }
    (o, lse, probs)
}

/// Whether the interpreter agrees, rounding of sums of a few terms of the order of 1 aside.
fn agrees(found: &[f64], expected: &[f64]) -> bool {
    let close = |(f, e): (&f64, &f64)| (f - e).abs() <= 1e-12 * e.abs().max(1.0);
    found.len() == expected.len() && found.iter().zip(expected).all(close)
}

/// Combinations without dropout.
fn shapes() -> Vec<Shape> {
    let mut shapes = combinations();
    shapes.iter_mut().for_each(|shape| shape.spec.dropout = None);
    shapes
}

fn outputs(case: &Case) -> Vec<Vec<f64>> {
    let values = case.run().expect("the interpreter knows every operation");
    (0..case.graph.outputs.len()).filter_map(|i| values.output(&format!("y{i}")).map(<[f64]>::to_vec)).collect()
}

#[test]
fn every_combination_is_what_its_definition_says() {
    for shape in shapes() {
        let case = shape.case(Part::Forward);
        let (o, lse, _) = by_definition(&shape, &case.inputs);
        let found = outputs(&case);
        assert!(agrees(&found[0], &o), "o of {}", case.name);
        assert!(agrees(&found[1], &lse), "lse of {}", case.name);

        let case = shape.case(Part::Probs);
        let (_, _, probs) = by_definition(&shape, &case.inputs);
        let found = outputs(&case).swap_remove(0);
        let plain: Vec<f64> = probs.iter().map(|p| p.unwrap_or(0.0)).collect();
        assert!(agrees(&found, &plain), "{}", case.name);
        let hidden = found.iter().zip(&probs).filter(|(_, p)| p.is_none());
        assert!(hidden.into_iter().all(|(f, _)| f.to_bits() == 0), "a hidden cell of {}", case.name);
    }
}

/// Each part of the definition matters to the comparison.
#[test]
fn another_definition_is_noticed() {
    let changes: [fn(&mut Shape); 6] = [
        |s| s.spec.mask = if s.spec.mask == Mask::Full { Mask::Causal } else { Mask::Full },
        |s| s.spec.scale *= 1.001,
        |s| s.spec.documents = false,
        |s| s.spec.mask = if s.spec.mask == Mask::Prefix { Mask::Causal } else { s.spec.mask },
        |s| {
            s.spec.mask =
                if matches!(s.spec.mask, Mask::Banded { .. }) { Mask::Banded { width: 2 } } else { s.spec.mask }
        },
        |s| s.spec.bias = Bias::None,
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let noticed = shapes().into_iter().any(|shape| {
            let case = shape.case(Part::Forward);
            let mut other = shape;
            change(&mut other);
            // A bias that is left out is an operand that is not there.
            let mut inputs = case.inputs.clone();
            if let (Some(at), None) = (shape.spec.bias_input(), other.spec.bias_input()) {
                inputs.remove(at);
            }
            !agrees(&outputs(&case)[0], &by_definition(&other, &inputs).0)
        });
        assert!(noticed, "change {n} passes");
    }
}
