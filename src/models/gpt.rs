//! GPT-2 (Radford et al. 2019) in Hugging Face's layout, with the switches that nanoGPT, minGPT and GPT-3 need.
//!
//! Names and shapes are those of `GPT2LMHeadModel`: projections are `Conv1D`, stored `[in,out]`; the head is the token
//! embedding, or with `tie_word_embeddings = false` a `Linear`, stored `[out,in]`.

use super::attend::{Context, Heads};
use super::net::{Net, NormSpec, Role};
use super::{Decay, Extents, Gpt2Config, Head, KeyMask, Mode, Model, ModelError, NormPlacement, Position};
use crate::ir::{Graph, IrError, Mask, Op, Table, Type, ValueId};

/// The graph of a step.
///
/// Inputs: `ids` u32 `[B,T]`; with a loss `targets` and `weights`; with a key mask `key_mask`, and if it numbers documents
/// `position_ids` u32 `[B,T]`. The token that follows is predicted: targets are ids shifted by one.
pub(super) fn graph(
    model: &Model,
    config: &Gpt2Config,
    extents: Extents,
    mode: Mode,
    decay: Decay,
) -> Result<Graph, ModelError> {
    let mut gpt = Gpt { net: Net::new(mode, decay), config, extents };
    let (x, wte) = gpt.stack()?;
    match model.head {
        Head::Language => gpt.language(x, wte, model.smoothing)?,
        Head::Sequence(labels) => {
            let last = gpt.net.picked_rows(x)?;
            let logits = gpt.net.linear("score", last, labels.count, config.initializer_range, false)?;
            gpt.net.sequence_loss(logits, labels)?;
        }
        Head::Token { labels } => {
            let x = gpt.net.dropout(x, config.classifier_dropout.unwrap_or(0.1))?;
            let logits = gpt.net.linear("classifier", x, labels, config.initializer_range, true)?;
            gpt.net.token_loss(logits, 0.0)?;
        }
        Head::Question => {
            let logits = gpt.net.linear("qa_outputs", x, 2, config.initializer_range, true)?;
            gpt.net.question_loss(logits)?;
        }
        Head::PreTraining | Head::NextSentence => return super::outputs::no_head(model),
    }
    Ok(gpt.net.finish())
}

struct Gpt<'a> {
    net: Net,
    config: &'a Gpt2Config,
    extents: Extents,
}

impl Gpt<'_> {
    /// Embeddings and blocks; returns the last hidden states and the token embedding.
    fn stack(&mut self) -> Result<(ValueId, ValueId), IrError> {
        let Gpt2Config { vocab_size: v, n_positions: p, n_embd: d, n_layer, initializer_range: std, .. } = *self.config;
        let Extents { batch, time, .. } = self.extents;
        let (options, net) = (self.config.options, &mut self.net);
        let tokens = if net.mode == Mode::Decode { 1 } else { time };

        let ids = net.b.input("ids", Type::u32(&[batch, tokens]))?;
        let mut cache = net.cache(self.extents, time)?;
        if let Some(cache) = cache.as_mut().filter(|_| options.band.is_some() && n_layer > 1) {
            cache.band = Some(net.b.input("band_mask", Type::u32(&[batch, time]))?);
        }
        let key_mask = if cache.is_some() { None } else { net.key_mask(self.extents, time)? };
        let documents = self.extents.key_mask == KeyMask::Documents;
        let mut context = Context { key_mask, documents, cache, ..Context::default() };

        let wte = net.matrix("transformer.wte.weight", [v, d], std, Role::Table)?;
        let mut wpe = None;
        if options.position == Position::Learned {
            wpe = Some(net.matrix("transformer.wpe.weight", [p, d], std, Role::Table)?);
        }
        let mut x = net.b.push(Op::Embedding { padding: None }, &[wte, ids])?; // (B, T, d)
        match options.position {
            Position::Learned | Position::Sinusoidal => {
                let table = match wpe {
                    Some(table) => table,
                    None => net.b.push(Op::Table(Table::Sinusoids { rows: p, columns: d }), &[])?,
                };
                x = if documents && cache.is_none() {
                    let positions = net.b.input("position_ids", Type::u32(&[batch, time]))?;
                    let rows = net.b.push(Op::Embedding { padding: None }, &[table, positions])?;
                    net.b.push(Op::Add, &[x, rows])?
                } else {
                    net.add_positions(x, table, 0, cache)?
                };
            }
            Position::Rotary => context.angles = Some(net.angles(time, self.config.head_dim(), cache)?),
            Position::Alibi => {
                let slopes = Table::Slopes { heads: self.config.n_head, queries: time, keys: time };
                let slopes = net.b.push(Op::Table(slopes), &[])?;
                context.bias = Some((net.distances_here(slopes, cache)?, false));
            }
            Position::None => {}
        }
        x = net.dropout(x, self.config.embd_pdrop)?;

        for layer in 0..n_layer {
            self.net.hidden(&format!("hidden.{layer}"), x);
            x = self.block(layer, x, &context)?;
        }
        if options.norm == NormPlacement::Pre {
            x = self.net.norm("transformer.ln_f", x, self.norm())?;
        }
        self.net.hidden(&format!("hidden.{n_layer}"), x);
        Ok((x, wte))
    }

    fn language(&mut self, x: ValueId, wte: ValueId, smoothing: f64) -> Result<(), IrError> {
        let x = self.net.labeled_rows(x, self.extents)?;
        let head = if self.config.tie_word_embeddings {
            wte
        } else {
            let shape = [self.config.vocab_size, self.config.n_embd];
            self.net.matrix("lm_head.weight", shape, self.config.initializer_range, Role::Weight)?
        };
        let logits = self.net.scoped("lm_head", |net| net.b.push(Op::MatMul { ta: false, tb: true }, &[x, head]))?;
        self.net.token_loss(logits, smoothing) // (B, T, V)
    }

    fn block(&mut self, layer: usize, x: ValueId, context: &Context) -> Result<ValueId, IrError> {
        let h = format!("transformer.h.{layer}");
        let (ln_1, ln_2) = (format!("{h}.ln_1"), format!("{h}.ln_2"));
        let (place, norm) = (self.config.options.norm, self.norm());
        self.net.b.enter(&format!("h.{layer}"));
        let y = match place {
            NormPlacement::Pre => {
                let a = self.net.norm(&ln_1, x, norm)?;
                let x = self.attention(layer, &h, a, x, context)?;
                let m = self.net.norm(&ln_2, x, norm)?;
                self.mlp(&h, m, x)?
            }
            NormPlacement::Post => {
                let x = self.attention(layer, &h, x, x, context)?;
                let x = self.net.norm(&ln_1, x, norm)?;
                let x = self.mlp(&h, x, x)?;
                self.net.norm(&ln_2, x, norm)?
            }
        };
        self.net.b.leave();
        Ok(y)
    }

    /// `residual + c_proj(attention(c_attn(x)))`.
    fn attention(
        &mut self,
        layer: usize,
        h: &str,
        x: ValueId,
        residual: ValueId,
        context: &Context,
    ) -> Result<ValueId, IrError> {
        let (config, heads) = (self.config, self.heads(layer));
        let width = (heads.heads + 2 * heads.kv_heads) * heads.head_dim;
        let (bias, std, last) = (config.options.bias, config.initializer_range, self.projection_std());
        self.net.scoped("attn", |net| {
            let qkv = net.conv1d(&format!("{h}.attn.c_attn"), x, width, std, bias)?; // (B, T, 3d): q, k, v
            let o = net.self_attention(&format!("{h}.attn"), &format!("attention.{layer}"), qkv, heads, context)?;
            let y = net.conv1d(&format!("{h}.attn.c_proj"), o, config.n_embd, last, bias)?;
            net.residual(y, residual, config.resid_pdrop)
        })
    }

    /// `residual + c_proj(f(c_fc(x)))`.
    fn mlp(&mut self, h: &str, x: ValueId, residual: ValueId) -> Result<ValueId, IrError> {
        let (config, last) = (self.config, self.projection_std());
        let (gated, bias, std) = (config.options.gated, config.options.bias, config.initializer_range);
        self.net.scoped("mlp", |net| {
            let width = config.inner() * if gated { 2 } else { 1 };
            let y = net.conv1d(&format!("{h}.mlp.c_fc"), x, width, std, bias)?; // (B, T, 4d)
            let f = if gated { Op::Gated(config.activation) } else { Op::Activation(config.activation) };
            let y = net.b.push(f, &[y])?;
            let y = net.conv1d(&format!("{h}.mlp.c_proj"), y, config.n_embd, last, bias)?;
            net.residual(y, residual, config.resid_pdrop)
        })
    }

    fn heads(&self, layer: usize) -> Heads {
        let config = self.config;
        let mut scale = 1.0;
        if config.scale_attn_weights {
            scale /= (config.head_dim() as f64).sqrt();
        }
        if config.scale_attn_by_inverse_layer_idx {
            scale /= (layer + 1) as f64;
        }
        let mask = match (config.options.band, self.extents.key_mask) {
            (Some(width), _) if layer % 2 == 1 => Mask::Banded { width },
            (_, KeyMask::Prefix) => Mask::Prefix,
            (_, KeyMask::None | KeyMask::Padding | KeyMask::Documents) => Mask::Causal,
        };
        Heads {
            heads: config.n_head,
            kv_heads: config.kv_heads(),
            head_dim: config.head_dim(),
            scale,
            mask,
            dropout: config.attn_pdrop,
            qk_norm: config.options.qk_norm.then_some(config.layer_norm_epsilon),
        }
    }

    fn norm(&self) -> NormSpec {
        let options = self.config.options;
        NormSpec { kind: options.norm_kind, eps: self.config.layer_norm_epsilon, bias: options.bias }
    }

    /// Projections into the residual stream start smaller, so that its variance does not grow with depth.
    fn projection_std(&self) -> f64 {
        self.config.initializer_range / (2.0 * self.config.n_layer as f64).sqrt()
    }
}
