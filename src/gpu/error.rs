//! What can go wrong on a device, as one closed enum with stable codes.
//!
//! A sentence names the thing, its place and the limit; the page and the command line show it as it is and decide by
//! [`GpuError::code`], never by parsing it.

use core::fmt;

use crate::kernels::KernelError;

/// What the two numbers of a [`GpuError::Limit`] count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Bytes, shown in MiB.
    Bytes,
    /// Anything else.
    Count,
}

/// A device, or a request to it, that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// Nothing here can run compute shaders.
    #[error("no GPU adapter found: {searched}. {remedy}")]
    NoAdapter {
        /// Where it was looked for.
        searched: String,
        /// What to install or enable.
        remedy: &'static str,
    },
    /// The adapter asked for by name is not there.
    #[error("no adapter is called {wanted:?}; available: {}", Names(available))]
    NoSuchAdapter {
        /// Part of a name.
        wanted: String,
        /// The names there are.
        available: Vec<String>,
    },
    /// The adapter would not open.
    #[error("{adapter} did not open: {reason}")]
    Device {
        /// The adapter's name.
        adapter: String,
        /// What the driver or browser says.
        reason: String,
    },
    /// The plan asks for more than the device allows. Nothing was allocated.
    #[error("{what}: {}", Needed { needed: *needed, limit: *limit, unit: *unit })]
    Limit {
        /// What is limited, and where in the plan.
        what: String,
        /// What the plan needs.
        needed: u64,
        /// What the device allows.
        limit: u64,
        /// What is counted.
        unit: Unit,
    },
    /// The device is gone, and with it every result that has not been read.
    #[error("the GPU device was lost (generation {generation}): {reason}")]
    Lost {
        /// Which device of this process.
        generation: u32,
        /// What the driver or browser says.
        reason: String,
    },
    /// A call broke a rule of WebGPU: always a defect of this program.
    #[error("WebGPU rejected {label}: {message}")]
    Validation {
        /// The object or operation.
        label: String,
        /// What the driver or browser says.
        message: String,
    },
    /// The device has no memory left for it.
    #[error("the GPU is out of memory for {label}: {message}")]
    OutOfMemory {
        /// The object or operation.
        label: String,
        /// What the driver or browser says.
        message: String,
    },
    /// The driver failed at something legal, for instance at compiling a shader.
    #[error("the GPU driver failed at {label}: {message}")]
    Internal {
        /// The object or operation.
        label: String,
        /// What the driver or browser says.
        message: String,
    },
    /// A result could not be read although the device is alive.
    #[error("{label} could not be read back: {message}")]
    Map {
        /// The object or operation.
        label: String,
        /// What the driver or browser says.
        message: String,
    },
    /// As many submits are in flight as there are staging buffers: finish one first.
    #[error("{in_flight} submits are in flight already; finish one first")]
    Busy {
        /// How many.
        in_flight: usize,
    },
    /// The data handed over does not fit the plan, or the plan does not fit itself.
    #[error("{what}")]
    Mismatch {
        /// What does not fit, where, and what would.
        what: String,
    },
    /// A launch and its shader file do not fit.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

impl GpuError {
    /// A stable name of the kind of failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoAdapter { .. } => "no-adapter",
            Self::NoSuchAdapter { .. } => "no-such-adapter",
            Self::Device { .. } => "device",
            Self::Limit { .. } => "limit",
            Self::Lost { .. } => "lost",
            Self::Validation { .. } => "validation",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::Internal { .. } => "internal",
            Self::Map { .. } => "map",
            Self::Busy { .. } => "busy",
            Self::Mismatch { .. } => "mismatch",
            Self::Kernel(_) => "kernel",
        }
    }
}

/// Both numbers of a limit.
struct Needed {
    needed: u64,
    limit: u64,
    unit: Unit,
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, limit, unit } = self;
        match unit {
            Unit::Bytes => write!(f, "{} needed, this device allows {}", Mib(*needed), Mib(*limit)),
            Unit::Count => write!(f, "{needed} needed, this device allows {limit}"),
        }
    }
}

/// Bytes as MiB with two digits; rounded up in the last one, so that a need just above a limit never reads as equal.
pub(super) struct Mib(pub(super) u64);

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (u128::from(self.0) * 100).div_ceil(1 << 20);
        write!(f, "{}.{:02} MiB", hundredths / 100, hundredths % 100)
    }
}

/// Names in quotes, or that there are none.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "none");
        }
        for (i, name) in self.0.iter().enumerate() {
            write!(f, "{}{name:?}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
