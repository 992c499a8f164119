use core::fmt;

use super::Dtype;

/// Names that a message lists of each kind; the rest is counted.
const LISTED: usize = 4;

/// How the tensors of a checkpoint met the parameters of a graph. Parameters go by the graph's names, tensors that are
/// none by the file's.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Parameters that the checkpoint has.
    pub loaded: Vec<String>,
    /// Parameters that it lacks.
    pub missing: Vec<String>,
    /// Tensors that the graph has no use for, such as another task's head.
    pub unexpected: Vec<String>,
    /// Parameters that it has in another shape.
    pub wrong_shape: Vec<WrongShape>,
    /// Buffers, copies of tied weights, and zeros for biases that the graph does not have.
    pub ignored: Vec<String>,
    /// Loaded parameters that are not stored in single precision.
    pub cast: Vec<(String, Dtype)>,
}

/// A parameter that the checkpoint has in another shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrongShape {
    /// Its name in the graph.
    pub name: String,
    /// Its shape in the file.
    pub found: Vec<usize>,
    /// Its shape in the graph.
    pub wanted: Vec<usize>,
}

impl fmt::Display for WrongShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} instead of {:?}", self.name, self.found, self.wanted)
    }
}

/// What must be there, and what must not. A tensor of another shape is never loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strictness {
    /// Every parameter, and nothing that is none: a run that goes on.
    Exact,
    /// Every parameter: a model that is used as it is.
    Complete,
    /// Whatever fits, the caller sets the rest: fine-tuning with a new head. A head for another number of labels counts
    /// as missing, but something has to fit.
    Partial,
}

impl Report {
    /// Whether the checkpoint may be loaded.
    #[must_use]
    pub fn satisfies(&self, strictness: Strictness) -> bool {
        let complete = strictness == Strictness::Partial || self.missing.is_empty();
        let exact = strictness != Strictness::Exact || self.unexpected.is_empty();
        complete && exact && self.wrong_shape.is_empty()
    }

    /// What keeps it from being loaded.
    pub(super) fn faults(&self, strictness: Strictness) -> String {
        let mut parts = Vec::new();
        if strictness != Strictness::Partial && !self.missing.is_empty() {
            parts.push(format!("missing: {}", some(&self.missing)));
        }
        if strictness == Strictness::Exact && !self.unexpected.is_empty() {
            parts.push(format!("unexpected: {}", some(&self.unexpected)));
        }
        if !self.wrong_shape.is_empty() {
            parts.push(format!("of another shape: {}", some(&self.wrong_shape)));
        }
        parts.join("; ")
    }

    /// The types that were converted, with their numbers, in order of appearance.
    fn conversions(&self) -> Vec<(Dtype, usize)> {
        let mut counts: Vec<(Dtype, usize)> = Vec::new();
        for &(_, dtype) in &self.cast {
            match counts.iter_mut().find(|(other, _)| *other == dtype) {
                Some((_, count)) => *count += 1,
                None => counts.push((dtype, 1)),
            }
        }
        counts
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.loaded.len() + self.missing.len() + self.wrong_shape.len();
        write!(f, "{} of {total} parameters are loaded", self.loaded.len())?;
        for (i, (dtype, count)) in self.conversions().into_iter().enumerate() {
            let lead = if i == 0 { "; converted to F32: " } else { ", " };
            write!(f, "{lead}{count} from {}", dtype.name())?;
        }
        f.write_str(".")?;
        if !self.missing.is_empty() {
            write!(f, " The checkpoint lacks {}.", some(&self.missing))?;
        }
        if !self.wrong_shape.is_empty() {
            write!(f, " Of another shape: {}.", some(&self.wrong_shape))?;
        }
        if !self.unexpected.is_empty() {
            write!(f, " This model does not use {}.", some(&self.unexpected))?;
        }
        match self.ignored.len() {
            0 => Ok(()),
            1 => f.write_str(" 1 buffer or copy of a tied weight is ignored."),
            n => write!(f, " {n} buffers and copies of tied weights are ignored."),
        }
    }
}

/// The first items, and how many more there are.
fn some<T: fmt::Display>(items: &[T]) -> String {
    let listed: Vec<String> = items.iter().take(LISTED).map(T::to_string).collect();
    match items.len().saturating_sub(LISTED) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}
