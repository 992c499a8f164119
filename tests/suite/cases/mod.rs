//! Test cases for every operation, used by the tests of the interpreter, of differentiation and of the kernels.
//!
//! [`cases`] follows a chain of exhaustive matches: an operation without an arm, that is without cases, does not compile.
//! Extents are 1, primes, and the neighbors of tile sizes (8, 64).

pub mod attention;
mod fused;
pub mod more;
pub mod ops;
mod sketch;

use trainyard::autodiff::append_vjp;
use trainyard::ir::{Activation, Attention, Builder, Dropout, ElementLoss, Fused, Graph, InputId, IrError, Mask};
use trainyard::ir::{NormKind, Op, ParamId, Shape, StateId, Table, ValueId};
use trainyard::reference::{Interpreter, Keep, ReferenceError, StepKey, Tensor, Values};
use trainyard::rng::{Draws, Stream, unit};

pub use sketch::Sketch;

/// One operation on one set of operands.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation's name and what is special.
    pub name: String,
    /// Outputs `y0`, `y1`, …
    pub graph: Graph,
    /// In the order of the graph's table.
    pub params: Vec<Vec<f64>>,
    /// In the order of the graph's table; every number is exact in f32.
    pub inputs: Vec<Tensor<f64>>,
    /// What to differentiate `y0` for; empty if that is impossible.
    pub wrt: Vec<ValueId>,
    /// For dropout.
    pub key: StepKey,
    /// Length of the longest sum, for error bounds.
    pub terms: usize,
}

impl Case {
    /// The same case with an input `cotangent` of random numbers for `y0` and the gradients as outputs `d0`, `d1`, …, one
    /// for each of `wrt`.
    pub fn differentiated(&self) -> Result<Self, IrError> {
        let y = self.graph.output("y0").expect("cases have an output y0");
        let ty = self.graph.ty(y).clone();
        let mut draws = Draws::new(trainyard::rng::fnv1a32(&self.name), Stream::Task, 2);
        let cotangent = (0..ty.shape.elements()).map(|_| f64::from(unit(draws.word())) * 2.0 - 1.0).collect();
        let mut case = self.clone();
        case.inputs.push(Tensor::Float(cotangent));
        let mut b = Builder::from_graph(core::mem::take(&mut case.graph));
        let seed = b.input("cotangent", ty)?;
        for (i, gradient) in append_vjp(&mut b, &[(y, seed)], &self.wrt)?.into_iter().enumerate() {
            b.output(&format!("d{i}"), gradient.expect("every operand influences the result"));
        }
        case.graph = b.finish();
        Ok(case)
    }

    /// Runs the case in f64.
    pub fn run(&self) -> Result<Values<f64>, ReferenceError> {
        Interpreter::new(&self.graph, Keep::Results)?.run(&self.params, &self.inputs, self.key)
    }

    /// Runs the case in f32, on the same data: it is exact in f32.
    pub fn run_f32(&self) -> Result<Values<f32>, ReferenceError> {
        let narrow = |v: &Vec<f64>| v.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let params: Vec<Vec<f32>> = self.params.iter().map(narrow).collect();
        let inputs: Vec<Tensor<f32>> = self
            .inputs
            .iter()
            .map(|input| match input {
                Tensor::Float(v) => Tensor::Float(narrow(v)),
                Tensor::Index(v) => Tensor::Index(v.clone()),
            })
            .collect();
        Interpreter::new(&self.graph, Keep::Results)?.run(&params, &inputs, self.key)
    }

    /// The data of an input or parameter.
    pub fn operand(&self, value: ValueId) -> &[f64] {
        match self.graph.producer(value).op {
            Op::Param(id) => &self.params[id.index()],
            Op::Input(id) => match &self.inputs[id.index()] {
                Tensor::Float(numbers) => numbers,
                Tensor::Index(_) => panic!("indices are not differentiated for"),
            },
            ref op => panic!("{} is no operand", op.name()),
        }
    }

    /// As [`Self::operand`], to change.
    pub fn operand_mut(&mut self, value: ValueId) -> &mut [f64] {
        match self.graph.producer(value).op {
            Op::Param(id) => &mut self.params[id.index()],
            Op::Input(id) => match &mut self.inputs[id.index()] {
                Tensor::Float(numbers) => numbers,
                Tensor::Index(_) => panic!("indices are not differentiated for"),
            },
            ref op => panic!("{} is no operand", op.name()),
        }
    }
}

/// Cases of every operation.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let mut next = Some(Op::Param(ParamId(0)));
    while let Some(op) = next {
        let (cases, following) = cases_and_next(&op);
        assert!(!cases.is_empty(), "{} has no case", op.name());
        all.extend(cases);
        next = following;
    }
    all
}

/// The cases of an operation, and the operation that follows it in this chain. A new operation needs an arm here and a
/// predecessor that names it.
fn cases_and_next(op: &Op) -> (Vec<Case>, Option<Op>) {
    let plain = Attention::packed(1, Mask::Full, 1.0);
    let norm = Op::Norm { kind: NormKind::Layer, eps: 1e-5 };
    match op {
        Op::Param(_) => (ops::params(), Some(Op::Input(InputId(0)))),
        Op::Input(_) => (ops::inputs(), Some(Op::Fill { value: 1.0 })),
        Op::Fill { .. } => (ops::fills(), Some(Op::Table(Table::Sinusoids { rows: 1, columns: 1 }))),
        Op::Table(_) => (more::tables(), Some(Op::Embedding { padding: None })),
        Op::Embedding { .. } => {
            let cases = [ops::embeddings(false), more::padded_embeddings(false)].concat();
            (cases, Some(Op::EmbeddingGrad { rows: 1, padding: None }))
        }
        Op::EmbeddingGrad { .. } => {
            let cases = [ops::embeddings(true), more::padded_embeddings(true)].concat();
            (cases, Some(Op::AddRows { period: 1, first: 0 }))
        }
        Op::AddRows { .. } => {
            let cases = [ops::row_tables(false), more::shifted_row_tables(false)].concat();
            (cases, Some(Op::SumRows { period: 1, first: 0, table_rows: None }))
        }
        Op::SumRows { .. } => {
            let cases = [ops::row_tables(true), more::shifted_row_tables(true)].concat();
            (cases, Some(Op::MatMul { ta: false, tb: false }))
        }
        Op::MatMul { .. } => (ops::matmuls(), Some(Op::Add)),
        Op::Add => (ops::adds(), Some(Op::Scale { factor: 1.0 })),
        Op::Scale { .. } => (ops::scales(), Some(Op::Reshape { shape: Shape::new(&[1]) })),
        Op::Reshape { .. } => (more::reshapes(), Some(Op::Columns { start: 0, count: 1 })),
        Op::Columns { .. } => (more::column_ranges(), Some(Op::PadColumns { start: 0, width: 1 })),
        Op::PadColumns { .. } => (more::padded_columns(), Some(Op::Rotate { heads: 1, inverse: false })),
        Op::Rotate { .. } => (more::rotations(), Some(Op::Gated(Activation::Silu))),
        Op::Gated(_) => (more::gates(false), Some(Op::GatedGrad(Activation::Silu))),
        Op::GatedGrad(_) => (more::gates(true), Some(Op::Activation(Activation::Relu))),
        Op::Activation(_) => (ops::activations(false), Some(Op::ActivationGrad(Activation::Relu))),
        Op::ActivationGrad(_) => (ops::activations(true), Some(Op::Dropout(Dropout { p: 0.1, site: 0 }))),
        Op::Dropout(_) => (ops::dropouts(), Some(norm)),
        Op::Norm { .. } => (ops::norms(ops::NormPart::Forward), Some(Op::NormGrad { kind: NormKind::Layer })),
        Op::NormGrad { .. } => (ops::norms(ops::NormPart::Grad), Some(Op::NormParamGrad { beta: true })),
        Op::NormParamGrad { .. } => (ops::norms(ops::NormPart::ParamGrad), Some(Op::Attention(plain))),
        Op::Attention(_) => (attention::cases(attention::Part::Forward), Some(Op::AttentionGrad(plain))),
        Op::AttentionGrad(_) => (attention::cases(attention::Part::Grad), Some(Op::AttentionProbs(plain))),
        Op::AttentionProbs(_) => (attention::cases(attention::Part::Probs), Some(Op::CrossEntropy { smoothing: 0.0 })),
        Op::CrossEntropy { .. } => (ops::cross_entropies(false), Some(Op::CrossEntropyGrad { smoothing: 0.0 })),
        Op::CrossEntropyGrad { .. } => (ops::cross_entropies(true), Some(Op::ElementLoss(ElementLoss::Squared))),
        Op::ElementLoss(_) => (more::element_losses(false), Some(Op::ElementLossGrad(ElementLoss::Squared))),
        Op::ElementLossGrad(_) => (more::element_losses(true), Some(Op::State(StateId(0)))),
        Op::State(_) => (more::states(), Some(Op::Store(StateId(0)))),
        Op::Store(_) => (more::stores(), Some(Op::Append(StateId(0)))),
        Op::Append(_) => (more::appends(), Some(Op::Fused(fused::FIRST))),
        Op::Fused(fused) => {
            let (cases, next): (_, Option<Fused>) = fused::cases_and_next(fused);
            (cases, next.map(Op::Fused))
        }
    }
}
