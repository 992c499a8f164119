//! The parts that all families are built of: parameters with Hugging Face's names, linear layers in both of its layouts,
//! norms, dropout sites, and what is shown.

use super::{Decay, Mode};
use crate::ir::{Builder, Dropout, Graph, Init, IrError, NormKind, Op, Param, Part, Shape, ValueId};

/// A graph under construction. Dropout sites are numbered as they are passed, so that a mask belongs to a place.
pub(super) struct Net {
    pub b: Builder,
    pub mode: Mode,
    decay: Decay,
    sites: u32,
}

/// What a matrix is used for, which decides on weight decay.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    Table,
    Weight,
}

/// How a norm is computed.
#[derive(Clone, Copy)]
pub(super) struct NormSpec {
    pub kind: NormKind,
    pub eps: f64,
    /// Whether a layer norm has a bias.
    pub bias: bool,
}

/// One of the tensors of a [`Net::stacked`] layer.
pub(super) struct Slice {
    /// Name without `.weight` and `.bias`.
    pub name: String,
    /// Columns that it computes.
    pub outputs: usize,
    /// Standard deviation of its first values.
    pub std: f64,
}

impl Net {
    pub fn new(mode: Mode, decay: Decay) -> Self {
        Self { b: Builder::new(), mode, decay, sites: 0 }
    }

    pub fn finish(self) -> Graph {
        self.b.finish()
    }

    /// A matrix of normal numbers.
    pub fn matrix(&mut self, name: &str, shape: [usize; 2], std: f64, role: Role) -> Result<ValueId, IrError> {
        self.table(name, shape, Init::Normal { std }, role)
    }

    /// A token embedding. The row of `padding` starts at 0.
    pub fn token_table(
        &mut self,
        name: &str,
        shape: [usize; 2],
        std: f64,
        padding: Option<u32>,
    ) -> Result<ValueId, IrError> {
        let init = padding.map_or(Init::Normal { std }, |row| Init::Padded { std, row });
        self.table(name, shape, init, Role::Table)
    }

    fn table(&mut self, name: &str, shape: [usize; 2], init: Init, role: Role) -> Result<ValueId, IrError> {
        let decay = self.decay == Decay::Matrices || role == Role::Weight;
        let shape = Shape::new(&shape);
        self.b.param(Param { name: name.to_owned(), shape, init, decay, frozen: false, parts: vec![] })
    }

    /// A parameter that is saved and never trained.
    pub fn frozen(&mut self, name: &str, dims: &[usize], init: Init) -> Result<ValueId, IrError> {
        let shape = Shape::new(dims);
        self.b.param(Param { name: name.to_owned(), shape, init, decay: false, frozen: true, parts: vec![] })
    }

    pub fn vector(&mut self, name: &str, length: usize, init: Init) -> Result<ValueId, IrError> {
        let shape = Shape::new(&[length]);
        self.b.param(Param { name: name.to_owned(), shape, init, decay: false, frozen: false, parts: vec![] })
    }

    /// `x·Wᵀ + b` with `W [out,in]`: PyTorch's `Linear`.
    pub fn linear(&mut self, name: &str, x: ValueId, outputs: usize, std: f64, bias: bool) -> Result<ValueId, IrError> {
        let inputs = self.columns(x);
        let weight = self.matrix(&format!("{name}.weight"), [outputs, inputs], std, Role::Weight)?;
        let y = self.b.push(Op::MatMul { ta: false, tb: true }, &[x, weight])?;
        self.biased(name, y, outputs, bias)
    }

    /// `x·W + b` with `W [in,out]`: GPT-2's `Conv1D`.
    pub fn conv1d(&mut self, name: &str, x: ValueId, outputs: usize, std: f64, bias: bool) -> Result<ValueId, IrError> {
        let inputs = self.columns(x);
        let weight = self.matrix(&format!("{name}.weight"), [inputs, outputs], std, Role::Weight)?;
        let y = self.b.push(Op::MatMul { ta: false, tb: false }, &[x, weight])?;
        self.biased(name, y, outputs, bias)
    }

    fn biased(&mut self, name: &str, y: ValueId, outputs: usize, bias: bool) -> Result<ValueId, IrError> {
        if !bias {
            return Ok(y);
        }
        let bias = self.vector(&format!("{name}.bias"), outputs, Init::Zeros)?;
        self.b.push(Op::AddRows { period: 1, first: 0 }, &[y, bias])
    }

    /// Several linear layers of one x side by side: one product, each tensor under its own name.
    pub fn stacked(&mut self, label: &str, x: ValueId, slices: &[Slice], bias: bool) -> Result<ValueId, IrError> {
        let inputs = self.columns(x);
        let outputs = slices.iter().map(|s| s.outputs).sum();
        let part = |kind: &str, s: &Slice, init| Part { name: format!("{}.{kind}", s.name), rows: s.outputs, init };
        let weight = self.b.param(Param {
            name: format!("{label}.weight"),
            shape: Shape::new(&[outputs, inputs]),
            init: Init::Zeros,
            decay: true,
            frozen: false,
            parts: slices.iter().map(|s| part("weight", s, Init::Normal { std: s.std })).collect(),
        })?;
        let y = self.b.push(Op::MatMul { ta: false, tb: true }, &[x, weight])?;
        if !bias {
            return Ok(y);
        }
        let bias = self.b.param(Param {
            name: format!("{label}.bias"),
            shape: Shape::new(&[outputs]),
            init: Init::Zeros,
            decay: false,
            frozen: false,
            parts: slices.iter().map(|s| part("bias", s, Init::Zeros)).collect(),
        })?;
        self.b.push(Op::AddRows { period: 1, first: 0 }, &[y, bias])
    }

    /// A norm; its scope is the last part of its name.
    pub fn norm(&mut self, name: &str, x: ValueId, spec: NormSpec) -> Result<ValueId, IrError> {
        let columns = self.columns(x);
        let last = name.rsplit('.').next().unwrap_or(name).to_owned();
        self.scoped(&last, |net| {
            let mut inputs = vec![x, net.vector(&format!("{name}.weight"), columns, Init::Ones)?];
            if spec.bias && spec.kind == NormKind::Layer {
                inputs.push(net.vector(&format!("{name}.bias"), columns, Init::Zeros)?);
            }
            net.b.push(Op::Norm { kind: spec.kind, eps: spec.eps }, &inputs)
        })
    }

    pub fn dropout(&mut self, x: ValueId, p: f32) -> Result<ValueId, IrError> {
        match self.dropout_site(p) {
            Some(dropout) => self.b.push(Op::Dropout(dropout), &[x]),
            None => Ok(x),
        }
    }

    /// The next site, if it drops anything.
    pub fn dropout_site(&mut self, p: f32) -> Option<Dropout> {
        let site = self.sites;
        self.sites += 1;
        (self.mode.dropout() && p > 0.0).then_some(Dropout { p, site })
    }

    /// `residual + dropout(branch)`.
    pub fn residual(&mut self, branch: ValueId, residual: ValueId, p: f32) -> Result<ValueId, IrError> {
        let branch = self.dropout(branch, p)?;
        self.b.push(Op::Add, &[branch, residual])
    }

    /// A result for the known answers.
    pub fn hidden(&mut self, name: &str, x: ValueId) {
        if self.mode == Mode::Everything {
            self.b.output(name, x);
        }
    }

    pub fn columns(&self, x: ValueId) -> usize {
        self.b.graph().ty(x).shape.columns()
    }

    pub fn dims(&self, x: ValueId) -> Vec<usize> {
        self.b.graph().ty(x).shape.dims().to_vec()
    }

    pub fn reshape(&mut self, x: ValueId, dims: &[usize]) -> Result<ValueId, IrError> {
        self.b.push(Op::Reshape { shape: Shape::new(dims) }, &[x])
    }

    pub fn scoped<T>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> Result<T, IrError>) -> Result<T, IrError> {
        self.b.enter(name);
        let result = body(self);
        self.b.leave();
        result
    }
}
