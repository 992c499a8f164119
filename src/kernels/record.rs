//! Losses of evaluation steps: `shaders/record.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::elements,
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "record",
    text: include_str!("../../shaders/record.wgsl"),
    lib: &["step"],
    entries: &[Entry { name: "loss", bindings: &[(0, Read), (1, Write)] }],
};

/// (loss `[1]`) → records. `ring` is the number of records.
///
/// # Errors
/// When there are no records or too many.
pub fn loss(ring: u32, _target: Target) -> Result<Launch, KernelError> {
    elements(KERNEL.stem, "records", &[ring as usize, 4])?;
    Launch::new(&KERNEL, "loss", vec![("RECORDS", ring.into())], [1, 1, 1], 0)
}
