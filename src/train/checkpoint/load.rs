//! The weights of a checkpoint, read one tensor at a time.
//!
//! [`Weights::open`] reads headers only; [`Weights::load`] matches them with the parameters that are wanted, refuses
//! what does not fit, and only then reads numbers. So the peak is one tensor, a buffer of a fixed size, and what the
//! caller keeps.

use std::collections::HashMap;
use std::io;

use super::fit::{Fit, Wanted};
use super::index::Index;
use super::safetensors::{Entry, SafetensorsError, header_length, parse_header};
use super::weights::finite;
use super::{Directory, INDEX, Report, Source, Strictness, WEIGHTS, WeightsError};
use crate::models::Family;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;
/// Weights that run programs when they are read; only named.
const PICKLED: &str = "pytorch_model.bin";

/// The weights of a checkpoint: one file, or several with an index.
#[derive(Debug)]
pub struct Weights<S> {
    shards: Vec<(String, S)>,
    /// Position in `shards`, place in that file; in the order in which reading them is fastest.
    tensors: Vec<(usize, Entry)>,
}

impl<S: Source> Weights<S> {
    /// Opens the weights of a directory: `model.safetensors`, or the files of `model.safetensors.index.json`.
    ///
    /// # Errors
    /// When there are none, a file is malformed or missing, or index and files contradict each other.
    pub async fn open<D: Directory<Source = S>>(directory: &D) -> Result<Self, WeightsError> {
        let open = async |name: &str| directory.open(name).await.map_err(|error| unreadable(name, &error));
        if let Some(file) = open(WEIGHTS).await? {
            return Self::of_files(vec![(WEIGHTS.to_owned(), file)]).await;
        }
        let Some(index) = open(INDEX).await? else {
            return Err(WeightsError::NoWeights { pickled: open(PICKLED).await?.is_some() });
        };
        let index = Index::read(&index).await?;
        let mut files = Vec::new();
        for (name, tensors) in index.files() {
            let Some(file) = open(name).await? else {
                let first = tensors.first().copied().unwrap_or_default().to_owned();
                return Err(WeightsError::MissingShard { file: name.to_owned(), tensors: tensors.len(), first });
            };
            files.push((name.to_owned(), file));
        }
        let weights = Self::of_files(files).await?;
        let places: HashMap<&str, &str> =
            weights.tensors.iter().map(|(at, entry)| (entry.name.as_str(), weights.shards[*at].0.as_str())).collect();
        match index.tensors().find(|(tensor, file)| places.get(tensor) != Some(file)) {
            Some((tensor, file)) => {
                Err(WeightsError::AbsentTensor { tensor: tensor.to_owned(), file: file.to_owned() })
            }
            None => Ok(weights),
        }
    }

    /// Opens safetensors files by themselves, with their names for messages.
    ///
    /// # Errors
    /// When one is malformed, or two have one tensor.
    pub async fn of_files(shards: Vec<(String, S)>) -> Result<Self, WeightsError> {
        let mut tensors = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (at, (file, source)) in shards.iter().enumerate() {
            for entry in entries(file, source).await? {
                if let Some(first) = places.insert(entry.name.clone(), at) {
                    let (first, second) = (shards[first].0.clone(), file.clone());
                    return Err(WeightsError::TwoFiles { tensor: entry.name, first, second });
                }
                tensors.push((at, entry));
            }
        }
        Ok(Self { shards, tensors })
    }

    /// What there is: names, types, shapes, places.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.tensors.iter().map(|(_, entry)| entry)
    }

    /// Loads what fits into `sink`, which gets the position of a parameter in `wanted` and its values, in the order in
    /// which the files hold them. What is missing is left to the caller.
    ///
    /// # Errors
    /// Before the first value when the checkpoint does not satisfy `strictness`, or stores a weight as integers; later
    /// when a file cannot be read, a weight is not finite, or the sink fails. What the sink has by then is no model.
    pub async fn load<E: From<WeightsError>>(
        &self,
        family: Family,
        wanted: &[Wanted<'_>],
        strictness: Strictness,
        mut sink: impl FnMut(usize, Vec<f32>) -> Result<(), E>,
    ) -> Result<Report, E> {
        let found: Vec<&Entry> = self.entries().collect();
        let mut fit = Fit::new(family, wanted, &found);
        for at in std::mem::take(&mut fit.zeros) {
            fit.settle(&found[at].name, &self.read(at).await?);
        }
        if strictness == Strictness::Partial {
            fit.leave_heads(family);
            if fit.loads.is_empty() && fit.report.wrong_shape.is_empty() {
                let tensor = found.first().map(|entry| entry.name.clone()).unwrap_or_default();
                return Err(WeightsError::Foreign { family: family.name(), tensors: found.len(), tensor }.into());
            }
        }
        fit.check(strictness)?;
        for &(at, _) in &fit.loads {
            found[at].check_read().map_err(|error| self.fault(at, error))?;
        }
        for &(at, parameter) in &fit.loads {
            let values = self.read(at).await?;
            finite(wanted[parameter].0, &values)?;
            sink(parameter, values)?;
        }
        Ok(fit.report)
    }

    /// The values of the tensor at this position of [`Self::entries`].
    async fn read(&self, at: usize) -> Result<Vec<f32>, WeightsError> {
        let (shard, entry) = &self.tensors[at];
        let (file, source) = &self.shards[*shard];
        entry.check_read().map_err(|error| self.fault(at, error))?;
        let elements = ((entry.end - entry.begin) / entry.dtype.bytes()) as usize;
        let mut values = Vec::new();
        let memory = |_| WeightsError::Memory { name: entry.name.clone(), bytes: elements as u64 * 4 };
        values.try_reserve_exact(elements).map_err(memory)?;
        let mut buffer = vec![0; CHUNK.min((entry.end - entry.begin) as usize)];
        let mut begin = entry.begin;
        while begin < entry.end {
            let length = (entry.end - begin).min(CHUNK as u64) as usize;
            source.read_at(begin, &mut buffer[..length]).await.map_err(|error| unreadable(file, &error))?;
            entry.dtype.decode(&buffer[..length], &mut values);
            begin += length as u64;
        }
        Ok(values)
    }

    fn fault(&self, at: usize, error: SafetensorsError) -> WeightsError {
        WeightsError::File { file: self.shards[self.tensors[at].0].0.clone(), error }
    }
}

/// The header of a file.
async fn entries<S: Source>(file: &str, source: &S) -> Result<Vec<Entry>, WeightsError> {
    let fault = |error| WeightsError::File { file: file.to_owned(), error };
    let size = source.size();
    if size < 8 {
        return Err(fault(SafetensorsError::Truncated { found: size, needed: 8 }));
    }
    let mut first = [0; 8];
    source.read_at(0, &mut first).await.map_err(|error| unreadable(file, &error))?;
    let mut header = vec![0; header_length(first, size).map_err(fault)?];
    source.read_at(8, &mut header).await.map_err(|error| unreadable(file, &error))?;
    parse_header(&header, size).map_err(fault)
}

pub(super) fn unreadable(file: &str, error: &io::Error) -> WeightsError {
    WeightsError::Io { file: file.to_owned(), verb: "read", what: error.to_string() }
}
