//! The text form of a graph: one line a node, stable, made to be read in a diff.

use core::fmt;

use super::{Dropout, Epilogue, Fused, Graph, Mask, NormKind, Op, ValueId};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            let outputs: Vec<String> =
                node.outputs.iter().map(|&v| format!("%{}: {}", v.index(), self.ty(v))).collect();
            write!(f, "{} = {}", outputs.join(", "), node.op.name())?;
            match &node.op {
                Op::Param(id) => write!(f, " {}", self.params[id.index()].name)?,
                Op::Input(id) => write!(f, " {}", self.inputs[id.index()].name)?,
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
        Op::Param(_) | Op::Input(_) | Op::Embedding | Op::Add => Ok(()),
        Op::Fill { value } => write!(f, " {value}"),
        Op::EmbeddingGrad { rows } => write!(f, " rows={rows}"),
        Op::AddRows { period } => write!(f, " period={period}"),
        Op::SumRows { period, table_rows } => match table_rows {
            Some(rows) => write!(f, " period={period} rows={rows}"),
            None => write!(f, " period={period}"),
        },
        Op::MatMul { ta, tb } => write!(f, " {}", transposes(*ta, *tb)),
        Op::Scale { factor } => write!(f, " {factor}"),
        Op::Activation(a) | Op::ActivationGrad(a) => write!(f, " {}", a.name()),
        Op::Dropout(d) => dropout(Some(*d), f),
        Op::Norm { kind, eps } => write!(f, " {} eps={eps:e}", norm(*kind)),
        Op::NormGrad { kind } => write!(f, " {}", norm(*kind)),
        Op::NormParamGrad { beta } => write!(f, " beta={beta}"),
        Op::Attention(a) | Op::AttentionGrad(a) | Op::AttentionProbs(a) => {
            let mask = match a.mask {
                Mask::Full => "full",
                Mask::Causal => "causal",
            };
            write!(f, " heads={} {mask} scale={}", a.heads, a.scale)?;
            dropout(a.dropout, f)
        }
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
            Fused::EmbeddingGradAdd { rows } => write!(f, " rows={rows}"),
            Fused::CrossEntropyBoth { smoothing } => write!(f, " smoothing={smoothing}"),
            Fused::WeightBiasGrad => Ok(()),
        },
    }
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
