/// How a case went, with the sentence that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Every quantity lies within its gate; names the one closest to it.
    Pass(String),
    /// At least one does not; names the first.
    Fail(String),
    /// This build does not implement what the case is about.
    Skip(String),
}

/// The quantity of a case that is closest to its gate, or farthest past it.
#[derive(Clone, PartialEq, Debug)]
pub struct Worst {
    /// What it is, by the file's name for it.
    pub quantity: String,
    /// Distance from the known answer; not a number where the result is none.
    pub error: f64,
    /// The largest distance that passes.
    pub gate: f64,
}

/// A case and how it went.
#[derive(Clone, PartialEq, Debug)]
pub struct CaseResult {
    /// Name in the file.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
    /// Its worst quantity, where numbers were compared.
    pub worst: Option<Worst>,
}

/// Why a case was not compared to its end.
pub(super) enum Stopped {
    /// What it is about is not implemented.
    Unknown(String),
    /// It cannot be read, or not be computed.
    Fault(String),
}

impl From<String> for Stopped {
    fn from(fault: String) -> Self {
        Self::Fault(fault)
    }
}

impl From<&str> for Stopped {
    fn from(fault: &str) -> Self {
        Self::Fault(fault.to_owned())
    }
}

impl From<Stopped> for Outcome {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Unknown(what) => Self::Skip(what),
            Stopped::Fault(fault) => Self::Fail(fault),
        }
    }
}
