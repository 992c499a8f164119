//! The type rule of every operation: from input types to output types.

use super::{
    Attention, AttentionShape, Bias, DType, Graph, IrError, Mask, Op, Shape, StateId, Type, ValueId,
    fused::{Epilogue, Fused},
};

/// GPU indices are 32-bit, and so are the byte offsets some drivers compute from them.
const MAX_ELEMENTS: u64 = 1 << 30;

/// One application under inspection: what errors need to say where they are.
struct Site<'a> {
    op: &'static str,
    scope: &'a str,
}

impl Site<'_> {
    fn arity(&self, found: usize) -> IrError {
        IrError::Arity { op: self.op, scope: self.scope.to_owned(), found }
    }

    fn same(&self, what: &'static str, left: &Type, right: &Type) -> Result<(), IrError> {
        if left == right {
            return Ok(());
        }
        Err(self.mismatch(what, left, right))
    }

    /// The extents of an attention, and the types of its output and of its log-sum-exp.
    fn attention(&self, a: &Attention, inputs: &[&Type]) -> Result<(AttentionShape, [Type; 2]), IrError> {
        if inputs.len() != a.inputs()
            || (a.documents && (a.cross || !a.masked))
            || (a.mask == Mask::Prefix && !a.masked)
        {
            return Err(self.arity(inputs.len()));
        }
        let projections = &inputs[..a.projections()];
        let Some(shape) = a.shape(projections) else {
            let (heads, width) = (a.heads, projections[0].shape.columns());
            return Err(IrError::Heads { op: self.op, scope: self.scope.to_owned(), heads, width });
        };
        for ty in projections {
            self.same("projection", ty, &Type { dtype: DType::F32, shape: ty.shape.clone() })?;
        }
        if let Some(bias) = a.bias_input() {
            self.same("bias", inputs[bias], &Type::f32(&[shape.distances(), a.heads]))?;
        }
        if let Some(mask) = a.mask_input() {
            self.same("key mask", inputs[mask], &Type::u32(&[shape.batch, shape.keys]))?;
        }
        let o = Type::f32(&[shape.batch, shape.queries, a.heads * shape.head_dim]);
        Ok((shape, [o, Type::f32(&[shape.batch, a.heads, shape.queries])]))
    }

    fn mismatch(&self, what: &'static str, left: &Type, right: &Type) -> IrError {
        let types = Box::new([left.clone(), right.clone()]);
        IrError::Shape { op: self.op, scope: self.scope.to_owned(), what, types }
    }

    fn matmul(&self, ta: bool, tb: bool, a: &Type, b: &Type) -> Result<Type, IrError> {
        let (m, k) = if ta { (a.shape.columns(), a.shape.rows()) } else { (a.shape.rows(), a.shape.columns()) };
        let (kb, n) = if tb { (b.shape.columns(), b.shape.rows()) } else { (b.shape.rows(), b.shape.columns()) };
        if a.dtype != DType::F32 || b.dtype != DType::F32 || k != kb {
            return Err(self.mismatch("inner extents", a, b));
        }
        let shape = if ta { Shape::new(&[m, n]) } else { a.shape.with_columns(n) };
        Ok(Type { dtype: DType::F32, shape })
    }

    /// A range of columns inside `width`, giving x with `columns` columns.
    fn columns(&self, x: &Type, start: usize, count: usize, width: usize, columns: usize) -> Result<Type, IrError> {
        let y = Type::f32(x.shape.with_columns(columns).dims());
        if count == 0 || start.saturating_add(count) > width || x.dtype != DType::F32 {
            return Err(self.mismatch("range of columns", x, &y));
        }
        Ok(y)
    }

    fn per_row(&self, what: &'static str, found: &Type, dtype: DType, matrix: &Type) -> Result<(), IrError> {
        let dims = matrix.shape.dims();
        let expected = Type { dtype, shape: Shape::new(&dims[..dims.len().saturating_sub(1)]) };
        self.same(what, found, &expected)
    }
}

/// Output types of `op` on `inputs`.
///
/// # Errors
/// When number, element types or extents of the inputs do not fit, or an output is empty or too large.
pub(super) fn infer(graph: &Graph, op: &Op, inputs: &[ValueId], scope: &str) -> Result<Vec<Type>, IrError> {
    let site = Site { op: op.name(), scope };
    let mut types = Vec::with_capacity(inputs.len());
    for &value in inputs {
        let Some(v) = graph.values.get(value.index()) else {
            return Err(IrError::Undefined { op: site.op, scope: scope.to_owned(), value: value.index() });
        };
        types.push(&v.ty);
    }
    let outputs = rule(graph, op, &types, &site)?;
    for ty in &outputs {
        let elements = ty.shape.dims().iter().map(|&d| d as u128).product::<u128>();
        if elements == 0 || elements > u128::from(MAX_ELEMENTS) {
            return Err(IrError::Size {
                op: site.op,
                scope: scope.to_owned(),
                shape: ty.shape.clone(),
                elements,
                limit: MAX_ELEMENTS,
            });
        }
    }
    Ok(outputs)
}

fn rule(graph: &Graph, op: &Op, t: &[&Type], site: &Site<'_>) -> Result<Vec<Type>, IrError> {
    let arity = || site.arity(t.len());
    let out = match (op, t) {
        (Op::Param(id), []) => {
            let param = graph.params.get(id.index()).ok_or_else(arity)?;
            Type { dtype: DType::F32, shape: param.shape.clone() }
        }
        (Op::Input(id), []) => graph.inputs.get(id.index()).ok_or_else(arity)?.ty.clone(),
        (Op::Fill { .. }, []) => Type::f32(&[1]),
        (Op::Table(table), []) => table.ty(),
        (Op::Embedding { .. }, [table, ids]) => {
            site.same("table", table, &Type::f32(&[table.shape.rows(), table.shape.columns()]))?;
            site.same("ids", ids, &Type { dtype: DType::U32, shape: ids.shape.clone() })?;
            let mut dims = ids.shape.dims().to_vec();
            dims.push(table.shape.columns());
            Type::f32(&dims)
        }
        (Op::EmbeddingGrad { rows, .. }, [ids, dy]) => {
            site.per_row("ids", ids, DType::U32, dy)?;
            Type::f32(&[*rows, dy.shape.columns()])
        }
        (Op::AddRows { period, first }, [x, table]) => {
            let bias = Type::f32(&[x.shape.columns()]);
            if (*period, *first) != (1, 0) || **table != bias {
                site.same("table", table, &Type::f32(&[table.shape.rows(), x.shape.columns()]))?;
                let used = period.saturating_add(*first);
                if used > table.shape.rows() || *period == 0 || x.shape.rows() % period != 0 {
                    return Err(site.mismatch("rows of the table and the period", x, table));
                }
            }
            (*x).clone()
        }
        (Op::SumRows { period, first, table_rows }, [dy]) => match table_rows {
            None if (*period, *first) == (1, 0) => Type::f32(&[dy.shape.columns()]),
            Some(rows) if period.saturating_add(*first) <= *rows && *period > 0 => {
                Type::f32(&[*rows, dy.shape.columns()])
            }
            None | Some(_) => return Err(arity()),
        },
        (Op::MatMul { ta, tb }, [a, b]) => site.matmul(*ta, *tb, a, b)?,
        (Op::Add, [a, b]) => {
            site.same("operands", a, b)?;
            (*a).clone()
        }
        (Op::Reshape { shape }, [x]) => {
            let reshaped = Type { dtype: x.dtype, shape: shape.clone() };
            if shape.elements() != x.shape.elements() {
                return Err(site.mismatch("numbers of elements", x, &reshaped));
            }
            reshaped
        }
        (Op::Columns { start, count }, [x]) => site.columns(x, *start, *count, x.shape.columns(), *count)?,
        (Op::PadColumns { start, width }, [x]) => site.columns(x, *start, x.shape.columns(), *width, *width)?,
        (Op::Rotate { heads, .. }, [x, angles]) => {
            let dims = x.shape.dims();
            let time = dims.iter().rev().nth(1).copied().unwrap_or(1);
            let (rows, head_dim) = (angles.shape.rows(), angles.shape.columns());
            let fits = head_dim % 2 == 0 && heads.saturating_mul(head_dim) <= x.shape.columns();
            if !fits || (rows != time && rows != x.shape.rows()) || angles.dtype != DType::F32 {
                return Err(site.mismatch("angles", x, angles));
            }
            (*x).clone()
        }
        (Op::Gated(_), [x]) if x.shape.columns() % 2 == 0 => {
            Type::f32(x.shape.with_columns(x.shape.columns() / 2).dims())
        }
        (Op::GatedGrad(_), [x, dy]) => {
            site.same("operands", x, &Type::f32(dy.shape.with_columns(2 * dy.shape.columns()).dims()))?;
            (*x).clone()
        }
        (Op::Scale { .. } | Op::Activation(_) | Op::Dropout(_), [x]) => (*x).clone(),
        (Op::ActivationGrad(_), [x, dy]) => {
            site.same("operands", x, dy)?;
            (*x).clone()
        }
        (Op::Norm { .. }, [x, rest @ ..]) if rest.len() == 1 || rest.len() == 2 => {
            for weight in rest {
                site.same("weight", weight, &Type::f32(&[x.shape.columns()]))?;
            }
            return Ok(vec![(*x).clone(), Type::f32(&[x.shape.rows(), 2])]);
        }
        (Op::NormGrad { .. }, [x, gamma, stats, dy]) => norm_grad(site, x, gamma, stats, dy)?,
        (Op::NormParamGrad { beta }, [x, stats, dy]) => {
            site.same("statistics", stats, &Type::f32(&[x.shape.rows(), 2]))?;
            site.same("operands", x, dy)?;
            return Ok(vec![Type::f32(&[x.shape.columns()]); if *beta { 2 } else { 1 }]);
        }
        (Op::Attention(a), inputs) => return Ok(site.attention(a, inputs)?.1.to_vec()),
        (Op::AttentionGrad(a), [inputs @ .., o, lse, d_o]) => {
            let (_, types) = site.attention(a, inputs)?;
            for (what, found, expected) in [("o", o, &types[0]), ("do", d_o, &types[0]), ("lse", lse, &types[1])] {
                site.same(what, found, expected)?;
            }
            let learned = a.bias_input().filter(|_| a.bias == Bias::Learned).map(|i| inputs[i]);
            return Ok(inputs[..a.projections()].iter().copied().chain(learned).cloned().collect());
        }
        (Op::AttentionProbs(a), [inputs @ .., lse]) => {
            let (shape, types) = site.attention(a, inputs)?;
            site.same("lse", lse, &types[1])?;
            Type::f32(&[shape.batch, a.heads, shape.queries, shape.keys])
        }
        (Op::CrossEntropy { .. }, [logits, targets, weights]) => {
            site.per_row("targets", targets, DType::U32, logits)?;
            site.per_row("weights", weights, DType::F32, logits)?;
            Type::f32(&[1])
        }
        (Op::CrossEntropyGrad { .. }, [logits, targets, weights, dloss]) => {
            site.per_row("targets", targets, DType::U32, logits)?;
            site.per_row("weights", weights, DType::F32, logits)?;
            site.same("dloss", dloss, &Type::f32(&[1]))?;
            (*logits).clone()
        }
        (Op::ElementLoss(_), [x, targets, weights]) => {
            site.same("targets", x, targets)?;
            site.same("weights", x, weights)?;
            Type::f32(&[1])
        }
        (Op::ElementLossGrad(_), [x, targets, weights, dloss]) => {
            site.same("targets", x, targets)?;
            site.same("weights", x, weights)?;
            site.same("dloss", dloss, &Type::f32(&[1]))?;
            (*x).clone()
        }
        (Op::State(id), []) => state(graph, *id, site)?,
        (Op::Store(id), [x]) => {
            let ty = state(graph, *id, site)?;
            site.same("state", x, &ty)?;
            ty
        }
        (Op::Append(id), [x, position]) => {
            let ty = state(graph, *id, site)?;
            site.same("position", position, &Type::u32(&[1]))?;
            let &[batch, _, width] = ty.shape.dims() else { return Err(site.mismatch("state is [B,T,D]", &ty, x)) };
            site.same("row", x, &Type::f32(&[batch, 1, width]))?;
            ty
        }
        (Op::Fused(fused), _) => return fused_rule(fused, t, site),
        (
            Op::Param(_)
            | Op::Input(_)
            | Op::Fill { .. }
            | Op::Table(_)
            | Op::Embedding { .. }
            | Op::EmbeddingGrad { .. }
            | Op::AddRows { .. }
            | Op::SumRows { .. }
            | Op::MatMul { .. }
            | Op::Add
            | Op::Scale { .. }
            | Op::Reshape { .. }
            | Op::Columns { .. }
            | Op::PadColumns { .. }
            | Op::Rotate { .. }
            | Op::Activation(_)
            | Op::Gated(_)
            | Op::GatedGrad(_)
            | Op::ActivationGrad(_)
            | Op::Dropout(_)
            | Op::Norm { .. }
            | Op::NormGrad { .. }
            | Op::NormParamGrad { .. }
            | Op::AttentionGrad(_)
            | Op::AttentionProbs(_)
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGrad { .. }
            | Op::ElementLoss(_)
            | Op::ElementLossGrad(_)
            | Op::State(_)
            | Op::Store(_)
            | Op::Append(_),
            _,
        ) => return Err(arity()),
    };
    Ok(vec![out])
}

fn state(graph: &Graph, id: StateId, site: &Site<'_>) -> Result<Type, IrError> {
    graph.states.get(id.index()).map(|state| state.ty.clone()).ok_or_else(|| site.arity(0))
}

fn norm_grad(site: &Site<'_>, x: &Type, gamma: &Type, stats: &Type, dy: &Type) -> Result<Type, IrError> {
    site.same("weight", gamma, &Type::f32(&[x.shape.columns()]))?;
    site.same("statistics", stats, &Type::f32(&[x.shape.rows(), 2]))?;
    site.same("operands", x, dy)?;
    Ok(x.clone())
}

fn fused_rule(fused: &Fused, t: &[&Type], site: &Site<'_>) -> Result<Vec<Type>, IrError> {
    Ok(match (fused, t) {
        (Fused::Linear { ta, tb, bias, epilogue }, [a, b, rest @ ..]) => {
            let y = site.matmul(*ta, *tb, a, b)?;
            let residual = matches!(epilogue, Epilogue::Residual { .. });
            if rest.len() != usize::from(*bias) + usize::from(residual) {
                return Err(site.arity(t.len()));
            }
            if let (true, Some(found)) = (*bias, rest.first()) {
                site.same("bias", found, &Type::f32(&[y.shape.columns()]))?;
            }
            if let (true, Some(found)) = (residual, rest.last()) {
                site.same("residual", found, &y)?;
            }
            let outputs = if matches!(epilogue, Epilogue::Activation { save: true, .. }) { 2 } else { 1 };
            vec![y; outputs]
        }
        (Fused::MatMulActivationGrad { tb, .. }, [a, b, x]) => {
            let y = site.matmul(false, *tb, a, b)?;
            site.same("argument", x, &y)?;
            vec![y]
        }
        (Fused::WeightBiasGrad, [x, dy]) => {
            vec![site.matmul(true, false, x, dy)?, Type::f32(&[dy.shape.columns()])]
        }
        (Fused::NormGradAdd { .. }, [x, gamma, stats, dy, residual]) => {
            site.same("residual", residual, x)?;
            vec![norm_grad(site, x, gamma, stats, dy)?]
        }
        (Fused::EmbeddingGradAdd { rows, .. }, [other, ids, dy]) => {
            site.per_row("ids", ids, DType::U32, dy)?;
            let table = Type::f32(&[*rows, dy.shape.columns()]);
            site.same("other gradient", other, &table)?;
            vec![table]
        }
        (Fused::CrossEntropyBoth { .. }, [logits, targets, weights]) => {
            site.per_row("targets", targets, DType::U32, logits)?;
            site.per_row("weights", weights, DType::F32, logits)?;
            vec![Type::f32(&[1]), (*logits).clone()]
        }
        (
            Fused::Linear { .. }
            | Fused::MatMulActivationGrad { .. }
            | Fused::WeightBiasGrad
            | Fused::NormGradAdd { .. }
            | Fused::EmbeddingGradAdd { .. }
            | Fused::CrossEntropyBoth { .. },
            _,
        ) => return Err(site.arity(t.len())),
    })
}
