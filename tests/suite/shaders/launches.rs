//! Launches of every wrapper: each entry point, each flag, odd extents and the extents of real models.

use trainyard::{
    ir::{AttentionShape, Bias, Dropout, ElementLoss, Epilogue, Mask, NormKind},
    kernels::{
        KernelError, Launch, Target, adafactor, attention, columns, copy, cross_entropy, element_loss, elementwise,
        embedding, gated, matmul, muon, norm, optimizer, record, rotate, rows, stage, sum,
    },
};

use crate::cases::attention::{Shape, combinations};
use crate::cases::ops::ACTIVATIONS;

const DROPOUT: Dropout = Dropout { p: 0.1, site: 7 };

/// All of them for one target.
pub fn all(target: Target) -> Result<Vec<Launch>, KernelError> {
    let mut launches = matmuls(target)?;
    launches.extend(pointwise(target)?);
    launches.extend(movements(target)?);
    launches.extend(attentions(target)?);
    for kind in [NormKind::Layer, NormKind::Rms] {
        for (rows, columns) in [(1, 1), (7, 5), (256, 64), (16_384, 384)] {
            let spec = norm::Norm { rows, columns, kind };
            launches.extend([
                norm::forward(&spec, 1e-12, true, target)?,
                norm::forward(&spec, 1e-6, false, target)?,
                norm::grad(&spec, target)?,
                norm::grad_add(&spec, target)?,
                norm::param_grad(&spec, true, target)?,
                norm::param_grad(&spec, false, target)?,
            ]);
        }
    }
    for (rows, classes, smoothing) in [(1, 1, 0.0), (5, 3, 0.1), (768, 65, 0.0), (1024, 50_257, 0.1)] {
        let spec = cross_entropy::CrossEntropy { rows, classes, smoothing };
        launches.extend([
            cross_entropy::rows(&spec, target)?,
            cross_entropy::both(&spec, target)?,
            cross_entropy::grad(&spec, target)?,
            sum::total(rows, target)?,
        ]);
    }
    launches.extend(optimizers(target)?);
    launches.extend([record::loss(8, target)?, stage::copy(77, 4, target)?, stage::copy(1 << 20, 16, target)?]);
    Ok(launches)
}

fn optimizers(target: Target) -> Result<Vec<Launch>, KernelError> {
    let mut launches = Vec::new();
    for arena in [64, 107_904, 124_439_808] {
        launches.extend([
            optimizer::accumulate(arena, target)?,
            optimizer::norm_partials(arena, target)?,
            optimizer::finish(arena, 8, target)?,
        ]);
    }
    for (skip, length) in [(0, 64), (63, 1), (17, 107_904), (0, 124_439_808)] {
        let window = optimizer::Window { skip, length, decayed: length / 2 };
        launches.extend([
            optimizer::adamw(&window, [0.9, 0.999], 1e-8, target)?,
            optimizer::sgd(&window, 0.9, target)?,
            optimizer::lion(&window, [0.9, 0.99], target)?,
        ]);
    }
    for (skip, rows, columns) in [(0, 1, 1), (63, 5, 3), (0, 64, 192), (17, 50_257, 768)] {
        let decay = rows > 1;
        let spec = adafactor::Adafactor { skip, rows, columns, decay, eps: 1e-30, clip_threshold: 1.0 };
        launches.extend([
            adafactor::rows(&spec, target)?,
            adafactor::columns(&spec, target)?,
            adafactor::norm(&spec, target)?,
            adafactor::apply(&spec, target)?,
            adafactor::vector(&adafactor::Adafactor { rows: 1, ..spec }, target)?,
        ]);
        let matrix = muon::Matrix { skip, rows, columns };
        launches.extend([
            muon::momentum(&matrix, 0.95, target)?,
            muon::normalize(&matrix, 1e-7, target)?,
            muon::polynomial(rows.min(columns), [3.4445, -4.775, 2.0315], target)?,
            muon::apply(&matrix, 1.5, target)?,
        ]);
    }
    Ok(launches)
}

fn matmuls(target: Target) -> Result<Vec<Launch>, KernelError> {
    let mut variants = vec![matmul::Variant::WeightBias];
    for bias in [false, true] {
        let mut epilogues = vec![
            Epilogue::None,
            Epilogue::Residual { dropout: None },
            Epilogue::Residual { dropout: Some(DROPOUT) },
            Epilogue::Residual { dropout: Some(Dropout { p: 1.0, site: 0 }) },
        ];
        for f in ACTIVATIONS {
            epilogues.extend([true, false].map(|save| Epilogue::Activation { f, save }));
        }
        variants.extend(epilogues.into_iter().map(|epilogue| matmul::Variant::Linear { bias, epilogue }));
    }
    variants.extend(ACTIVATIONS.map(matmul::Variant::ActivationGrad));
    let mut launches = Vec::new();
    for variant in variants {
        for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
            launches.push(matmul::launch(&matmul::MatMul { m: 13, n: 67, k: 5, ta, tb, variant }, target)?);
        }
    }
    for (m, n, k) in [
        (1, 1, 1),
        (256, 3, 64),
        (3, 256, 64),
        (256, 65, 64),
        (4096, 50_257, 768),
        (768, 3072, 4096),
        (384, 384, 1001),
        (65, 64, 256),
    ] {
        let variant = matmul::Variant::PLAIN;
        launches.push(matmul::launch(&matmul::MatMul { m, n, k, ta: false, tb: true, variant }, target)?);
        launches.push(matmul::launch(&matmul::MatMul { m, n, k, ta: true, tb: false, variant }, target)?);
        let variant = matmul::Variant::WeightBias;
        launches.push(matmul::launch(&matmul::MatMul { m, n, k, ta: true, tb: false, variant }, target)?);
    }
    Ok(launches)
}

fn pointwise(target: Target) -> Result<Vec<Launch>, KernelError> {
    let mut launches = Vec::new();
    for length in [1, 33, 65_536, 1 << 27] {
        launches.extend([elementwise::add(length, target)?, elementwise::scale(length, -0.125, target)?]);
        for f in ACTIVATIONS {
            launches.push(elementwise::activation(length, f, target)?);
            launches.push(elementwise::activation_grad(length, f, target)?);
        }
    }
    launches.extend([
        elementwise::dropout(3, 5, DROPOUT, target)?,
        elementwise::dropout(768, 128, DROPOUT, target)?,
        elementwise::dropout(1, 1, Dropout { p: 0.0, site: u32::MAX }, target)?,
    ]);
    for (rows, columns, period, first, table_rows) in
        [(6, 5, 3, 0, 4), (256, 192, 1, 0, 1), (256, 64, 32, 2, 34), (1, 1, 1, 0, 1)]
    {
        let table = rows::Table { rows, columns, period, first, table_rows };
        launches.extend([rows::add(&table, target)?, rows::sum(&table, target)?]);
    }
    for (rows, columns, count) in [(1, 1, 1), (65, 64, 256), (50_257, 768, 4096)] {
        let lookup = embedding::Lookup { rows, columns, count };
        launches.extend([
            embedding::forward(&lookup, target)?,
            embedding::grad(&lookup, target)?,
            embedding::grad_add(&lookup, target)?,
        ]);
    }
    Ok(launches)
}

/// What moves words, and what works on halves and pairs of columns.
fn movements(target: Target) -> Result<Vec<Launch>, KernelError> {
    let mut launches = Vec::new();
    for (rows, width, start, count) in [(1, 1, 0, 1), (5, 7, 2, 3), (16_384, 2304, 768, 768)] {
        let range = columns::Range { rows, width, start, count };
        launches.extend([columns::take(&range, target)?, columns::pad(&range, target)?]);
    }
    for (rows, columns, heads, head_dim, period) in [(1, 2, 1, 2, 1), (15, 11, 2, 4, 5), (4096, 1536, 12, 64, 1024)] {
        for inverse in [false, true] {
            let rotation = rotate::Rotation { rows, columns, heads, head_dim, period, inverse };
            launches.push(rotate::rotate(&rotation, target)?);
        }
    }
    for f in ACTIVATIONS {
        for (rows, half) in [(1, 1), (9, 33), (4096, 2048)] {
            launches.extend([gated::forward(rows, half, f, target)?, gated::grad(rows, half, f, target)?]);
        }
    }
    for kind in [ElementLoss::Squared, ElementLoss::Logistic] {
        for length in [1, 33, 65_536] {
            launches.extend([element_loss::terms(length, kind, target)?, element_loss::grad(length, kind, target)?]);
        }
    }
    for state in [[1, 1, 1], [3, 5, 7], [4, 1024, 768]] {
        launches.extend([copy::append(state, target)?, copy::whole(state.iter().product(), target)?]);
    }
    Ok(launches)
}

fn attentions(target: Target) -> Result<Vec<Launch>, KernelError> {
    let mut shapes = combinations();
    for extents in [[1, 1, 1, 1], [2, 5, 3, 3], [8, 33, 2, 5], [12, 64, 4, 32], [4, 1024, 12, 64]] {
        for (mask, masked) in [(Mask::Full, false), (Mask::Causal, true), (Mask::Banded { width: 256 }, false)] {
            let mut shape = Shape::packed(extents, mask).masked(masked);
            shapes.push(shape);
            (shape.spec.bias, shape.spec.dropout) = (Bias::Learned, Some(DROPOUT));
            shapes.push(shape);
        }
    }
    let mut launches = Vec::new();
    for Shape { spec, batch, queries, keys, head, .. } in shapes {
        let shape = AttentionShape { batch, queries, keys, head_dim: head };
        launches.extend([
            attention::forward(&spec, shape, target)?,
            attention::grad_queries(&spec, shape, target)?,
            attention::grad_keys(&spec, shape, target)?,
            attention::probs(&spec, shape, target)?,
        ]);
        if spec.bias != Bias::None {
            launches.push(attention::grad_deltas(&spec, shape, target)?);
            launches.push(attention::grad_bias(&spec, shape, target)?);
        }
    }
    Ok(launches)
}
