//! Host data of a step: placed in the input ring, with the lists that kernels need derived from it.

use crate::plan::{DerivedInput, InputSlot};

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
        DerivedInput::SortedPositions { rows } => {
            sorted_positions(words, rows, out).map_err(|at| GpuError::Mismatch {
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
        DerivedInput::SortedPositions { rows } => slot.words.checked_sub(rows as usize + 1).ok_or_else(|| {
            GpuError::Mismatch { what: format!("input {:?} has no room for the offsets of {rows} rows", slot.name) }
        }),
    }
}

/// A stable counting sort: `rows + 1` offsets, then the positions of each id in ascending order.
///
/// The positions of id `v` stand at `offsets[v]..offsets[v + 1]` of the second part. On an id that is none of the rows,
/// its position is returned.
///
/// # Errors
/// The position of the first id that is none of the rows.
///
/// # Panics
/// When `out` has not `rows + 1 + ids.len()` words.
pub fn sorted_positions(ids: &[u32], rows: u32, out: &mut [u32]) -> Result<(), usize> {
    let rows = rows as usize;
    assert_eq!(out.len(), rows + 1 + ids.len(), "offsets and positions fill the slot");
    if let Some(at) = ids.iter().position(|&id| id as usize >= rows) {
        return Err(at);
    }
    let (offsets, positions) = out.split_at_mut(rows + 1);
    offsets.fill(0);
    for &id in ids {
        offsets[id as usize + 1] += 1;
    }
    for v in 0..rows {
        offsets[v + 1] += offsets[v];
    }
    // Placing moves each start to its end, which is the next one's start: shifted back afterwards.
    for (position, &id) in ids.iter().enumerate() {
        let next = &mut offsets[id as usize];
        positions[*next as usize] = position as u32;
        *next += 1;
    }
    offsets.copy_within(0..rows, 1);
    offsets[0] = 0;
    Ok(())
}
