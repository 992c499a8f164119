//! Host data of a step: placed in the input ring, with the lists that kernels need derived from it.

use crate::plan::{DerivedInput, InputSlot, sorted_positions};

use super::GpuError;

/// Writes what `slot` wants of `words` to `out`, which has the slot's length.
///
/// # Errors
/// [`GpuError::Mismatch`] when the number of words is another one, or an id is none of the rows.
pub(super) fn fill(slot: &InputSlot, words: &[u32], out: &mut [u32]) -> Result<(), GpuError> {
    let expected = host_words(slot)?;
    if words.len() != expected {
        return Err(GpuError::Mismatch {
            what: format!("input {:?} has {} words; the plan reads {expected}", slot.name, words.len()),
        });
    }
    match slot.derived {
        DerivedInput::Direct => out.copy_from_slice(words),
        DerivedInput::SortedPositions { rows, padding } => {
            sorted_positions(words, rows, padding, out).map_err(|at| GpuError::Mismatch {
                what: format!("input {:?}: id {} at position {at} is none of the {rows} rows", slot.name, words[at]),
            })?;
        }
    }
    Ok(())
}

/// How many words the host hands over for a slot.
pub(super) fn host_words(slot: &InputSlot) -> Result<usize, GpuError> {
    match slot.derived {
        DerivedInput::Direct => Ok(slot.words),
        DerivedInput::SortedPositions { rows, .. } => slot.words.checked_sub(rows as usize + 1).ok_or_else(|| {
            GpuError::Mismatch { what: format!("input {:?} has no room for the offsets of {rows} rows", slot.name) }
        }),
    }
}
