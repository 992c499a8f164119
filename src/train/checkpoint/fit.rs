use std::collections::{HashMap, HashSet};

use super::report::WrongShape;
use super::safetensors::Entry;
use super::{Dtype, Report, Strictness, WeightsError};
use crate::ir::{Graph, NamedTensor};
use crate::models::Family;

/// A parameter to load: name and shape.
pub type Wanted<'a> = (&'a str, &'a [usize]);

/// The tensors of a graph, to be asked for.
#[must_use]
pub fn wanted(tensors: &[NamedTensor]) -> Vec<Wanted<'_>> {
    tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.dims())).collect()
}

/// Zeros for every parameter of a graph, to put its tensors into.
#[must_use]
pub fn assemble(graph: &Graph) -> Vec<Vec<f32>> {
    // A parameter that is one tensor takes the tensor's own memory.
    graph.params.iter().map(|p| if p.parts.is_empty() { Vec::new() } else { vec![0.0; p.shape.elements()] }).collect()
}

/// Puts a tensor into the parameter that holds it.
pub fn put(parameters: &mut [Vec<f32>], tensor: &NamedTensor, values: Vec<f32>) {
    let Some(parameter) = parameters.get_mut(tensor.param.index()) else { return };
    match parameter.get_mut(tensor.range.clone()) {
        Some(place) if place.len() == values.len() => place.copy_from_slice(&values),
        Some(_) | None => *parameter = values,
    }
}

/// Which tensor becomes which parameter, known before any number is read.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Fit {
    /// Position of the tensor, position of the parameter; in the order of the tensors.
    pub loads: Vec<(usize, usize)>,
    /// Positions of tensors that may be ignored if they are all zero.
    pub zeros: Vec<usize>,
    /// The rest of the story. Tensors of [`Self::zeros`] are not in it.
    pub report: Report,
}

impl Fit {
    /// Matches the tensors of a file with the parameters of a graph.
    ///
    /// A tensor of exactly the parameter's name comes first, then one whose name differs in what a family tolerates,
    /// then a copy that is tied to it.
    pub fn new(family: Family, wanted: &[Wanted<'_>], found: &[&Entry]) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, entry) in found.iter().enumerate() {
            by_name.entry(family.plain(&entry.name).into_owned()).or_default().push(at);
        }
        let parameters: HashSet<String> = wanted.iter().map(|(name, _)| family.plain(name).into_owned()).collect();
        // For each tied weight a tensor that repeats it and is no parameter itself; the first by name.
        let mut copies: HashMap<&str, usize> = HashMap::new();
        for (at, entry) in found.iter().enumerate() {
            let plain = family.plain(&entry.name);
            if let Some(original) = family.original_of(&plain).filter(|_| !parameters.contains(plain.as_ref())) {
                let first = copies.entry(original).or_insert(at);
                if entry.name < found[*first].name {
                    *first = at;
                }
            }
        }
        let mut fit = Self::default();
        let mut used = HashSet::new();
        for (parameter, &(name, shape)) in wanted.iter().enumerate() {
            let plain = family.plain(name);
            let same = by_name.get(plain.as_ref()).map(Vec::as_slice).unwrap_or_default();
            let exact = same.iter().find(|&&at| found[at].name == name);
            let Some(&at) = exact.or(same.first()).or_else(|| copies.get(plain.as_ref())) else {
                fit.report.missing.push(name.to_owned());
                continue;
            };
            used.insert(at);
            let Entry { shape: other, .. } = found[at];
            if other == shape {
                fit.loads.push((at, parameter));
            } else {
                let (name, found, wanted) = (name.to_owned(), other.clone(), shape.to_vec());
                fit.report.wrong_shape.push(WrongShape { name, found, wanted });
            }
        }
        fit.loads.sort_unstable();
        for &(at, parameter) in &fit.loads {
            let name = wanted[parameter].0.to_owned();
            if found[at].dtype != Dtype::F32 {
                fit.report.cast.push((name.clone(), found[at].dtype));
            }
            fit.report.loaded.push(name);
        }
        let biases: HashSet<String> = parameters.iter().filter_map(|name| family.constant_bias(name)).collect();
        for (at, entry) in found.iter().enumerate().filter(|(at, _)| !used.contains(at)) {
            let plain = family.plain(&entry.name);
            let name = entry.name.clone();
            if parameters.contains(plain.as_ref()) {
                fit.report.unexpected.push(name);
            } else if family.is_buffer(&plain) || family.original_of(&plain).is_some() {
                fit.report.ignored.push(name);
            } else if biases.contains(plain.as_ref()) && entry.dtype.is_read() {
                fit.zeros.push(at);
            } else {
                fit.report.unexpected.push(name);
            }
        }
        fit
    }

    /// Treats a head for another number of labels as one that is not there: another task's is of no use.
    pub fn leave_heads(&mut self, family: Family) {
        let (heads, rest) = std::mem::take(&mut self.report.wrong_shape)
            .into_iter()
            .partition(|wrong| family.counts_labels(&family.plain(&wrong.name)));
        self.report.wrong_shape = rest;
        let heads: Vec<WrongShape> = heads;
        self.report.missing.extend(heads.into_iter().map(|wrong| wrong.name));
    }

    /// Files a tensor of [`Self::zeros`] under what its numbers say.
    pub fn settle(&mut self, name: &str, values: &[f32]) {
        let zero = values.iter().all(|&value| value == 0.0);
        let list = if zero { &mut self.report.ignored } else { &mut self.report.unexpected };
        list.push(name.to_owned());
    }

    /// That the checkpoint may be loaded.
    pub fn check(&self, strictness: Strictness) -> Result<(), WeightsError> {
        if self.report.satisfies(strictness) {
            return Ok(());
        }
        Err(WeightsError::Fit { report: Box::new(self.report.clone()), strictness })
    }
}
