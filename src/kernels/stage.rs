//! Brings a step's inputs from the ring: `shaders/stage.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::{elements, folded, width},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "stage",
    text: include_str!("../../shaders/stage.wgsl"),
    lib: &["step"],
    entries: &[Entry { name: "copy", bindings: &[(0, Read), (1, Write)] }],
};

/// (ring of `ring` times `words`) → inputs of `words`.
///
/// # Errors
/// When the ring is empty or too large.
pub fn copy(words: usize, ring: u32, target: Target) -> Result<Launch, KernelError> {
    elements(KERNEL.stem, "ring", &[words, ring as usize])?;
    let grid = folded(KERNEL.stem, (words as u64).div_ceil(4 * u64::from(width(target))))?;
    let constants = vec![
        ("WORDS", (words as u32).into()),
        ("RING", ring.into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, "copy", constants, grid, 0)
}
