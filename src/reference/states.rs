//! What outlives a step: the states of the graphs that an interpreter runs.

use std::collections::BTreeMap;

use super::program::check_length;
use super::{Float, ReferenceError};
use crate::ir::{DType, State};

/// States by name. Interpreters of several graphs share them by handing them on: see [`super::Interpreter::states_mut`].
#[derive(Clone, Debug, Default)]
pub struct States<F> {
    held: BTreeMap<String, Held<F>>,
}

#[derive(Clone, Debug)]
struct Held<F> {
    /// The outermost extent: sequences.
    rows: usize,
    values: Vec<F>,
}

impl<F: Float> States<F> {
    /// What a state holds; `None` before a graph that has it has run.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[F]> {
        self.held.get(name).map(|held| held.values.as_slice())
    }

    /// Makes every state zero again.
    pub fn reset(&mut self) {
        self.held.values_mut().for_each(|held| held.values.fill(F::ZERO));
    }

    /// Row i of every state, along its outermost axis, becomes what row `parents[i]` was: the survivors of a step of beam
    /// search.
    ///
    /// # Errors
    /// [`ReferenceError::Length`] for a state with another number of rows, [`ReferenceError::Parent`] for a parent that is
    /// none of them; nothing has changed then.
    pub fn reorder(&mut self, parents: &[u32]) -> Result<(), ReferenceError> {
        let rows = parents.len();
        for (name, held) in &self.held {
            check_length(name, rows, held.rows)?;
        }
        if let Some(&parent) = parents.iter().find(|&&p| p as usize >= rows) {
            return Err(ReferenceError::Parent { parent, rows });
        }
        for held in self.held.values_mut() {
            let old = held.values.clone();
            let width = old.len() / rows.max(1);
            for (new, &parent) in held.values.chunks_mut(width.max(1)).zip(parents) {
                new.copy_from_slice(&old[parent as usize * width..][..width]);
            }
        }
        Ok(())
    }

    /// Makes the states of a graph, zero where they are new. They are numbers.
    pub(super) fn ensure(&mut self, states: &[State]) -> Result<(), ReferenceError> {
        for State { name, ty } in states {
            if ty.dtype != DType::F32 {
                return Err(ReferenceError::Kind { name: name.clone(), expected: DType::F32 });
            }
            let rows = ty.shape.dims().first().copied().unwrap_or(1);
            let zeros = || Held { rows, values: vec![F::ZERO; ty.shape.elements()] };
            let held = self.held.entry(name.clone()).or_insert_with(zeros);
            check_length(name, held.values.len(), ty.shape.elements())?;
            check_length(name, held.rows, rows)?;
        }
        Ok(())
    }

    /// What a state holds, to change.
    pub(super) fn values_mut(&mut self, state: &State) -> &mut [F] {
        self.held.get_mut(&state.name).map_or(&mut [], |held| held.values.as_mut_slice())
    }
}

/// Writes `row`, a row for each sequence, at `position` of a state whose sequences have `time` rows of `width`; past the end
/// it writes nothing.
pub(super) fn append<F: Float>(state: &mut [F], [time, width]: [usize; 2], row: &[F], position: usize) {
    if position < time {
        for (sequence, row) in state.chunks_mut(time * width).zip(row.chunks(width)) {
            sequence[position * width..][..width].copy_from_slice(row);
        }
    }
}
