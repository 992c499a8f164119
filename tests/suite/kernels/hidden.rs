//! What a query may not see does not change its result, to the bit, whatever it holds.

use trainyard::ir::{Attention, Bias, Mask, ValueId};
use trainyard::kernels::Target;
use trainyard::reference::Tensor;

use super::run;
use crate::cases::Case;
use crate::cases::attention::{Part, Shape};

const TARGETS: [Target; 2] = [Target::Software, Target::Gpu];

/// A zero counts as one whatever its sign: 0·k takes the sign of a hidden key.
fn bits(outputs: Vec<(String, Vec<f32>)>) -> Vec<Vec<u32>> {
    let bits = |x: &f32| if *x == 0.0 { 0 } else { x.to_bits() };
    outputs.into_iter().map(|(_, numbers)| numbers.iter().map(bits).collect()).collect()
}

/// The key mask of a case, if it has one.
fn key_mask(case: &Case) -> Option<Vec<u32>> {
    case.inputs.iter().find_map(|input| match input {
        Tensor::Index(codes) => Some(codes.clone()),
        Tensor::Float(_) => None,
    })
}

/// Writes `number` over key and value of one time.
fn overwrite(case: &mut Case, shape: &Shape, [batch, key]: [usize; 2], number: f64) {
    let Shape { spec, keys, head, .. } = *shape;
    let before = if spec.cross { 0 } else { spec.heads * head };
    let width = before + 2 * spec.kv_heads * head;
    let at = (batch * keys + key) * width;
    let input = ValueId(spec.projections() as u32 - 1);
    case.operand_mut(input)[at + before..at + width].fill(number);
}

/// Self-attention and attention to another sequence with a key mask: all that a mask can be combined with.
fn masked() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (mask, documents, bias, kv_heads) in [
        (Mask::Full, false, Bias::None, 2),
        (Mask::Causal, true, Bias::None, 1),
        (Mask::Prefix, true, Bias::Learned, 2),
        (Mask::Banded { width: 4 }, false, Bias::Learned, 1),
    ] {
        let mut shape = Shape::packed([2, 11, 2, 3], mask).masked(true);
        shape.spec = Attention { documents, bias, kv_heads, ..shape.spec };
        shapes.push(shape);
    }
    let mut cross = Shape::packed([2, 5, 2, 3], Mask::Full).masked(true);
    (cross.spec.cross, cross.spec.bias, cross.keys) = (true, Bias::Fixed, 13);
    shapes.push(cross);
    shapes
}

/// Neither large numbers nor such that their products overflow reach anybody, not even as zero times infinity.
#[test]
fn hidden_keys_may_hold_anything() {
    for shape in masked() {
        for part in [Part::Forward, Part::Grad, Part::Probs] {
            let case = shape.case(part);
            let codes = key_mask(&case).expect("there is a key mask");
            for target in TARGETS {
                let before = bits(run(&case, target).expect("the case runs"));
                for number in [-5.0, 1e18, 3e38] {
                    let mut changed = case.clone();
                    for at in (0..codes.len()).filter(|&at| codes[at] == 0) {
                        overwrite(&mut changed, &shape, [at / shape.keys, at % shape.keys], number);
                    }
                    let after = bits(run(&changed, target).expect("the case runs"));
                    assert_eq!(after, before, "{} on {target:?} with {number:e}", case.name);
                }
            }
        }
    }
}

/// A query's result changes with a key if and only if the query sees it.
#[test]
fn only_who_sees_a_key_notices_it() {
    let mut shapes = masked();
    shapes.push(Shape::packed([1, 19, 2, 3], Mask::Causal));
    shapes.push(Shape::packed([1, 19, 2, 3], Mask::Banded { width: 5 }));
    for shape in shapes {
        let case = shape.case(Part::Forward);
        let codes = key_mask(&case);
        let key = 5;
        let mut changed = case.clone();
        overwrite(&mut changed, &shape, [0, key], 0.75);
        let row = shape.spec.heads * shape.head;
        for target in TARGETS {
            let before = bits(run(&case, target).expect("the case runs")).swap_remove(0);
            let after = bits(run(&changed, target).expect("the case runs")).swap_remove(0);
            for (n, (a, b)) in before.chunks(row).zip(after.chunks(row)).enumerate() {
                let (batch, query) = (n / shape.queries, n % shape.queries);
                let sees = batch == 0 && shape.sees(codes.as_deref(), [batch, query, key]);
                assert_eq!(a != b, sees, "query {query} of sequence {batch}: {} on {target:?}", case.name);
            }
        }
    }
}
