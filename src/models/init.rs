use crate::ir::{Graph, Init, NamedTensor, Param, ParamId};
use crate::rng::{self, Stream};

/// First values of every parameter: a function of seed, name and index alone, so any tensor can be made anywhere. A stack
/// holds those of its tensors, one after the other.
#[must_use]
pub fn initial_values(graph: &Graph, seed: u32) -> Vec<Vec<f32>> {
    graph.params.iter().map(|param| filled(param, |tensor| initial(tensor, seed))).collect()
}

/// The closed-form weights of the known answers: a hash of name and index, scaled by what the tensor is.
///
/// 1-D `…weight` is 1 + 0.2 r, other 1-D or `…bias` 0.1 r, the rest 0.3 r, with r in [-1, 1).
#[must_use]
pub fn known_answer_values(param: &Param) -> Vec<f32> {
    filled(param, hashed)
}

fn filled(param: &Param, values: impl Fn(&NamedTensor) -> Vec<f32>) -> Vec<f32> {
    // Which parameter it is does not matter here.
    param.tensors(ParamId(0)).iter().flat_map(values).collect()
}

fn initial(tensor: &NamedTensor, seed: u32) -> Vec<f32> {
    let n = tensor.shape.elements();
    match tensor.init {
        Init::Ones => vec![1.0; n],
        Init::Zeros => vec![0.0; n],
        Init::Normal { std } => normal(tensor, std, seed),
        Init::Padded { std, row } => {
            let mut values = normal(tensor, std, seed);
            let columns = tensor.shape.columns();
            if let Some(row) = values.chunks_exact_mut(columns).nth(row as usize) {
                row.fill(0.0);
            }
            values
        }
    }
}

fn normal(tensor: &NamedTensor, std: f64, seed: u32) -> Vec<f32> {
    let (n, name) = (tensor.shape.elements(), rng::fnv1a32(&tensor.name));
    let quads = (0..n.div_ceil(4)).flat_map(|quad| {
        rng::normals(rng::pcg4d([quad as u32, name, Stream::Init as u32, seed])).map(|z| (z * std) as f32)
    });
    quads.take(n).collect()
}

fn hashed(tensor: &NamedTensor) -> Vec<f32> {
    let hash = rng::fnv1a32(&tensor.name);
    let vector = tensor.shape.dims().len() == 1;
    let value = |j: usize| {
        let x = fmix32(hash.wrapping_add((j as u32).wrapping_mul(0x9E37_79B9)));
        let r = f64::from(x >> 8) / 16_777_216.0 * 2.0 - 1.0;
        let value = if vector && tensor.name.ends_with("weight") {
            1.0 + 0.2 * r
        } else if vector || tensor.name.ends_with("bias") {
            0.1 * r
        } else {
            0.3 * r
        };
        value as f32
    };
    (0..tensor.shape.elements()).map(value).collect()
}

/// The finalizer of MurmurHash3.
const fn fmix32(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ (h >> 16)
}
