//! The text form of a graph: one line a node, stable, made to be read in a diff.

use core::fmt;

use super::{Attention, Bias, Dropout, Epilogue, Fused, Graph, Mask, NormKind, Op, Table, ValueId};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            let outputs: Vec<String> =
                node.outputs.iter().map(|&v| format!("%{}: {}", v.index(), self.ty(v))).collect();
            write!(f, "{} = {}", outputs.join(", "), node.op.name())?;
            match &node.op {
                Op::Param(id) => write!(f, " {}", self.params[id.index()].name)?,
                Op::Input(id) => write!(f, " {}", self.inputs[id.index()].name)?,
                Op::State(id) => write!(f, " {}", self.states[id.index()].name)?,
                op => {
                    write!(f, "({})", list(&node.inputs))?;
                    attributes(op, f)?;
                }
            }
            if node.scope.is_empty() { writeln!(f) } else { writeln!(f, "  @ {}", node.scope) }?;
        }
        for (name, value) in &self.outputs {
            writeln!(f, "output {name} = %{}", value.index())?;
        }
        for (param, value) in &self.gradients {
            writeln!(f, "gradient {} = %{}", self.params[param.index()].name, value.index())?;
        }
        Ok(())
    }
}

fn list(values: &[ValueId]) -> String {
    values.iter().map(|v| format!("%{}", v.index())).collect::<Vec<_>>().join(", ")
}

fn attributes(op: &Op, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match op {
        Op::Param(_) | Op::Input(_) | Op::State(_) | Op::Add | Op::Reshape { .. } => Ok(()),
        Op::Store(id) | Op::Append(id) => write!(f, " state={}", id.index()),
        Op::Table(t) => table(t, f),
        Op::Embedding { padding } => pad(*padding, f),
        Op::Columns { start, count } => write!(f, " {start}..{}", start + count),
        Op::PadColumns { start, width } => write!(f, " at={start} width={width}"),
        Op::Rotate { heads, inverse } => write!(f, " heads={heads}{}", if *inverse { " inverse" } else { "" }),
        Op::Gated(a) | Op::GatedGrad(a) => write!(f, " {}", a.name()),
        Op::ElementLoss(l) | Op::ElementLossGrad(l) => write!(f, " {}", l.name()),
        Op::Fill { value } => write!(f, " {value}"),
        Op::EmbeddingGrad { rows, padding } => {
            write!(f, " rows={rows}")?;
            pad(*padding, f)
        }
        Op::AddRows { period, first } => used(*period, *first, f),
        Op::SumRows { period, first, table_rows } => {
            used(*period, *first, f)?;
            table_rows.map_or(Ok(()), |rows| write!(f, " rows={rows}"))
        }
        Op::MatMul { ta, tb } => write!(f, " {}", transposes(*ta, *tb)),
        Op::Scale { factor } => write!(f, " {}", *factor as f32),
        Op::Activation(a) | Op::ActivationGrad(a) => write!(f, " {}", a.name()),
        Op::Dropout(d) => dropout(Some(*d), f),
        Op::Norm { kind, eps } => write!(f, " {} eps={eps:e}", norm(*kind)),
        Op::NormGrad { kind } => write!(f, " {}", norm(*kind)),
        Op::NormParamGrad { beta } => write!(f, " beta={beta}"),
        Op::Attention(a) | Op::AttentionGrad(a) | Op::AttentionProbs(a) => attention(a, f),
        Op::CrossEntropy { smoothing } | Op::CrossEntropyGrad { smoothing } => {
            write!(f, " smoothing={smoothing}")
        }
        Op::Fused(fused) => match fused {
            Fused::Linear { ta, tb, bias, epilogue } => {
                write!(f, " {}", transposes(*ta, *tb))?;
                if *bias {
                    f.write_str(" bias")?;
                }
                match epilogue {
                    Epilogue::None => Ok(()),
                    Epilogue::Activation { f: a, save } => {
                        write!(f, " {}{}", a.name(), if *save { " save" } else { "" })
                    }
                    Epilogue::Residual { dropout: d } => {
                        dropout(*d, f)?;
                        f.write_str(" residual")
                    }
                }
            }
            Fused::MatMulActivationGrad { tb, f: a } => write!(f, " {} {}", transposes(false, *tb), a.name()),
            Fused::NormGradAdd { kind } => write!(f, " {}", norm(*kind)),
            Fused::EmbeddingGradAdd { rows, padding } => {
                write!(f, " rows={rows}")?;
                pad(*padding, f)
            }
            Fused::CrossEntropyBoth { smoothing } => write!(f, " smoothing={smoothing}"),
            Fused::WeightBiasGrad => Ok(()),
        },
    }
}

fn attention(a: &Attention, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, " heads={}", a.heads)?;
    if a.kv_heads != a.heads {
        write!(f, "/{}", a.kv_heads)?;
    }
    match a.mask {
        Mask::Full => f.write_str(" full"),
        Mask::Causal => f.write_str(" causal"),
        Mask::Prefix => f.write_str(" prefix"),
        Mask::Banded { width } => write!(f, " banded={width}"),
    }?;
    let bias = match a.bias {
        Bias::None => "",
        Bias::Fixed => " bias=fixed",
        Bias::Learned => " bias=learned",
    };
    let flag = |set: bool, name: &'static str| if set { name } else { "" };
    let (cross, masked) = (flag(a.cross, " cross"), flag(a.masked, " masked"));
    write!(f, " scale={}{cross}{bias}{masked}{}", a.scale as f32, flag(a.documents, " documents"))?;
    dropout(a.dropout, f)
}

fn table(table: &Table, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match table {
        Table::RelativeBuckets { bidirectional, buckets, max_distance, .. } => {
            let kind = if *bidirectional { "bidirectional" } else { "causal" };
            write!(f, " buckets={buckets}/{max_distance} {kind}")
        }
        Table::Sinusoids { .. } => f.write_str(" sinusoids"),
        Table::Angles { base, .. } => write!(f, " angles base={base}"),
        Table::Slopes { .. } => f.write_str(" slopes"),
    }
}

fn used(period: usize, first: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, " period={period}")?;
    if first > 0 { write!(f, " first={first}") } else { Ok(()) }
}

fn pad(padding: Option<u32>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    padding.map_or(Ok(()), |id| write!(f, " padding={id}"))
}

const fn transposes(ta: bool, tb: bool) -> &'static str {
    match (ta, tb) {
        (false, false) => "nn",
        (false, true) => "nt",
        (true, false) => "tn",
        (true, true) => "tt",
    }
}

const fn norm(kind: NormKind) -> &'static str {
    match kind {
        NormKind::Layer => "layer",
        NormKind::Rms => "rms",
    }
}

fn dropout(d: Option<Dropout>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match d {
        Some(Dropout { p, site }) => write!(f, " dropout={p} site={site}"),
        None => Ok(()),
    }
}
