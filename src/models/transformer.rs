//! The original Transformer (Vaswani et al. 2017), as *Dive into Deep Learning* builds it, under its names: post-norm blocks,
//! embeddings times √d plus sines and cosines, separate vocabularies of source and target, an output projection of its own.
//!
//! Inputs: `ids` u32 `[B,S]`, with padding `key_mask` u32 `[B,S]`, `decoder_ids` u32 `[B,T]`; with a loss `targets` and
//! `weights`.

use super::attend::{Cache, Context, Heads};
use super::net::{Net, NormSpec, Role, Slice};
use super::outputs::no_head;
use super::{Decay, Extents, Head, Mode, Model, ModelError, TransformerConfig};
use crate::ir::{Graph, IrError, Mask, NormKind, Op, Table, Type, ValueId};

/// The graph of a step.
pub(super) fn graph(
    model: &Model,
    config: &TransformerConfig,
    extents: Extents,
    mode: Mode,
    decay: Decay,
) -> Result<Graph, ModelError> {
    if model.head != Head::Language {
        return no_head(model);
    }
    let mut transformer = Transformer { net: Net::new(mode, decay), config, extents };
    transformer.forward(model.smoothing)?;
    Ok(transformer.net.finish())
}

struct Transformer<'a> {
    net: Net,
    config: &'a TransformerConfig,
    extents: Extents,
}

impl Transformer<'_> {
    fn forward(&mut self, smoothing: f64) -> Result<(), IrError> {
        let (config, extents) = (self.config, self.extents);
        let key_mask = self.net.key_mask(extents, extents.time)?;
        let output = if self.net.mode == Mode::Decode { None } else { Some(self.encoder(key_mask)?) };
        if self.net.mode == Mode::Encode {
            for layer in 0..config.decoder_layers {
                let kv = self.cross_projection(layer, output)?;
                self.net.keep(layer, kv)?;
            }
            return Ok(());
        }
        let x = self.decoder(output, key_mask)?;
        let x = self.net.labeled_rows(x, extents)?;
        let (inputs, outputs) = (config.d_model, config.target_vocabulary());
        let logits = self.net.linear("decoder.dense", x, outputs, xavier(inputs, outputs), true)?;
        self.net.token_loss(logits, smoothing) // (B, T, V)
    }

    fn encoder(&mut self, key_mask: Option<ValueId>) -> Result<ValueId, IrError> {
        let (config, Extents { batch, time, .. }) = (self.config, self.extents);
        self.net.b.enter("encoder");
        let ids = self.net.b.input("ids", Type::u32(&[batch, time]))?;
        let mut x = self.embed("encoder", config.vocab_size, ids, None)?;
        let context = Context { key_mask, ..Context::default() };
        for layer in 0..config.encoder_layers {
            self.net.hidden(&format!("encoder.hidden.{layer}"), x);
            let name = format!("encoder.blocks.{layer}");
            let show = format!("encoder.attention.{layer}");
            self.net.b.enter(&format!("blocks.{layer}"));
            x = self.self_attention(&name, "attention", &show, x, Mask::Full, &context)?;
            x = self.feed_forward(&name, 2, x)?;
            self.net.b.leave();
        }
        self.net.hidden("encoder.last", x);
        self.net.b.leave();
        Ok(x)
    }

    fn decoder(&mut self, output: Option<ValueId>, key_mask: Option<ValueId>) -> Result<ValueId, IrError> {
        let (config, Extents { batch, target, .. }) = (self.config, self.extents);
        self.net.b.enter("decoder");
        let cache = self.net.cache(self.extents, target)?;
        let tokens = if cache.is_some() { 1 } else { target };
        let ids = self.net.b.input("decoder_ids", Type::u32(&[batch, tokens]))?;
        let mut x = self.embed("decoder", config.target_vocabulary(), ids, cache)?;
        let context = Context { cache, ..Context::default() };
        for layer in 0..config.decoder_layers {
            self.net.hidden(&format!("decoder.hidden.{layer}"), x);
            let name = format!("decoder.blocks.{layer}");
            let show = format!("decoder.attention.{layer}");
            self.net.b.enter(&format!("blocks.{layer}"));
            x = self.self_attention(&name, "attention1", &show, x, Mask::Causal, &context)?;
            x = self.cross_attention(layer, x, output, key_mask)?;
            x = self.feed_forward(&name, 3, x)?;
            self.net.b.leave();
        }
        self.net.b.leave();
        Ok(x)
    }

    /// `dropout(E[id]·√d + P[t])`.
    fn embed(
        &mut self,
        stack: &str,
        vocabulary: usize,
        ids: ValueId,
        cache: Option<Cache>,
    ) -> Result<ValueId, IrError> {
        let (config, net) = (self.config, &mut self.net);
        let d = config.d_model;
        let table =
            net.matrix(&format!("{stack}.embedding.weight"), [vocabulary, d], 1.0 / (d as f64).sqrt(), Role::Table)?;
        let x = net.b.push(Op::Embedding { padding: None }, &[table, ids])?; // (B, T, d)
        let x = net.b.push(Op::Scale { factor: (d as f64).sqrt() }, &[x])?;
        let rows = config.max_position_embeddings;
        let positions = net.b.push(Op::Table(Table::Sinusoids { rows, columns: d }), &[])?;
        let x = net.add_positions(x, positions, 0, cache)?;
        net.dropout(x, config.dropout)
    }

    /// `LN(x + W_o(attention(q, k, v of x)))`.
    fn self_attention(
        &mut self,
        name: &str,
        part: &str,
        show: &str,
        x: ValueId,
        mask: Mask,
        context: &Context,
    ) -> Result<ValueId, IrError> {
        let (config, heads) = (self.config, self.heads(mask));
        self.net.scoped("self", |net| {
            let own = format!("{name}.{part}");
            let qkv = net.stacked(&format!("{own}.W_qkv"), x, &slices(config, &own, &["q", "k", "v"]), false)?;
            let o = net.self_attention(&own, show, qkv, heads, context)?;
            output(net, config, &own, &format!("{name}.addnorm1"), o, x)
        })
    }

    /// `LN(x + W_o(attention(q of x; k, v of the encoder's output)))`.
    fn cross_attention(
        &mut self,
        layer: usize,
        x: ValueId,
        source: Option<ValueId>,
        key_mask: Option<ValueId>,
    ) -> Result<ValueId, IrError> {
        let (config, heads) = (self.config, self.heads(Mask::Full));
        let kv = self.cross_projection(layer, source)?;
        self.net.scoped("cross", |net| {
            let name = format!("decoder.blocks.{layer}");
            let own = format!("{name}.attention2");
            let q = net.stacked(&format!("{own}.query"), x, &slices(config, &own, &["q"]), false)?;
            let o = net.cross_attention(&format!("cross.attention.{layer}"), q, kv, heads, key_mask)?;
            output(net, config, &own, &format!("{name}.addnorm2"), o, x)
        })
    }

    /// Keys and values of the encoder's output for a layer of the decoder, made or kept.
    fn cross_projection(&mut self, layer: usize, source: Option<ValueId>) -> Result<ValueId, IrError> {
        let (config, Extents { batch, time, .. }) = (self.config, self.extents);
        let own = format!("decoder.blocks.{layer}.attention2");
        match source {
            Some(x) => self.net.stacked(&format!("{own}.W_kv"), x, &slices(config, &own, &["k", "v"]), false),
            None => self.net.kept(layer, [batch, time, 2 * config.d_model]),
        }
    }

    /// `LN(x + W_2 relu(W_1 x))`.
    fn feed_forward(&mut self, name: &str, addnorm: usize, x: ValueId) -> Result<ValueId, IrError> {
        let (config, norm) = (self.config, self.norm());
        let (d, f) = (config.d_model, config.d_ff);
        self.net.scoped("ffn", |net| {
            let y = net.linear(&format!("{name}.ffn.dense1"), x, f, xavier(d, f), true)?;
            let y = net.b.push(Op::Activation(config.activation), &[y])?;
            let y = net.linear(&format!("{name}.ffn.dense2"), y, d, xavier(d, f), true)?;
            let y = net.residual(y, x, config.dropout)?;
            net.norm(&format!("{name}.addnorm{addnorm}.ln"), y, norm)
        })
    }

    fn heads(&self, mask: Mask) -> Heads {
        let head_dim = self.config.d_model / self.config.num_heads;
        Heads {
            heads: self.config.num_heads,
            kv_heads: self.config.num_heads,
            head_dim,
            scale: 1.0 / (head_dim as f64).sqrt(),
            mask,
            dropout: self.config.dropout,
            qk_norm: None,
        }
    }

    const fn norm(&self) -> NormSpec {
        norm(self.config)
    }
}

const fn norm(config: &TransformerConfig) -> NormSpec {
    NormSpec { kind: NormKind::Layer, eps: config.layer_norm_eps, bias: true }
}

fn slices(config: &TransformerConfig, own: &str, parts: &[&str]) -> Vec<Slice> {
    let d = config.d_model;
    let name = |part: &&str| format!("{own}.W_{part}");
    parts.iter().map(|part| Slice { name: name(part), outputs: d, std: xavier(d, d) }).collect()
}

/// `LN(x + dropout(W_o y))`.
fn output(
    net: &mut Net,
    config: &TransformerConfig,
    own: &str,
    addnorm: &str,
    y: ValueId,
    x: ValueId,
) -> Result<ValueId, IrError> {
    let d = config.d_model;
    let y = net.linear(&format!("{own}.W_o"), y, d, xavier(d, d), false)?;
    let y = net.residual(y, x, config.dropout)?;
    net.norm(&format!("{addnorm}.ln"), y, norm(config))
}

/// Standard deviation of Glorot & Bengio 2010.
fn xavier(inputs: usize, outputs: usize) -> f64 {
    (2.0 / (inputs + outputs) as f64).sqrt()
}
