use core::fmt;

use crate::ir::Dropout;

/// How a launch uses a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`, of which every element that a reader will see is written and none is read.
    Write,
    /// `var<storage, read_write>`, read and updated in place.
    ReadWrite,
}

/// An entry point and the buffers it binds in group 1, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The function's name.
    pub name: &'static str,
    /// `@binding(i)` of group 1 has access `bindings[i]`.
    pub bindings: &'static [(u32, Access)],
}

/// A shader file.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// File name without extension.
    pub stem: &'static str,
    /// The file.
    pub text: &'static str,
    /// The files of `shaders/lib` that it needs.
    pub lib: &'static [&'static str],
    /// Its entry points.
    pub entries: &'static [Entry],
}

/// The value of a head constant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Const {
    /// `u32`.
    U32(u32),
    /// `f32`; finite.
    F32(f32),
    /// `bool`.
    Bool(bool),
}

impl From<u32> for Const {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<f32> for Const {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

impl From<bool> for Const {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl fmt::Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U32(v) => write!(f, "{v}u"),
            // Exponent form is a float literal in WGSL for every finite value and loses no bit.
            Self::F32(v) => write!(f, "{v:e}f"),
            Self::Bool(v) => write!(f, "{v}"),
        }
    }
}

/// What kind of adapter kernels are shaped for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Target {
    /// A GPU: wide workgroups.
    Gpu,
    /// A CPU that speaks WebGPU or Vulkan: a workgroup is one vector of lanes.
    Software,
}

/// One dispatch, before buffers are chosen.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The shader.
    pub kernel: &'static Kernel,
    /// Which of its entry points.
    pub entry: &'static Entry,
    /// Values of head constants; those not named keep the file's.
    pub constants: Vec<(&'static str, Const)>,
    /// Workgroups along each axis.
    pub grid: [u32; 3],
    /// Floating-point operations, a fused multiply-add counting two.
    pub flops: u64,
    /// Which dropout site of the model this is, 0 where nothing is dropped: the executor binds the step uniform that says
    /// so, and launches that differ in nothing else share a pipeline.
    pub site: u32,
}

impl Launch {
    /// A launch of `kernel.entry`.
    ///
    /// # Errors
    /// [`KernelError::Missing`] when the kernel has no such entry point.
    pub(super) fn new(
        kernel: &'static Kernel,
        entry: &'static str,
        constants: Vec<(&'static str, Const)>,
        grid: [u32; 3],
        flops: u64,
    ) -> Result<Self, KernelError> {
        let entry = kernel.entries.iter().find(|e| e.name == entry).ok_or_else(|| KernelError::Missing {
            stem: kernel.stem,
            what: "entry point",
            name: entry.to_owned(),
        })?;
        Ok(Self { kernel, entry, constants, grid, flops, site: 0 })
    }

    /// The same launch for a dropout site.
    pub(super) fn at_site(self, dropout: Option<Dropout>) -> Self {
        Self { site: dropout.map_or(0, |dropout| dropout.site), ..self }
    }
}

/// A launch that no adapter could run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// WebGPU allows 65,535 workgroups along an axis.
    #[error("{stem}: {groups} workgroups along axis {axis}; WebGPU allows {limit}")]
    Grid {
        /// The shader.
        stem: &'static str,
        /// Which axis.
        axis: usize,
        /// How many it would take.
        groups: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A tensor without elements, or with more than 32-bit byte offsets reach.
    #[error("{stem}: {what} has {elements} elements; between 1 and {limit} are possible")]
    Size {
        /// The shader.
        stem: &'static str,
        /// Which tensor.
        what: &'static str,
        /// How many elements it would have.
        elements: u128,
        /// How many it may have.
        limit: u64,
    },
    /// A wrapper names a constant, library or entry point that its shader lacks: caught by the tests of every wrapper.
    #[error("{stem}: the shader has no {what} {name:?}")]
    Missing {
        /// The shader.
        stem: &'static str,
        /// Constant, library or entry point.
        what: &'static str,
        /// Its name.
        name: String,
    },
}

/// The shared files of `shaders/lib`, by name.
const LIB: &[(&str, &str)] = &[
    ("activation", include_str!("../../shaders/lib/activation.wgsl")),
    ("heads", include_str!("../../shaders/lib/heads.wgsl")),
    ("heads_dropout", include_str!("../../shaders/lib/heads_dropout.wgsl")),
    ("reduce", include_str!("../../shaders/lib/reduce.wgsl")),
    ("rng", include_str!("../../shaders/lib/rng.wgsl")),
    ("step", include_str!("../../shaders/lib/step.wgsl")),
    ("tile", include_str!("../../shaders/lib/tile.wgsl")),
];

/// The WGSL of a launch: the file with its head constants substituted, followed by its libraries.
///
/// # Errors
/// [`KernelError::Missing`] when the launch and its file do not fit.
pub fn source(launch: &Launch) -> Result<String, KernelError> {
    let mut text = launch.kernel.text.to_owned();
    for (name, value) in &launch.constants {
        text = substitute(&text, name, *value).ok_or_else(|| KernelError::Missing {
            stem: launch.kernel.stem,
            what: "constant",
            name: (*name).to_owned(),
        })?;
    }
    with_libraries(text, launch.kernel)
}

/// A shader as it stands, followed by its libraries: what an editor or a validator wants to see.
///
/// # Errors
/// [`KernelError::Missing`] when it names a library that is not there.
pub fn joined(kernel: &Kernel) -> Result<String, KernelError> {
    with_libraries(kernel.text.to_owned(), kernel)
}

fn with_libraries(mut text: String, kernel: &Kernel) -> Result<String, KernelError> {
    for name in kernel.lib {
        let (_, lib) = LIB.iter().find(|(n, _)| n == name).ok_or_else(|| KernelError::Missing {
            stem: kernel.stem,
            what: "library",
            name: (*name).to_owned(),
        })?;
        text.push('\n');
        text.push_str(lib);
    }
    Ok(text)
}

/// Replaces the value in the line `const NAME: type = value;`.
fn substitute(text: &str, name: &str, value: Const) -> Option<String> {
    let start = text.find(&format!("\nconst {name}:"))?;
    let equals = start + text[start..].find('=')?;
    let end = equals + text[equals..].find(';')?;
    Some(format!("{}= {value}{}", &text[..equals], &text[end..]))
}
