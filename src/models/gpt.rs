//! GPT-2 (Radford et al. 2019) in Hugging Face's layout, with the switches that nanoGPT and minGPT need.
//!
//! Names and shapes are those of `GPT2LMHeadModel`: projections are `Conv1D`, stored `[in,out]`; the head is the token
//! embedding, or with `tie_word_embeddings = false` a `Linear`, stored `[out,in]`.

use super::{Decay, Extents, Gpt2Config, Mode, ModelError, NormPlacement};
use crate::ir::{Attention, Builder, Dropout, Graph, Init, IrError, Mask, NormKind, Op, Param, Shape, Type, ValueId};

/// The language model: next-token cross-entropy over `weights`, logits over the vocabulary.
///
/// Inputs: `ids` u32 `[B,T]`; with a loss `targets` u32 `[B,T]` and `weights` f32 `[B,T]`; with padding `key_mask`.
///
/// # Errors
/// When the configuration or the extents describe no graph.
pub fn language_model(config: &Gpt2Config, extents: Extents, mode: Mode, decay: Decay) -> Result<Graph, ModelError> {
    config.check()?;
    if extents.time > config.n_positions {
        return Err(ModelError::Context { time: extents.time, positions: config.n_positions });
    }
    let mut gpt = Gpt { b: Builder::new(), config, extents, mode, decay };
    gpt.forward()?;
    Ok(gpt.b.finish())
}

struct Gpt<'a> {
    b: Builder,
    config: &'a Gpt2Config,
    extents: Extents,
    mode: Mode,
    decay: Decay,
}

/// What a matrix is used for, which decides on weight decay.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Table,
    Weight,
}

impl Gpt<'_> {
    fn forward(&mut self) -> Result<(), IrError> {
        let Gpt2Config { vocab_size: v, n_positions: p, n_embd: d, n_layer, .. } = *self.config;
        let Extents { batch, time, .. } = self.extents;
        let std = self.config.initializer_range;
        let tokens = Type::u32(&[batch, time]);

        let ids = self.b.input("ids", tokens.clone())?;
        let key_mask = if self.extents.key_mask { Some(self.b.input("key_mask", tokens.clone())?) } else { None };

        let wte = self.matrix("transformer.wte.weight", [v, d], std, Role::Table)?;
        let wpe = self.matrix("transformer.wpe.weight", [p, d], std, Role::Table)?;
        let mut x = self.b.push(Op::Embedding { padding: None }, &[wte, ids])?; // (B, T, d)
        x = self.b.push(Op::AddRows { period: time, first: 0 }, &[x, wpe])?;
        x = self.dropout(x, self.config.embd_pdrop, 0)?;

        for layer in 0..n_layer {
            self.hidden(layer, x);
            x = self.block(layer, x, key_mask)?;
        }
        if self.config.norm == NormPlacement::Pre {
            x = self.layer_norm("transformer.ln_f", x)?;
        }
        self.hidden(n_layer, x);

        let head = if self.config.tie_word_embeddings {
            wte
        } else {
            self.matrix("lm_head.weight", [v, d], std, Role::Weight)?
        };
        let logits = self.scoped("lm_head", |g| g.b.push(Op::MatMul { ta: false, tb: true }, &[x, head]))?; // (B, T, V)
        if self.mode.logits() {
            self.b.output("logits", logits);
        }
        if self.mode.loss() {
            let targets = self.b.input("targets", tokens)?;
            let weights = self.b.input("weights", Type::f32(&[batch, time]))?;
            let loss =
                self.scoped("loss", |g| g.b.push(Op::CrossEntropy { smoothing: 0.0 }, &[logits, targets, weights]))?;
            self.b.output("loss", loss);
        }
        Ok(())
    }

    fn block(&mut self, layer: usize, x: ValueId, key_mask: Option<ValueId>) -> Result<ValueId, IrError> {
        let h = format!("transformer.h.{layer}");
        let (ln_1, ln_2) = (format!("{h}.ln_1"), format!("{h}.ln_2"));
        self.scoped(&format!("h.{layer}"), |g| match g.config.norm {
            NormPlacement::Pre => {
                let a = g.layer_norm(&ln_1, x)?;
                let x = g.attention(layer, &h, a, x, key_mask)?;
                let m = g.layer_norm(&ln_2, x)?;
                g.mlp(layer, &h, m, x)
            }
            NormPlacement::Post => {
                let x = g.attention(layer, &h, x, x, key_mask)?;
                let x = g.layer_norm(&ln_1, x)?;
                let x = g.mlp(layer, &h, x, x)?;
                g.layer_norm(&ln_2, x)
            }
        })
    }

    /// `residual + c_proj(attention(c_attn(x)))`.
    fn attention(
        &mut self,
        layer: usize,
        h: &str,
        x: ValueId,
        residual: ValueId,
        key_mask: Option<ValueId>,
    ) -> Result<ValueId, IrError> {
        let Gpt2Config { n_embd: d, initializer_range: std, .. } = *self.config;
        self.scoped("attn", |g| {
            let qkv = g.conv1d(&format!("{h}.attn.c_attn"), x, [d, 3 * d], std)?; // (B, T, 3d): q, k, v
            let spec = Attention {
                masked: key_mask.is_some(),
                dropout: g.dropout_at(g.config.attn_pdrop, 1 + 3 * layer),
                ..Attention::packed(g.config.n_head, Mask::Causal, g.attention_scale(layer))
            };
            let inputs: Vec<ValueId> = [qkv].into_iter().chain(key_mask).collect();
            let outputs = g.b.push_all(Op::Attention(spec), &inputs)?;
            if g.mode.attention() {
                let inputs: Vec<ValueId> = inputs.iter().copied().chain([outputs[1]]).collect();
                let probs = g.b.push(Op::AttentionProbs(Attention { dropout: None, ..spec }), &inputs)?;
                g.b.output(&format!("attention.{layer}"), probs); // (B, H, T, T)
            }
            let y = g.conv1d(&format!("{h}.attn.c_proj"), outputs[0], [d, d], g.projection_std())?;
            let y = g.dropout(y, g.config.resid_pdrop, 2 + 3 * layer)?;
            g.b.push(Op::Add, &[y, residual])
        })
    }

    /// `residual + c_proj(f(c_fc(x)))`.
    fn mlp(&mut self, layer: usize, h: &str, x: ValueId, residual: ValueId) -> Result<ValueId, IrError> {
        let (d, inner, std) = (self.config.n_embd, self.config.inner(), self.config.initializer_range);
        self.scoped("mlp", |g| {
            let y = g.conv1d(&format!("{h}.mlp.c_fc"), x, [d, inner], std)?; // (B, T, 4d)
            let y = g.b.push(Op::Activation(g.config.activation), &[y])?;
            let y = g.conv1d(&format!("{h}.mlp.c_proj"), y, [inner, d], g.projection_std())?;
            let y = g.dropout(y, g.config.resid_pdrop, 3 + 3 * layer)?;
            g.b.push(Op::Add, &[y, residual])
        })
    }

    fn attention_scale(&self, layer: usize) -> f32 {
        let mut scale = 1.0;
        if self.config.scale_attn_weights {
            scale /= (self.config.head_dim() as f64).sqrt();
        }
        if self.config.scale_attn_by_inverse_layer_idx {
            scale /= (layer + 1) as f64;
        }
        scale as f32
    }

    /// Projections into the residual stream start smaller, so that its variance does not grow with depth.
    fn projection_std(&self) -> f64 {
        self.config.initializer_range / (2.0 * self.config.n_layer as f64).sqrt()
    }

    /// `x·W + b` with `W [in,out]`.
    fn conv1d(&mut self, name: &str, x: ValueId, shape: [usize; 2], std: f64) -> Result<ValueId, IrError> {
        let weight = self.matrix(&format!("{name}.weight"), shape, std, Role::Weight)?;
        let y = self.b.push(Op::MatMul { ta: false, tb: false }, &[x, weight])?;
        if !self.config.bias {
            return Ok(y);
        }
        let bias = self.vector(&format!("{name}.bias"), shape[1], Init::Zeros)?;
        self.b.push(Op::AddRows { period: 1, first: 0 }, &[y, bias])
    }

    fn layer_norm(&mut self, name: &str, x: ValueId) -> Result<ValueId, IrError> {
        let d = self.config.n_embd;
        let last = name.rsplit('.').next().unwrap_or(name).to_owned();
        self.scoped(&last, |g| {
            let mut inputs = vec![x, g.vector(&format!("{name}.weight"), d, Init::Ones)?];
            if g.config.bias {
                inputs.push(g.vector(&format!("{name}.bias"), d, Init::Zeros)?);
            }
            g.b.push(Op::Norm { kind: NormKind::Layer, eps: g.config.layer_norm_epsilon }, &inputs)
        })
    }

    fn dropout(&mut self, x: ValueId, p: f32, site: usize) -> Result<ValueId, IrError> {
        match self.dropout_at(p, site) {
            Some(dropout) => self.b.push(Op::Dropout(dropout), &[x]),
            None => Ok(x),
        }
    }

    fn dropout_at(&self, p: f32, site: usize) -> Option<Dropout> {
        (self.mode.dropout() && p > 0.0).then_some(Dropout { p, site: site as u32 })
    }

    fn matrix(&mut self, name: &str, shape: [usize; 2], std: f64, role: Role) -> Result<ValueId, IrError> {
        let decay = self.decay == Decay::Matrices || role == Role::Weight;
        self.b.param(Param {
            name: name.to_owned(),
            shape: Shape::new(&shape),
            init: Init::Normal { std },
            decay,
            parts: vec![],
        })
    }

    fn vector(&mut self, name: &str, length: usize, init: Init) -> Result<ValueId, IrError> {
        self.b.param(Param { name: name.to_owned(), shape: Shape::new(&[length]), init, decay: false, parts: vec![] })
    }

    /// Hidden states as Hugging Face counts them: 0 is the embedding, n the output of block n, the last one normalized.
    fn hidden(&mut self, index: usize, x: ValueId) {
        if self.mode == Mode::Everything {
            self.b.output(&format!("hidden.{index}"), x);
        }
    }

    fn scoped<T>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> Result<T, IrError>) -> Result<T, IrError> {
        self.b.enter(name);
        let result = body(self);
        self.b.leave();
        result
    }
}
