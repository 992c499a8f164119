//! BART (Lewis et al. 2020) in Hugging Face's layout: a post-norm encoder–decoder with a norm after the embeddings and
//! positions that start at row 2 of their table.
//!
//! Inputs: `ids` u32 `[B,S]`, with padding `key_mask` u32 `[B,S]`, `decoder_ids` u32 `[B,T]`; what the head asks for
//! beside them. Classification and question answering give the same text to both stacks.

use super::attend::{Cache, Context, Heads};
use super::head::Labels;
use super::net::{Net, NormSpec, Role, Slice};
use super::outputs::no_head;
use super::{BartConfig, Decay, Extents, Head, Mode, Model, ModelError};
use crate::ir::{Activation, Graph, Init, IrError, Mask, NormKind, Op, Type, ValueId};

/// Rows of the table of positions before the first position.
pub(super) const FIRST_POSITION: usize = 2;
/// PyTorch's default: the configuration has no key for it.
const NORM: NormSpec = NormSpec { kind: NormKind::Layer, eps: 1e-5, bias: true };

/// The graph of a step.
pub(super) fn graph(
    model: &Model,
    config: &BartConfig,
    extents: Extents,
    mode: Mode,
    decay: Decay,
) -> Result<Graph, ModelError> {
    let mut bart = Bart { net: Net::new(mode, decay), config, extents };
    let shared = bart.shared()?;
    let Some(x) = bart.stacks(shared)? else { return Ok(bart.net.finish()) };
    match model.head {
        Head::Language => bart.language(x, shared, model.smoothing)?,
        Head::Sequence(labels) => bart.classify(x, labels)?,
        Head::Question => {
            let logits = bart.net.linear("qa_outputs", x, 2, config.init_std, true)?;
            bart.net.question_loss(logits)?;
        }
        Head::PreTraining | Head::NextSentence | Head::Token { .. } => return no_head(model),
    }
    Ok(bart.net.finish())
}

struct Bart<'a> {
    net: Net,
    config: &'a BartConfig,
    extents: Extents,
}

/// One of the two stacks.
#[derive(Clone, Copy)]
struct Stack {
    name: &'static str,
    layers: usize,
    heads: usize,
    inner: usize,
    mask: Mask,
}

impl Bart<'_> {
    fn shared(&mut self) -> Result<ValueId, IrError> {
        let config = self.config;
        let shape = [config.vocab_size, config.d_model];
        self.net.token_table("model.shared.weight", shape, config.init_std, Some(config.pad_token_id))
    }

    /// Both stacks; `None` when the decoder comes later, token by token.
    fn stacks(&mut self, shared: ValueId) -> Result<Option<ValueId>, IrError> {
        let (config, extents) = (self.config, self.extents);
        let key_mask = self.net.key_mask(extents, extents.time)?;
        let encoder = Stack {
            name: "encoder",
            layers: config.encoder_layers,
            heads: config.encoder_attention_heads,
            inner: config.encoder_ffn_dim,
            mask: Mask::Full,
        };
        let decoder = Stack {
            name: "decoder",
            layers: config.decoder_layers,
            heads: config.decoder_attention_heads,
            inner: config.decoder_ffn_dim,
            mask: Mask::Causal,
        };
        let output = if self.net.mode == Mode::Decode { None } else { Some(self.encoder(encoder, shared, key_mask)?) };
        if self.net.mode == Mode::Encode {
            for layer in 0..decoder.layers {
                let kv = self.cross_projection(layer, output)?;
                self.net.keep(layer, kv)?;
            }
            return Ok(None);
        }
        self.decoder(decoder, shared, output, key_mask).map(Some)
    }

    fn encoder(&mut self, stack: Stack, shared: ValueId, key_mask: Option<ValueId>) -> Result<ValueId, IrError> {
        let Extents { batch, time, .. } = self.extents;
        self.net.b.enter(stack.name);
        let ids = self.net.b.input("ids", Type::u32(&[batch, time]))?;
        let mut x = self.embed(stack, shared, ids, None)?;
        let context = Context { key_mask, ..Context::default() };
        for layer in 0..stack.layers {
            self.net.hidden(&format!("encoder.hidden.{layer}"), x);
            let name = format!("model.encoder.layers.{layer}");
            self.net.b.enter(&format!("layers.{layer}"));
            x = self.self_attention(stack, layer, &name, x, &context)?;
            x = self.feed_forward(stack, &name, x)?;
            self.net.b.leave();
        }
        self.net.hidden("encoder.last", x);
        self.net.b.leave();
        Ok(x)
    }

    fn decoder(
        &mut self,
        stack: Stack,
        shared: ValueId,
        output: Option<ValueId>,
        key_mask: Option<ValueId>,
    ) -> Result<ValueId, IrError> {
        let Extents { batch, target, .. } = self.extents;
        self.net.b.enter(stack.name);
        let cache = self.net.cache(self.extents, target)?;
        let tokens = if cache.is_some() { 1 } else { target };
        let ids = self.net.b.input("decoder_ids", Type::u32(&[batch, tokens]))?;
        let mut x = self.embed(stack, shared, ids, cache)?;
        let context = Context { cache, ..Context::default() };
        for layer in 0..stack.layers {
            self.net.hidden(&format!("decoder.hidden.{layer}"), x);
            let name = format!("model.decoder.layers.{layer}");
            self.net.b.enter(&format!("layers.{layer}"));
            x = self.self_attention(stack, layer, &name, x, &context)?;
            x = self.cross_attention(stack, layer, &name, x, output, key_mask)?;
            x = self.feed_forward(stack, &name, x)?;
            self.net.b.leave();
        }
        self.net.b.leave();
        Ok(x)
    }

    /// `dropout(LN(E[id]·s + P[t + 2]))`.
    fn embed(&mut self, stack: Stack, shared: ValueId, ids: ValueId, cache: Option<Cache>) -> Result<ValueId, IrError> {
        let (config, net) = (self.config, &mut self.net);
        let name = format!("model.{}", stack.name);
        let rows = config.max_position_embeddings + FIRST_POSITION;
        let table = format!("{name}.embed_positions.weight");
        let table = net.matrix(&table, [rows, config.d_model], config.init_std, Role::Table)?;
        let mut x = net.b.push(Op::Embedding { padding: Some(config.pad_token_id) }, &[shared, ids])?; // (B, T, d)
        if config.scale_embedding {
            x = net.b.push(Op::Scale { factor: (config.d_model as f64).sqrt() }, &[x])?;
        }
        x = net.add_positions(x, table, FIRST_POSITION, cache)?;
        x = net.norm(&format!("{name}.layernorm_embedding"), x, NORM)?;
        net.dropout(x, config.dropout)
    }

    /// `LN(x + out_proj(attention(q, k, v of x)))`.
    fn self_attention(
        &mut self,
        stack: Stack,
        layer: usize,
        name: &str,
        x: ValueId,
        context: &Context,
    ) -> Result<ValueId, IrError> {
        let (config, heads) = (self.config, self.heads(stack, stack.mask));
        self.net.scoped("self_attn", |net| {
            let own = format!("{name}.self_attn");
            let qkv = net.stacked(&format!("{own}.qkv"), x, &slices(config, &own, &["q", "k", "v"]), true)?;
            let show = format!("{}.attention.{layer}", stack.name);
            let o = net.self_attention(&own, &show, qkv, heads, context)?;
            let y = net.linear(&format!("{own}.out_proj"), o, config.d_model, config.init_std, true)?;
            let y = net.residual(y, x, config.dropout)?;
            net.norm(&format!("{name}.self_attn_layer_norm"), y, NORM)
        })
    }

    /// `LN(x + out_proj(attention(q of x; k, v of the encoder's output)))`.
    fn cross_attention(
        &mut self,
        stack: Stack,
        layer: usize,
        name: &str,
        x: ValueId,
        output: Option<ValueId>,
        key_mask: Option<ValueId>,
    ) -> Result<ValueId, IrError> {
        let (config, heads) = (self.config, self.heads(stack, Mask::Full));
        let kv = self.cross_projection(layer, output)?;
        self.net.scoped("encoder_attn", |net| {
            let own = format!("{name}.encoder_attn");
            let q = net.stacked(&format!("{own}.query"), x, &slices(config, &own, &["q"]), true)?;
            let o = net.cross_attention(&format!("cross.attention.{layer}"), q, kv, heads, key_mask)?;
            let y = net.linear(&format!("{own}.out_proj"), o, config.d_model, config.init_std, true)?;
            let y = net.residual(y, x, config.dropout)?;
            net.norm(&format!("{name}.encoder_attn_layer_norm"), y, NORM)
        })
    }

    /// Keys and values of the encoder's output for a layer of the decoder, made or kept.
    fn cross_projection(&mut self, layer: usize, output: Option<ValueId>) -> Result<ValueId, IrError> {
        let (config, Extents { batch, time, .. }) = (self.config, self.extents);
        let own = format!("model.decoder.layers.{layer}.encoder_attn");
        match output {
            Some(x) => self.net.stacked(&format!("{own}.kv"), x, &slices(config, &own, &["k", "v"]), true),
            None => self.net.kept(layer, [batch, time, 2 * config.d_model]),
        }
    }

    /// `LN(x + fc2(f(fc1 x)))`.
    fn feed_forward(&mut self, stack: Stack, name: &str, x: ValueId) -> Result<ValueId, IrError> {
        let config = self.config;
        self.net.scoped("ffn", |net| {
            let y = net.linear(&format!("{name}.fc1"), x, stack.inner, config.init_std, true)?;
            let y = net.b.push(Op::Activation(config.activation), &[y])?;
            let y = net.dropout(y, config.activation_dropout)?;
            let y = net.linear(&format!("{name}.fc2"), y, config.d_model, config.init_std, true)?;
            let y = net.residual(y, x, config.dropout)?;
            net.norm(&format!("{name}.final_layer_norm"), y, NORM)
        })
    }

    /// `h·Eᵀ + final_logits_bias`; the bias is saved with the model and not trained.
    fn language(&mut self, x: ValueId, shared: ValueId, smoothing: f64) -> Result<(), IrError> {
        let x = self.net.labeled_rows(x, self.extents)?;
        let v = self.config.vocab_size;
        let logits = self.net.scoped("lm_head", |net| {
            let y = net.b.push(Op::MatMul { ta: false, tb: true }, &[x, shared])?;
            let bias = net.frozen("final_logits_bias", &[1, v], Init::Zeros)?;
            let bias = net.reshape(bias, &[v])?;
            net.b.push(Op::AddRows { period: 1, first: 0 }, &[y, bias])
        })?;
        self.net.token_loss(logits, smoothing) // (B, T, V)
    }

    /// `out_proj(dropout(tanh(dense(dropout h))))`, h the decoder's state at the last end token of the text.
    fn classify(&mut self, x: ValueId, labels: Labels) -> Result<(), IrError> {
        let config = self.config;
        let logits = self.net.scoped("classification_head", |net| {
            let h = net.picked_rows(x)?;
            let h = net.dropout(h, config.classifier_dropout)?;
            let h = net.linear("classification_head.dense", h, config.d_model, config.init_std, true)?;
            let h = net.b.push(Op::Activation(Activation::Tanh), &[h])?;
            let h = net.dropout(h, config.classifier_dropout)?;
            net.linear("classification_head.out_proj", h, labels.count, config.init_std, true)
        })?;
        self.net.sequence_loss(logits, labels)
    }

    fn heads(&self, stack: Stack, mask: Mask) -> Heads {
        let head_dim = self.config.d_model / stack.heads;
        Heads {
            heads: stack.heads,
            kv_heads: stack.heads,
            head_dim,
            scale: 1.0 / (head_dim as f64).sqrt(),
            mask,
            dropout: self.config.attention_dropout,
            qk_norm: None,
        }
    }
}

fn slices(config: &BartConfig, own: &str, parts: &[&str]) -> Vec<Slice> {
    let name = |part: &&str| format!("{own}.{part}_proj");
    parts.iter().map(|part| Slice { name: name(part), outputs: config.d_model, std: config.init_std }).collect()
}
