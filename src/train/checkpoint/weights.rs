use super::safetensors::{SafetensorsError, read, write};
use crate::ir::Graph;

/// Weights that do not belong to a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// The file itself is wrong.
    #[error(transparent)]
    File(#[from] SafetensorsError),
    /// Tensors are missing, unexpected or of another shape; nothing was loaded.
    #[error("the weights do not fit the configuration: {}", list(missing, unexpected, shapes))]
    Fit {
        /// Parameters that the file lacks.
        missing: Vec<String>,
        /// Tensors that the model lacks.
        unexpected: Vec<String>,
        /// Tensors of another shape: name, found, expected.
        shapes: Vec<(String, String, String)>,
    },
    /// A weight is infinite or not a number.
    #[error("tensor {name:?} holds {count} values that are not finite, the first at {first}")]
    NonFinite {
        /// The tensor.
        name: String,
        /// How many.
        count: usize,
        /// Flat index of the first.
        first: usize,
    },
}

/// Tensors that an error names of each kind; the rest is counted.
const LISTED: usize = 4;

fn list(missing: &[String], unexpected: &[String], shapes: &[(String, String, String)]) -> String {
    let shapes: Vec<String> =
        shapes.iter().map(|(name, found, expected)| format!("{name} {found} instead of {expected}")).collect();
    let lists = [("missing", missing), ("unexpected", unexpected), ("of another shape", &shapes)];
    let part = |(what, names): &(&str, &[String])| {
        let more = names.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{what}: {}{more}", names[..names.len().min(LISTED)].join(", "))
    };
    lists.iter().filter(|(_, names)| !names.is_empty()).map(part).collect::<Vec<_>>().join("; ")
}

/// A `model.safetensors` of a GPT-2 graph: its parameters under their names. A model without biases gets biases of
/// zero, so that Hugging Face's class, which cannot do without, computes the same.
#[must_use]
pub fn export_weights(graph: &Graph, parameters: &[Vec<f32>]) -> Vec<u8> {
    let mut zeros: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    for param in &graph.params {
        if let Some(bias) = absent_bias(graph, &param.name) {
            let columns = param.shape.columns();
            zeros.push((bias, vec![columns], vec![0.0; columns]));
        }
    }
    let own = graph.params.iter().zip(parameters);
    let own = own.map(|(p, data)| (p.name.as_str(), p.shape.dims(), data.as_slice()));
    let added = zeros.iter().map(|(name, shape, data)| (name.as_str(), shape.as_slice(), data.as_slice()));
    write(&own.chain(added).collect::<Vec<_>>())
}

/// Whether every weight is finite: what is not never becomes a checkpoint.
///
/// # Errors
/// With the first tensor that holds others.
pub(super) fn check_finite(graph: &Graph, parameters: &[Vec<f32>]) -> Result<(), WeightsError> {
    graph.params.iter().zip(parameters).try_for_each(|(param, values)| finite(&param.name, values))
}

fn finite(name: &str, values: &[f32]) -> Result<(), WeightsError> {
    let bad = |v: &&f32| !v.is_finite();
    match values.iter().position(|v| bad(&v)) {
        Some(first) => {
            let count = values.iter().filter(bad).count();
            Err(WeightsError::NonFinite { name: name.to_owned(), count, first })
        }
        None => Ok(()),
    }
}

/// The bias that Hugging Face expects beside `weight` and the graph does not have.
fn absent_bias(graph: &Graph, weight: &str) -> Option<String> {
    let stem = weight.strip_suffix(".weight")?;
    let layer = stem.rsplit('.').next()?;
    let bias = format!("{stem}.bias");
    let expected = layer.starts_with("c_") || layer.starts_with("ln_");
    (expected && !graph.params.iter().any(|p| p.name == bias)).then_some(bias)
}

/// The parameters of a graph from a `model.safetensors`, in its order.
///
/// Accepts files without the `transformer.` prefix, mask buffers (`attn.bias`, `attn.masked_bias`), a saved copy of a tied
/// head, and zero biases for a model without.
///
/// # Errors
/// When the file is malformed, a tensor is missing, unexpected or of another shape, or a weight is not finite.
pub fn import_weights(graph: &Graph, file: &[u8]) -> Result<Vec<Vec<f32>>, WeightsError> {
    let tensors = read(file)?;
    let full = |name: &str| {
        let known = name.starts_with("transformer.") || name.starts_with("lm_head.");
        if known { name.to_owned() } else { format!("transformer.{name}") }
    };
    let mut missing = Vec::new();
    let mut shapes = Vec::new();
    let mut parameters = Vec::with_capacity(graph.params.len());
    for param in &graph.params {
        let Some(tensor) = tensors.0.iter().find(|t| full(&t.name) == param.name) else {
            missing.push(param.name.clone());
            continue;
        };
        if tensor.shape != param.shape.dims() {
            shapes.push((param.name.clone(), format!("{:?}", tensor.shape), format!("{:?}", param.shape.dims())));
            continue;
        }
        let values = tensor.to_f32();
        finite(&param.name, &values)?;
        parameters.push(values);
    }
    let absent: Vec<String> = graph.params.iter().filter_map(|p| absent_bias(graph, &p.name)).collect();
    let unexpected: Vec<String> = tensors
        .0
        .iter()
        .filter(|t| {
            let name = full(&t.name);
            let buffer = name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
            let zero_bias = absent.contains(&name) && t.to_f32().iter().all(|&v| v == 0.0);
            !(buffer || zero_bias || name == "lm_head.weight" || graph.params.iter().any(|p| p.name == name))
        })
        .map(|t| t.name.clone())
        .collect();
    if missing.is_empty() && unexpected.is_empty() && shapes.is_empty() {
        Ok(parameters)
    } else {
        Err(WeightsError::Fit { missing, unexpected, shapes })
    }
}
