//! A sum over a whole tensor: `shaders/sum.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::elements,
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "sum",
    text: include_str!("../../shaders/sum.wgsl"),
    lib: &["reduce"],
    entries: &[Entry { name: "total", bindings: &[(0, Read), (1, Write)] }],
};

/// (x of `count` elements) → `[1]`. One workgroup on any target.
///
/// # Errors
/// When the tensor is empty or too large.
pub fn total(count: usize, _target: Target) -> Result<Launch, KernelError> {
    let count = elements(KERNEL.stem, "x", &[count])?;
    Launch::new(&KERNEL, "total", vec![("COUNT", count.into())], [1, 1, 1], count.into())
}
