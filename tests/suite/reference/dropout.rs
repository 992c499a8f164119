//! Masks: golden vectors of the generator, their statistics, and the rule that maps an element to its word.

use trainyard::ir::{Attention, Dropout, Mask, Op, Type};
use trainyard::reference::{StepKey, Tensor, run};
use trainyard::rng::{dropout_word, pcg4d};

use super::{KEY, numbers, one, result, values};

#[test]
fn golden_vectors_of_pcg4d() {
    assert_eq!(pcg4d([0; 4]), [251_852_841, 760_645_481, 850_445_371, 3_542_436_074]);
    assert_eq!(pcg4d([1, 2, 3, 4]), [908_250_390, 4_044_648_920, 3_775_961_919, 45_698_095]);
}

/// The factor of an element by the rule, written here a second time.
fn factor(dropout: Dropout, row: usize, column: usize, columns: usize) -> f32 {
    let index = row * columns.next_multiple_of(4) + column;
    let word = dropout_word(index as u32, dropout.site, KEY.step, KEY.seed);
    if word >= dropout.threshold() { 1.0 / (1.0 - dropout.p) } else { 0.0 }
}

#[test]
fn masks_follow_the_index_rule() {
    let dropout = Dropout { p: 0.4, site: 6 };
    for (dims, columns) in [(&[3, 5, 1][..], 1), (&[7, 5], 5), (&[2, 2, 8], 8), (&[9, 63], 63)] {
        let ones = vec![1.0_f32; dims.iter().product()];
        let found = result(&one(Op::Dropout(dropout), &[Type::f32(dims)]), &[Tensor::Float(ones)]);
        let expected: Vec<f32> = (0..found.len()).map(|i| factor(dropout, i / columns, i % columns, columns)).collect();
        assert_eq!(found, expected, "{dims:?}");
    }
}

/// On probabilities the tensor is the logical [B,H,T,T]. Values that are unit vectors show each factor.
#[test]
fn attention_masks_follow_the_index_rule() {
    const B: usize = 2;
    const T: usize = 5;
    const H: usize = 3;
    let dropout = Dropout { p: 0.3, site: 2 };
    let mut qkv = numbers::<f32>(1, B * T * 3 * H * T, 1.0);
    for token in 0..B * T {
        let values = &mut qkv[(token * 3 + 2) * H * T..][..H * T];
        for (i, v) in values.iter_mut().enumerate() {
            *v = if i % T == token % T { 1.0 } else { 0.0 };
        }
    }
    let qkv = Tensor::Float(qkv);
    let ty = Type::f32(&[B, T, 3 * H * T]);
    let spec = Attention { dropout: Some(dropout), ..Attention::packed(H, Mask::Full, 0.5) };
    let forward = values(&one(Op::Attention(spec), std::slice::from_ref(&ty)), std::slice::from_ref(&qkv));
    let (o, lse) = (forward.output("y0").expect("o"), forward.output("y1").expect("lse").to_vec());
    let types = [ty, Type::f32(&[B, H, T])];
    let p = result(&one(Op::AttentionProbs(spec), &types), &[qkv, Tensor::Float(lse)]);
    for (row, p) in p.chunks(T).enumerate() {
        let (b, h, query) = (row / (H * T), row / T % H, row % T);
        for (key, &p) in p.iter().enumerate() {
            let found = o[(b * T + query) * H * T + h * T + key];
            let expected = p * factor(dropout, row, key, T);
            assert!((found - expected).abs() <= 1e-6, "b={b} h={h} q={query} k={key}: {found} for {expected}");
        }
    }
}

#[test]
fn masks_keep_the_mean_and_the_rate() {
    let n = 200_000;
    for p in [0.1_f32, 0.5, 0.9] {
        let graph = one(Op::Dropout(Dropout { p, site: 1 }), &[Type::f32(&[n / 100, 100])]);
        let y = result(&graph, &[Tensor::Float(vec![1.0_f64; n])]);
        let dropped = y.iter().filter(|y| **y == 0.0).count() as f64 / n as f64;
        let p = f64::from(p);
        // Five standard deviations of a binomial.
        let bound = 5.0 * (p * (1.0 - p) / n as f64).sqrt();
        assert!((dropped - p).abs() <= bound, "{dropped} dropped at {p}");
        let mean = y.iter().sum::<f64>() / n as f64;
        assert!((mean - 1.0).abs() <= bound / (1.0 - p), "the mean became {mean} at {p}");
    }
}

#[test]
fn masks_differ_by_site_step_and_seed() {
    let mask = |site, key| {
        let graph = one(Op::Dropout(Dropout { p: 0.5, site }), &[Type::f32(&[1, 64])]);
        let values = run(&graph, &[], &[Tensor::Float(vec![1.0_f32; 64])], key).expect("runs");
        values.output("y0").expect("an output").to_vec()
    };
    let key = StepKey { seed: 1, step: 1 };
    let base = mask(0, key);
    assert_eq!(mask(0, key), base);
    assert_ne!(mask(1, key), base);
    assert_ne!(mask(0, StepKey { step: 2, ..key }), base);
    assert_ne!(mask(0, StepKey { seed: 2, ..key }), base);
}

#[test]
fn nothing_is_dropped_at_zero() {
    let x: Vec<f32> = numbers(1, 35, 1.0);
    let graph = one(Op::Dropout(Dropout { p: 0.0, site: 1 }), &[Type::f32(&[5, 7])]);
    assert_eq!(result(&graph, &[Tensor::Float(x.clone())]), x);
}
