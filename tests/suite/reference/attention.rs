//! What attention promises whatever the numbers are.

use trainyard::ir::{Attention, Graph, Mask, Op, PREFIX, Type};
use trainyard::reference::Tensor;

use super::{numbers, one, result, values};

const B: usize = 2;
const T: usize = 7;
const H: usize = 2;
const D: usize = 6;
/// Elements of one token of a packed qkv.
const TOKEN: usize = 3 * D;

fn spec(mask: Mask, masked: bool) -> Attention {
    Attention { masked, ..Attention::packed(H, mask, 1.0 / 3.0_f64.sqrt()) }
}

fn graph(mask: Mask, padded: bool) -> Graph {
    let types = [Type::f32(&[B, T, TOKEN]), Type::u32(&[B, T])];
    one(Op::Attention(spec(mask, padded)), if padded { &types } else { &types[..1] })
}

fn probs(mask: Mask, qkv: &[f32], key_mask: &[u32]) -> Vec<f32> {
    let inputs = [Tensor::Float(qkv.to_vec()), Tensor::Index(key_mask.to_vec())];
    let lse = values(&graph(mask, true), &inputs).output("y1").expect("an output").to_vec();
    let types = [Type::f32(&[B, T, TOKEN]), Type::u32(&[B, T]), Type::f32(&[B, H, T])];
    let [qkv, key_mask] = inputs;
    result(&one(Op::AttentionProbs(spec(mask, true)), &types), &[qkv, key_mask, Tensor::Float(lse)])
}

#[test]
fn probabilities_sum_to_one_and_hidden_keys_get_none() {
    let mut key_mask = vec![1; B * T];
    key_mask[3] = 0;
    key_mask[T + 5..].fill(0);
    for mask in [Mask::Full, Mask::Causal] {
        for spread in [1.0, 30.0] {
            let p = probs(mask, &numbers(1, B * T * TOKEN, spread), &key_mask);
            for (row, p) in p.chunks(T).enumerate() {
                let (batch, query) = (row / (H * T), row % T);
                let sum: f64 = p.iter().map(|&p| f64::from(p)).sum();
                // exp at |x| near 100 turns half an ulp of its argument into 4e-6.
                assert!((sum - 1.0).abs() <= 1e-5, "row {row} sums to {sum}");
                for (key, &p) in p.iter().enumerate() {
                    let visible = key_mask[batch * T + key] == 1 && (mask == Mask::Full || key <= query);
                    assert!(visible || p.to_bits() == 0, "query {query} sees the hidden key {key}: {p}");
                    assert!((0.0..=1.0 + 1e-5).contains(&p));
                }
            }
        }
    }
}

/// A change at a later token leaves every earlier output as it was, to the bit.
#[test]
fn causality_is_exact() {
    let qkv: Vec<f32> = numbers(2, B * T * TOKEN, 2.0);
    let o = result(&graph(Mask::Causal, false), &[Tensor::Float(qkv.clone())]);
    for changed in 1..T {
        let mut other = qkv.clone();
        for x in &mut other[changed * TOKEN..T * TOKEN] {
            *x = 7.0 - *x;
        }
        let found = result(&graph(Mask::Causal, false), &[Tensor::Float(other)]);
        assert_eq!(found[..changed * D], o[..changed * D], "token {changed} reached back");
        assert_ne!(found[changed * D..T * D], o[changed * D..T * D]);
        assert_eq!(found[T * D..], o[T * D..], "the other sequence changed");
    }
}

/// What a hidden key and its value hold does not matter, to the bit, not even if it is infinite.
#[test]
fn padding_is_exact() {
    let qkv: Vec<f32> = numbers(3, B * T * TOKEN, 2.0);
    let mut key_mask = vec![1; B * T];
    key_mask[T - 2..T].fill(0);
    let run = |qkv: Vec<f32>| {
        let inputs = [Tensor::Float(qkv), Tensor::Index(key_mask.clone())];
        values(&graph(Mask::Full, true), &inputs).output("y0").expect("an output").to_vec()
    };
    let o = run(qkv.clone());
    let mut other = qkv.clone();
    for token in T - 2..T {
        other[token * TOKEN + D..(token + 1) * TOKEN].fill(1e6);
    }
    assert_eq!(run(other), o);

    // A shorter sequence gives the same bits as a padded one.
    let short = one(Op::Attention(spec(Mask::Full, false)), &[Type::f32(&[1, T - 2, TOKEN])]);
    assert_eq!(result(&short, &[Tensor::Float(qkv[..(T - 2) * TOKEN].to_vec())]), o[..(T - 2) * D]);
}

#[test]
fn a_query_without_keys_is_zero_and_has_no_gradient() {
    let qkv: Vec<f32> = numbers(4, B * T * TOKEN, 2.0);
    let mut key_mask = vec![1; B * T];
    key_mask[0] = 0; // causal query 0 of sequence 0 sees nothing
    key_mask[T..].fill(0); // nobody in sequence 1 sees anything
    let inputs = [Tensor::Float(qkv), Tensor::Index(key_mask)];
    let forward = values(&graph(Mask::Causal, true), &inputs);
    let (o, lse) = (forward.output("y0").expect("o"), forward.output("y1").expect("lse"));
    let blind = |b: usize, t: usize| b == 1 || t == 0;
    for b in 0..B {
        for t in 0..T {
            let row = &o[(b * T + t) * D..][..D];
            assert_eq!(row.iter().all(|x| x.to_bits() == 0), blind(b, t), "o of query {b},{t}");
            for h in 0..H {
                assert_eq!(lse[(b * H + h) * T + t] == -1e30, blind(b, t), "lse of query {b},{t}");
            }
        }
    }
    let types = [
        Type::f32(&[B, T, TOKEN]),
        Type::u32(&[B, T]),
        Type::f32(&[B, T, D]),
        Type::f32(&[B, H, T]),
        Type::f32(&[B, T, D]),
    ];
    let [qkv, key_mask] = inputs;
    let operands = [
        qkv,
        key_mask,
        Tensor::Float(o.to_vec()),
        Tensor::Float(lse.to_vec()),
        Tensor::Float(numbers(5, B * T * D, 1.0)),
    ];
    let dqkv = result(&one(Op::AttentionGrad(spec(Mask::Causal, true)), &types), &operands);
    assert!(dqkv[T * TOKEN..].iter().all(|g| *g == 0.0), "sequence 1 has a gradient");
    assert!(dqkv[..TOKEN].iter().all(|g| *g == 0.0), "a hidden key, or a query that sees none, has a gradient");
    assert!(dqkv.iter().any(|g| *g != 0.0));
}

/// Without positions and without a structural mask, attention does not know an order.
#[test]
fn permuted_tokens_give_permuted_outputs() {
    let qkv: Vec<f64> = numbers(6, B * T * TOKEN, 1.0);
    let permute = |x: &[f64], width: usize| -> Vec<f64> {
        (0..B * T)
            .flat_map(|i| {
                let t = i / T * T + (i % T * 3 + 2) % T;
                x[t * width..(t + 1) * width].to_vec()
            })
            .collect()
    };
    let o = result(&graph(Mask::Full, false), &[Tensor::Float(qkv.clone())]);
    let found = result(&graph(Mask::Full, false), &[Tensor::Float(permute(&qkv, TOKEN))]);
    for (found, expected) in found.iter().zip(permute(&o, D)) {
        assert!((found - expected).abs() <= 1e-14);
    }
}

/// A sequence does not notice the rest of its batch, to the bit.
#[test]
fn sequences_are_independent() {
    let qkv: Vec<f32> = numbers(7, B * T * TOKEN, 2.0);
    let both = result(&graph(Mask::Causal, false), &[Tensor::Float(qkv.clone())]);
    let alone = one(Op::Attention(spec(Mask::Causal, false)), &[Type::f32(&[1, T, TOKEN])]);
    assert_eq!(result(&alone, &[Tensor::Float(qkv[T * TOKEN..].to_vec())]), both[T * D..]);
}

/// Documents packed into one sequence are as if each were alone, and where one is cut off does not show.
#[test]
fn packed_documents_are_as_if_alone() {
    let qkv: Vec<f64> = numbers(8, B * T * TOKEN, 2.0);
    // The first sequence: three tokens of document 9, padding, three of document 4.
    let key_mask = [9, 9, 9, 0, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1];
    let types = [Type::f32(&[B, T, TOKEN]), Type::u32(&[B, T])];
    let packed = one(Op::Attention(Attention { documents: true, ..spec(Mask::Causal, true) }), &types);
    let o = result(&packed, &[Tensor::Float(qkv.clone()), Tensor::Index(key_mask.to_vec())]);
    for (start, end) in [(0, 3), (4, 7), (7, 14)] {
        let alone = one(Op::Attention(spec(Mask::Causal, false)), &[Type::f32(&[1, end - start, TOKEN])]);
        let expected = result(&alone, &[Tensor::Float(qkv[start * TOKEN..end * TOKEN].to_vec())]);
        assert_eq!(o[start * D..end * D], expected, "tokens {start} to {end}");
    }
    assert!(o[3 * D..4 * D].iter().all(|x| *x == 0.0), "padding belongs to no document");
}

/// A prefix that is the whole sequence hides nothing, one that is empty leaves the causal mask.
#[test]
fn prefixes_lie_between_causal_and_full() {
    let qkv: Vec<f32> = numbers(9, B * T * TOKEN, 2.0);
    let run = |mask: Mask, code: u32| {
        let inputs = [Tensor::Float(qkv.clone()), Tensor::Index(vec![code; B * T])];
        result(&graph(mask, true), &inputs)
    };
    assert_eq!(run(Mask::Prefix, 1 | PREFIX), run(Mask::Full, 1));
    assert_eq!(run(Mask::Prefix, PREFIX), run(Mask::Full, 1), "document 0 is one, too");
    assert_eq!(run(Mask::Prefix, 1), run(Mask::Causal, 1));
    assert_eq!(run(Mask::Causal, 1 | PREFIX), run(Mask::Causal, 1), "others do not ask for the mark");
    assert_eq!(run(Mask::Banded { width: T }, 1), run(Mask::Causal, 1));
}
