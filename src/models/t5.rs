//! T5 (Raffel et al. 2020) in Hugging Face's layout: normalized before each sublayer by the root mean square, no biases, no
//! division by √d, and a trained number for each bucket of distances in place of positions. v1.0: relu, tied embeddings,
//! logits from `h·d^-½`; v1.1: a gate, an output projection of its own.
//!
//! Inputs: `ids` u32 `[B,S]`, with padding `key_mask` u32 `[B,S]`, `decoder_ids` u32 `[B,T]`; with a loss `targets` and
//! `weights`.

use super::attend::{Cache, Context, Heads};
use super::net::{Net, NormSpec, Role, Slice};
use super::outputs::no_head;
use super::{Decay, Extents, Head, Mode, Model, ModelError, T5Config};
use crate::ir::{Graph, IrError, Mask, NormKind, Op, Table, Type, ValueId};

/// The graph of a step.
pub(super) fn graph(
    model: &Model,
    config: &T5Config,
    extents: Extents,
    mode: Mode,
    decay: Decay,
) -> Result<Graph, ModelError> {
    if model.head != Head::Language {
        return no_head(model);
    }
    let mut t5 = T5 { net: Net::new(mode, decay), config, extents };
    t5.forward(model.smoothing)?;
    Ok(t5.net.finish())
}

struct T5<'a> {
    net: Net,
    config: &'a T5Config,
    extents: Extents,
}

/// What a layer of the decoder looks at.
#[derive(Clone, Copy)]
struct Source {
    /// The encoder's output; `None` where its keys and values are kept.
    output: Option<ValueId>,
    key_mask: Option<ValueId>,
}

impl T5<'_> {
    fn forward(&mut self, smoothing: f64) -> Result<(), IrError> {
        let (config, extents) = (self.config, self.extents);
        let shape = [config.vocab_size, config.d_model];
        let shared = self.net.matrix("shared.weight", shape, config.initializer_factor, Role::Table)?;
        let key_mask = self.net.key_mask(extents, extents.time)?;
        let output = if self.net.mode == Mode::Decode { None } else { Some(self.encoder(shared, key_mask)?) };
        let source = Source { output, key_mask };
        if self.net.mode == Mode::Encode {
            return self.keep(source);
        }
        let h = self.decoder(shared, source)?;
        let h = self.net.labeled_rows(h, extents)?;
        let logits = self.net.scoped("lm_head", |net| {
            let (h, weight) = if config.tie_word_embeddings {
                let factor = 1.0 / (config.d_model as f64).sqrt();
                (net.b.push(Op::Scale { factor }, &[h])?, shared)
            } else {
                // Hugging Face starts it at 1, so that the first losses are far above ln V; see the README.
                let std = config.initializer_factor / (config.d_model as f64).sqrt();
                (h, net.matrix("lm_head.weight", shape, std, Role::Weight)?)
            };
            net.b.push(Op::MatMul { ta: false, tb: true }, &[h, weight])
        })?;
        self.net.token_loss(logits, smoothing) // (B, T, V)
    }

    fn encoder(&mut self, shared: ValueId, key_mask: Option<ValueId>) -> Result<ValueId, IrError> {
        let (config, Extents { batch, time, .. }) = (self.config, self.extents);
        self.net.b.enter("encoder");
        let ids = self.net.b.input("ids", Type::u32(&[batch, time]))?;
        let mut x = self.net.b.push(Op::Embedding { padding: None }, &[shared, ids])?; // (B, S, d)
        x = self.net.dropout(x, config.dropout_rate)?;
        let bias = self.relative_bias("encoder", true, time, None)?;
        let context = Context { key_mask, bias: Some((bias, true)), ..Context::default() };
        for layer in 0..config.num_layers {
            self.net.hidden(&format!("encoder.hidden.{layer}"), x);
            let name = format!("encoder.block.{layer}.layer");
            self.net.b.enter(&format!("block.{layer}"));
            x = self.self_attention(&name, &format!("encoder.attention.{layer}"), x, Mask::Full, &context)?;
            x = self.feed_forward(&format!("{name}.1"), x)?;
            self.net.b.leave();
        }
        x = self.net.norm("encoder.final_layer_norm", x, self.norm())?;
        x = self.net.dropout(x, config.dropout_rate)?;
        self.net.hidden("encoder.last", x);
        self.net.b.leave();
        Ok(x)
    }

    fn decoder(&mut self, shared: ValueId, source: Source) -> Result<ValueId, IrError> {
        let (config, Extents { batch, target, .. }) = (self.config, self.extents);
        self.net.b.enter("decoder");
        let cache = self.net.cache(self.extents, target)?;
        let tokens = if cache.is_some() { 1 } else { target };
        let ids = self.net.b.input("decoder_ids", Type::u32(&[batch, tokens]))?;
        let mut x = self.net.b.push(Op::Embedding { padding: None }, &[shared, ids])?; // (B, T, d)
        x = self.net.dropout(x, config.dropout_rate)?;
        let bias = self.relative_bias("decoder", false, target, cache)?;
        let context = Context { bias: Some((bias, true)), cache, ..Context::default() };
        for layer in 0..config.decoder_layers() {
            self.net.hidden(&format!("decoder.hidden.{layer}"), x);
            let name = format!("decoder.block.{layer}.layer");
            self.net.b.enter(&format!("block.{layer}"));
            x = self.self_attention(&name, &format!("decoder.attention.{layer}"), x, Mask::Causal, &context)?;
            x = self.cross_attention(layer, x, source)?;
            x = self.feed_forward(&format!("{name}.2"), x)?;
            self.net.b.leave();
        }
        x = self.net.norm("decoder.final_layer_norm", x, self.norm())?;
        x = self.net.dropout(x, config.dropout_rate)?;
        self.net.b.leave();
        Ok(x)
    }

    /// `x + o(attention(q, k, v of RMS x))`.
    fn self_attention(
        &mut self,
        name: &str,
        show: &str,
        x: ValueId,
        mask: Mask,
        context: &Context,
    ) -> Result<ValueId, IrError> {
        let (config, heads, norm) = (self.config, self.heads(mask), self.norm());
        self.net.scoped("self", |net| {
            let y = net.norm(&format!("{name}.0.layer_norm"), x, norm)?;
            let own = format!("{name}.0.SelfAttention");
            let qkv = net.stacked(&format!("{own}.qkv"), y, &slices(config, &own, &["q", "k", "v"]), false)?;
            let o = net.self_attention(&own, show, qkv, heads, context)?;
            output(net, config, &own, o, x)
        })
    }

    /// `x + o(attention(q of RMS x; k, v of the encoder's output))`.
    fn cross_attention(&mut self, layer: usize, x: ValueId, source: Source) -> Result<ValueId, IrError> {
        let (config, heads, norm) = (self.config, self.heads(Mask::Full), self.norm());
        let kv = self.cross_projection(layer, source)?;
        self.net.scoped("cross", |net| {
            let name = format!("decoder.block.{layer}.layer.1");
            let own = format!("{name}.EncDecAttention");
            let y = net.norm(&format!("{name}.layer_norm"), x, norm)?;
            let q = net.stacked(&format!("{own}.query"), y, &slices(config, &own, &["q"]), false)?;
            let o = net.cross_attention(&format!("cross.attention.{layer}"), q, kv, heads, source.key_mask)?;
            output(net, config, &own, o, x)
        })
    }

    /// Keys and values of the encoder's output for a layer of the decoder, made or kept.
    fn cross_projection(&mut self, layer: usize, source: Source) -> Result<ValueId, IrError> {
        let (config, Extents { batch, time, .. }) = (self.config, self.extents);
        let own = format!("decoder.block.{layer}.layer.1.EncDecAttention");
        match source.output {
            Some(x) => self.net.stacked(&format!("{own}.kv"), x, &slices(config, &own, &["k", "v"]), false),
            None => self.net.kept(layer, [batch, time, 2 * config.inner()]),
        }
    }

    /// The encoder's part of a generation: keys and values for every layer of the decoder.
    fn keep(&mut self, source: Source) -> Result<(), IrError> {
        for layer in 0..self.config.decoder_layers() {
            let kv = self.cross_projection(layer, source)?;
            self.net.keep(layer, kv)?;
        }
        Ok(())
    }

    /// `x + wo(dropout(f(wi RMS x)))`, or with a gate `f(wi_0 …)·(wi_1 …)`.
    fn feed_forward(&mut self, name: &str, x: ValueId) -> Result<ValueId, IrError> {
        let (config, norm) = (self.config, self.norm());
        let (d, f, ff) = (config.d_model, config.d_ff, config.feed_forward_proj);
        let std = |inputs: usize| config.initializer_factor / (inputs as f64).sqrt();
        self.net.scoped("ffn", |net| {
            let y = net.norm(&format!("{name}.layer_norm"), x, norm)?;
            let own = format!("{name}.DenseReluDense");
            let names: &[&str] = if ff.gated { &["wi_0", "wi_1"] } else { &["wi"] };
            let slice = |part: &&str| Slice { name: format!("{own}.{part}"), outputs: f, std: std(d) };
            let slices: Vec<Slice> = names.iter().map(slice).collect();
            let y = net.stacked(&format!("{own}.in"), y, &slices, false)?; // (B, T, f) or (B, T, 2f)
            let op = if ff.gated { Op::Gated(ff.activation) } else { Op::Activation(ff.activation) };
            let y = net.b.push(op, &[y])?;
            let y = net.dropout(y, config.dropout_rate)?;
            let y = net.linear(&format!("{own}.wo"), y, d, std(f), false)?;
            net.residual(y, x, config.dropout_rate)
        })
    }

    /// The bias of a stack, stored in its first block and used by all.
    fn relative_bias(
        &mut self,
        stack: &str,
        bidirectional: bool,
        time: usize,
        cache: Option<Cache>,
    ) -> Result<ValueId, IrError> {
        let config = self.config;
        let table = Table::RelativeBuckets {
            bidirectional,
            buckets: config.relative_attention_num_buckets,
            max_distance: config.relative_attention_max_distance,
            queries: time,
            keys: time,
        };
        let name = format!("{stack}.block.0.layer.0.SelfAttention.relative_attention_bias");
        let shape = [config.relative_attention_num_buckets, config.num_heads];
        let std = config.initializer_factor / (config.d_model as f64).sqrt();
        self.net.relative_bias(&name, table, shape, std, cache)
    }

    const fn heads(&self, mask: Mask) -> Heads {
        let config = self.config;
        Heads {
            heads: config.num_heads,
            kv_heads: config.num_heads,
            head_dim: config.d_kv,
            scale: 1.0,
            mask,
            dropout: config.dropout_rate,
            qk_norm: None,
        }
    }

    const fn norm(&self) -> NormSpec {
        NormSpec { kind: NormKind::Rms, eps: self.config.layer_norm_epsilon, bias: false }
    }
}

/// The projections of an attention; queries start smaller, because scores are not divided by √d.
fn slices(config: &T5Config, own: &str, parts: &[&str]) -> Vec<Slice> {
    let (d, d_kv) = (config.d_model as f64, config.d_kv as f64);
    let std = |part: &str| config.initializer_factor / if part == "q" { (d * d_kv).sqrt() } else { d.sqrt() };
    let slice = |part: &&str| Slice { name: format!("{own}.{part}"), outputs: config.inner(), std: std(part) };
    parts.iter().map(slice).collect()
}

/// `x + dropout(o(y))`.
fn output(net: &mut Net, config: &T5Config, own: &str, y: ValueId, x: ValueId) -> Result<ValueId, IrError> {
    let std = config.initializer_factor / (config.inner() as f64).sqrt();
    let y = net.linear(&format!("{own}.o"), y, config.d_model, std, false)?;
    net.residual(y, x, config.dropout_rate)
}
