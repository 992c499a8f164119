use super::fit::{Fit, assemble, put, wanted};
use super::safetensors::{Named, SafetensorsError, read, write};
use super::{Report, Strictness};
use crate::ir::{Graph, NamedTensor};
use crate::models::Family;

/// Weights that cannot be read, or do not belong to a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// The bytes are wrong.
    #[error(transparent)]
    Bytes(#[from] SafetensorsError),
    /// A file of a directory is wrong.
    #[error("{file}: {error}")]
    File {
        /// Its name.
        file: String,
        /// What is wrong with it.
        error: SafetensorsError,
    },
    /// A file cannot be read or written.
    #[error("{file} cannot be {verb}: {what}")]
    Io {
        /// Its name.
        file: String,
        /// What was tried: `read` or `written`.
        verb: &'static str,
        /// The system's words.
        what: String,
    },
    /// A directory without weights.
    #[error("there is no model.safetensors{}", if *pickled { "; pytorch_model.bin is not read, convert it to safetensors" } else { "" })]
    NoWeights {
        /// Whether there are weights of the form that can run programs.
        pickled: bool,
    },
    /// The index of a checkpoint of several files is not what the format says.
    #[error("model.safetensors.index.json: {0}")]
    Index(String),
    /// The index names a file that is not there.
    #[error("{file} is missing; the index places {tensors} tensors in it, the first is {first:?}")]
    MissingShard {
        /// The file.
        file: String,
        /// How many tensors are in it.
        tensors: usize,
        /// One of them.
        first: String,
    },
    /// The index names a tensor that its file does not have.
    #[error("the index places tensor {tensor:?} in {file}, which does not have it")]
    AbsentTensor {
        /// The tensor.
        tensor: String,
        /// The file.
        file: String,
    },
    /// Two files have one tensor.
    #[error("tensor {tensor:?} is in {first} and in {second}")]
    TwoFiles {
        /// The tensor.
        tensor: String,
        /// A file.
        first: String,
        /// Another file.
        second: String,
    },
    /// Tensors are missing, unexpected or of another shape; nothing was loaded.
    #[error("the weights do not fit the configuration: {}", report.faults(*strictness))]
    Fit {
        /// All that was found.
        report: Box<Report>,
        /// What was asked for.
        strictness: Strictness,
    },
    /// A checkpoint of something else.
    #[error("none of the {tensors} tensors is a parameter of this {family} model; the first is {tensor:?}")]
    Foreign {
        /// The model's family.
        family: &'static str,
        /// How many tensors there are.
        tensors: usize,
        /// One of them; empty where there is none.
        tensor: String,
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
    /// A tensor does not fit into memory.
    #[error("tensor {name:?} needs {bytes} bytes of memory, which are not there")]
    Memory {
        /// The tensor.
        name: String,
        /// Its bytes in single precision.
        bytes: u64,
    },
}

/// The tensors that a checkpoint of a graph holds: its parameters under their names, and zeros for the biases that
/// Hugging Face's class cannot do without, so that it computes the same.
#[derive(Clone, PartialEq, Debug)]
pub struct Exported<'a> {
    own: Vec<NamedTensor>,
    parameters: &'a [Vec<f32>],
    zeros: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl<'a> Exported<'a> {
    /// The tensors of a graph with these values, in its order.
    #[must_use]
    pub fn new(family: Family, graph: &Graph, parameters: &'a [Vec<f32>]) -> Self {
        let own = graph.tensors();
        let zeros = |tensor: &NamedTensor| {
            let bias = family.constant_bias(&tensor.name)?;
            let columns = tensor.shape.columns();
            let absent = own.iter().all(|other| other.name != bias);
            absent.then(|| (bias, vec![columns], vec![0.0; columns]))
        };
        let zeros = own.iter().filter_map(zeros).collect();
        Self { own, parameters, zeros }
    }

    /// All of them, to write.
    #[must_use]
    pub fn named(&self) -> Vec<Named<'_>> {
        let own = self.own.iter().map(|tensor| {
            let values = self.parameters.get(tensor.param.index()).and_then(|p| p.get(tensor.range.clone()));
            (tensor.name.as_str(), tensor.shape.dims(), values.unwrap_or_default())
        });
        let zeros = self.zeros.iter().map(|(name, shape, data)| (name.as_str(), shape.as_slice(), data.as_slice()));
        own.chain(zeros).collect()
    }
}

/// A `model.safetensors` of a graph.
#[must_use]
pub fn export_weights(family: Family, graph: &Graph, parameters: &[Vec<f32>]) -> Vec<u8> {
    write(&Exported::new(family, graph, parameters).named())
}

/// Whether every weight is finite: what is not never becomes a checkpoint.
///
/// # Errors
/// With the first tensor that holds others.
pub(super) fn check_finite(graph: &Graph, parameters: &[Vec<f32>]) -> Result<(), WeightsError> {
    graph.params.iter().zip(parameters).try_for_each(|(param, values)| finite(&param.name, values))
}

pub(super) fn finite(name: &str, values: &[f32]) -> Result<(), WeightsError> {
    let bad = |v: &&f32| !v.is_finite();
    match values.iter().position(|v| bad(&v)) {
        Some(first) => {
            let count = values.iter().filter(bad).count();
            Err(WeightsError::NonFinite { name: name.to_owned(), count, first })
        }
        None => Ok(()),
    }
}

/// The parameters of a graph, in its order, from a `model.safetensors` in memory that holds nothing else.
///
/// # Errors
/// When the file is malformed, does not fit [`Strictness::Exact`], or holds a weight that is not finite.
pub fn import_weights(family: Family, graph: &Graph, file: &[u8]) -> Result<Vec<Vec<f32>>, WeightsError> {
    let tensors = read(file)?.0;
    let named = graph.tensors();
    let mut fit = Fit::new(family, &wanted(&named), &tensors.iter().map(|tensor| &tensor.entry).collect::<Vec<_>>());
    for at in std::mem::take(&mut fit.zeros) {
        fit.settle(&tensors[at].entry.name, &tensors[at].to_f32()?);
    }
    fit.check(Strictness::Exact)?;
    let mut parameters = assemble(graph);
    for &(at, wanted) in &fit.loads {
        let values = tensors[at].to_f32()?;
        finite(&named[wanted].name, &values)?;
        put(&mut parameters, &named[wanted], values);
    }
    Ok(parameters)
}
