//! The end of a training step: gradient norm, clipping, and the rule of every parameter that has a gradient.
//!
//! Rules that treat each element alike take one launch for all neighbors of the arenas that follow them; Adafactor and Muon
//! go by tensors. A parameter without a gradient is in no launch: nothing moves it, not even weight decay.

use super::PlanError;
use super::buffers::Arenas;
use super::build::{emit, scratch};
use super::content::{Content, Span};
use super::lower::Lowered;
use crate::ir::{
    Graph, NEWTON_SCHULZ, NEWTON_SCHULZ_EPS, NEWTON_SCHULZ_STEPS, NamedTensor, Optimizer, OptimizerKind, ParamId,
};
use crate::kernels::adafactor::{self, Adafactor};
use crate::kernels::matmul::{self, MatMul, Variant};
use crate::kernels::muon::{self, Matrix};
use crate::kernels::optimizer::{self, Window};
use crate::kernels::{Launch, Target};

/// What the end of a step builds on.
pub(super) struct Tail<'a> {
    pub graph: &'a Graph,
    pub arenas: &'a Arenas,
    /// Where the gradients of a span are: those of the step, or summed over the parts of a batch.
    pub grads: fn(Span) -> Content,
    pub loss: Content,
    pub ring: u32,
    pub target: Target,
}

impl Tail<'_> {
    /// Appends norm, clipping and update.
    pub fn optimize(&self, lowered: &mut Lowered, rule: Optimizer) -> Result<(), PlanError> {
        let (arenas, target) = (self.arenas, self.target);
        let norm = optimizer::norm_partials(arenas.elements, target)?;
        let partials = scratch(lowered, optimizer::partials(arenas.elements, target) as u64 * 4);
        let scalars = scratch(lowered, optimizer::SCALARS as u64 * 4);
        emit(lowered, norm, vec![(self.grads)(arenas.all()), partials], "optimizer");
        let finish = optimizer::finish(arenas.elements, self.ring, target)?;
        emit(lowered, finish, vec![partials, self.loss, scalars, Content::Records], "optimizer");
        for run in runs(self.graph, rule.kind, arenas) {
            let scope = run.tensor.as_ref();
            let scope = scope.map_or_else(|| "optimizer".to_owned(), |tensor| format!("optimizer/{}", tensor.name));
            let first = [(self.grads)(run.span), scalars];
            Update { lowered, first, span: run.span, scope, target }.lower(&run, arenas)?;
        }
        Ok(())
    }
}

/// Parameters that take their step together.
struct Run {
    kind: OptimizerKind,
    span: Span,
    /// The tensor, where there may be only one.
    tensor: Option<NamedTensor>,
}

/// All parameters with a gradient, in the order of the arenas.
fn runs(graph: &Graph, kind: OptimizerKind, arenas: &Arenas) -> Vec<Run> {
    let mut order: Vec<ParamId> = (0..graph.params.len() as u32).map(ParamId).collect();
    order.sort_by_key(|&param| arenas.span(param).first);
    let mut runs: Vec<Run> = Vec::new();
    let mut joined = false;
    for id in order {
        let (param, span) = (&graph.params[id.index()], arenas.span(id));
        let learns = graph.gradients.iter().any(|&(p, _)| p == id);
        let kind = kind.of(param);
        let alone = match kind {
            OptimizerKind::AdamW { .. } | OptimizerKind::Sgd { .. } | OptimizerKind::Lion { .. } => false,
            OptimizerKind::Adafactor { .. } | OptimizerKind::Muon { .. } => true,
        };
        match runs.last_mut() {
            Some(last) if learns && joined && !alone && last.kind == kind => last.span.end = span.end,
            _ if learns && alone => runs.extend(param.tensors(id).into_iter().map(|tensor| {
                let span = Span { first: span.first + tensor.range.start, end: span.first + tensor.range.end };
                Run { kind, span, tensor: Some(tensor) }
            })),
            _ if learns => runs.push(Run { kind, span, tensor: None }),
            _ => {}
        }
        joined = learns;
    }
    runs
}

/// The launches of one run.
struct Update<'a> {
    lowered: &'a mut Lowered,
    /// Gradients and scalars.
    first: [Content; 2],
    span: Span,
    scope: String,
    target: Target,
}

impl Update<'_> {
    fn lower(mut self, run: &Run, arenas: &Arenas) -> Result<(), PlanError> {
        let Span { first, end } = self.span;
        let decayed = arenas.decayed.clamp(first, end) - first;
        let window = Window { skip: self.span.skip(), length: end - first, decayed };
        let [params, moment1, moment2] =
            [Content::Params(self.span), Content::Moment1(self.span), Content::Moment2(self.span)];
        match run.kind {
            OptimizerKind::AdamW { beta1, beta2, eps, weight_decay: _ } => {
                let launch = optimizer::adamw(&window, [beta1, beta2], eps, self.target)?;
                self.emit(launch, &[params, moment1, moment2]);
            }
            OptimizerKind::Sgd { momentum, weight_decay: _ } => {
                self.emit(optimizer::sgd(&window, momentum, self.target)?, &[params, moment1]);
            }
            OptimizerKind::Lion { beta1, beta2, weight_decay: _ } => {
                self.emit(optimizer::lion(&window, [beta1, beta2], self.target)?, &[params, moment1]);
            }
            OptimizerKind::Adafactor { eps, clip_threshold, decay_rate: _, weight_decay: _ } => {
                let [rows, columns] = matrix(run.tensor.as_ref()).unwrap_or([1, window.length]);
                let decay = decayed > 0;
                let spec = Adafactor { skip: window.skip, rows, columns, decay, eps, clip_threshold };
                if matrix(run.tensor.as_ref()).is_some() {
                    self.adafactor(&spec)?;
                } else {
                    self.emit(adafactor::vector(&spec, self.target)?, &[params, moment2]);
                }
            }
            OptimizerKind::Muon { momentum, .. } => {
                let [rows, columns] = matrix(run.tensor.as_ref()).unwrap_or([1, window.length]);
                self.muon(Matrix { skip: window.skip, rows, columns }, momentum)?;
            }
        }
        Ok(())
    }

    fn adafactor(&mut self, spec: &Adafactor) -> Result<(), PlanError> {
        let t = self.target;
        let rows = self.scratch(spec.rows);
        self.emit(adafactor::rows(spec, t)?, &[Content::Moment1(self.span), rows]);
        let scales = self.scratch(spec.columns);
        self.emit(adafactor::columns(spec, t)?, &[rows, Content::Moment2(self.span), scales]);
        let partials = self.scratch(adafactor::partials(spec));
        self.emit(adafactor::norm(spec, t)?, &[rows, scales, partials]);
        self.emit(adafactor::apply(spec, t)?, &[rows, scales, partials, Content::Params(self.span)]);
        Ok(())
    }

    /// Newton–Schulz: X becomes q·X, or X·q where X is tall, with q a polynomial of the smaller of XXᵀ and XᵀX.
    fn muon(&mut self, matrix: Matrix, momentum: f64) -> Result<(), PlanError> {
        let t = self.target;
        let Matrix { rows, columns, .. } = matrix;
        let length = rows * columns;
        let (tall, small) = (rows > columns, rows.min(columns));
        let direction = self.scratch(length);
        let partials = self.scratch(muon::partials(&matrix));
        self.emit(muon::momentum(&matrix, momentum, t)?, &[Content::Moment1(self.span), direction, partials]);
        let mut x = self.scratch(length);
        self.push(muon::normalize(&matrix, NEWTON_SCHULZ_EPS, t)?, vec![direction, partials, x]);
        let product = |m, n, k, ta, tb| matmul::launch(&MatMul { m, n, k, ta, tb, variant: Variant::PLAIN }, t);
        for _ in 0..NEWTON_SCHULZ_STEPS {
            let gram = self.scratch(small * small);
            self.push(product(small, small, rows.max(columns), tall, !tall)?, vec![x, x, gram]);
            let square = self.scratch(small * small);
            self.push(product(small, small, small, false, false)?, vec![gram, gram, square]);
            let q = self.scratch(small * small);
            self.push(muon::polynomial(small, NEWTON_SCHULZ, t)?, vec![gram, square, q]);
            let next = self.scratch(length);
            let factors = if tall { [x, q] } else { [q, x] };
            self.push(product(rows, columns, small, false, false)?, vec![factors[0], factors[1], next]);
            x = next;
        }
        let scale = (rows as f64 / columns as f64).max(1.0).sqrt();
        self.push(muon::apply(&matrix, scale, t)?, vec![self.first[1], x, Content::Params(self.span)]);
        Ok(())
    }

    fn scratch(&mut self, elements: usize) -> Content {
        scratch(self.lowered, elements as u64 * 4)
    }

    /// A launch that reads gradients and scalars first.
    fn emit(&mut self, launch: Launch, operands: &[Content]) {
        self.push(launch, self.first.iter().chain(operands).copied().collect());
    }

    fn push(&mut self, launch: Launch, operands: Vec<Content>) {
        emit(self.lowered, launch, operands, &self.scope);
    }
}

/// Rows and columns of a tensor of rank 2.
fn matrix(tensor: Option<&NamedTensor>) -> Option<[usize; 2]> {
    let shape = &tensor?.shape;
    (shape.dims().len() == 2).then(|| [shape.rows(), shape.columns()])
}
