//! What stands on a stack: projections to vocabularies and labels, with their losses. Inputs are named for what they are:
//! `targets` and `weights`, where Σ weight·loss is what is minimized.

use super::head::{Labels, Problem};
use super::net::Net;
use super::{Extents, Model, ModelError};
use crate::ir::{ElementLoss, IrError, Op, Type, ValueId};

impl Net {
    /// The rows that a loss is computed at: those of the input `rows`, or all of them.
    pub fn labeled_rows(&mut self, x: ValueId, extents: Extents) -> Result<ValueId, IrError> {
        let Some(count) = extents.rows else { return Ok(x) };
        let (columns, dims) = (self.columns(x), self.dims(x));
        let rows = self.b.input("rows", Type::u32(&[count]))?;
        let flat = self.reshape(x, &[dims[..dims.len() - 1].iter().product(), columns])?;
        self.b.push(Op::Embedding { padding: None }, &[flat, rows])
    }

    /// One row of each sequence, which the input `rows` names (b·T + t). (B, T, d) → (B, d).
    pub fn picked_rows(&mut self, x: ValueId) -> Result<ValueId, IrError> {
        let batch = self.dims(x)[0];
        self.labeled_rows(x, Extents { rows: Some(batch), ..Extents::default() })
    }

    /// The first row of each sequence. (B, T, d) → (B, d).
    pub fn first_rows(&mut self, x: ValueId) -> Result<ValueId, IrError> {
        let (columns, dims) = (self.columns(x), self.dims(x));
        let flat = self.reshape(x, &[dims[0], dims[1] * columns])?;
        self.b.push(Op::Columns { start: 0, count: columns }, &[flat])
    }

    /// Logits over a vocabulary or over labels of tokens, and their loss.
    pub fn token_loss(&mut self, logits: ValueId, smoothing: f64) -> Result<(), IrError> {
        if self.mode.logits() {
            self.b.output("logits", logits);
        }
        if self.mode.loss() {
            let loss = self.cross_entropy(logits, ["targets", "weights"], smoothing)?;
            self.b.output("loss", loss);
        }
        Ok(())
    }

    /// Σ weight·CE of logits `[..,C]` against the named inputs `[..]`.
    pub fn cross_entropy(
        &mut self,
        logits: ValueId,
        [targets, weights]: [&str; 2],
        smoothing: f64,
    ) -> Result<ValueId, IrError> {
        let dims = self.dims(logits);
        let rows = &dims[..dims.len() - 1];
        let targets = self.b.input(targets, Type::u32(rows))?;
        let weights = self.b.input(weights, Type::f32(rows))?;
        self.scoped("loss", |net| net.b.push(Op::CrossEntropy { smoothing }, &[logits, targets, weights]))
    }

    /// Logits of a text's labels, and their loss.
    pub fn sequence_loss(&mut self, logits: ValueId, labels: Labels) -> Result<(), IrError> {
        let kind = match labels.problem {
            Problem::Single => return self.token_loss(logits, 0.0),
            Problem::Regression => ElementLoss::Squared,
            Problem::Multiple => ElementLoss::Logistic,
        };
        if self.mode.logits() {
            self.b.output("logits", logits);
        }
        if self.mode.loss() {
            let ty = Type::f32(&self.dims(logits));
            let targets = self.b.input("targets", ty.clone())?;
            let weights = self.b.input("weights", ty)?;
            let loss = self.scoped("loss", |net| net.b.push(Op::ElementLoss(kind), &[logits, targets, weights]))?;
            self.b.output("loss", loss);
        }
        Ok(())
    }

    /// Start and end of an answer from `x` (B, T, 2): the mean of two cross-entropies over the tokens.
    pub fn question_loss(&mut self, x: ValueId) -> Result<(), IrError> {
        let dims = self.dims(x);
        let mut losses = Vec::new();
        for (i, end) in ["start", "end"].into_iter().enumerate() {
            let column = self.b.push(Op::Columns { start: i, count: 1 }, &[x])?;
            let logits = self.reshape(column, &dims[..2])?;
            if self.mode.logits() {
                self.b.output(&format!("{end}_logits"), logits);
            }
            if self.mode.loss() {
                let names = [format!("{end}_targets"), format!("{end}_weights")];
                losses.push(self.cross_entropy(logits, [&names[0], &names[1]], 0.0)?);
            }
        }
        if let &[start, end] = losses.as_slice() {
            let sum = self.b.push(Op::Add, &[start, end])?;
            let loss = self.b.push(Op::Scale { factor: 0.5 }, &[sum])?;
            self.b.output("loss", loss);
        }
        Ok(())
    }
}

/// Refuses a head that the family lacks.
pub(super) fn no_head<T>(model: &Model) -> Result<T, ModelError> {
    Err(model.no_head())
}
