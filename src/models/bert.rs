//! BERT (Devlin et al. 2019) in Hugging Face's layout: an encoder that is normalized after each sum, and its heads.
//!
//! Inputs: `ids`, `type_ids` u32 `[B,T]`; with padding `key_mask`; what the head asks for beside them.

use super::attend::{Context, Heads};
use super::net::{Net, NormSpec, Role, Slice};
use super::{BertConfig, Decay, Extents, Head, Mode, Model, ModelError, NormPlacement, Position};
use crate::ir::{Activation, Graph, Init, IrError, Mask, Op, Table, Type, ValueId};

/// The graph of a step.
pub(super) fn graph(
    model: &Model,
    config: &BertConfig,
    extents: Extents,
    mode: Mode,
    decay: Decay,
) -> Result<Graph, ModelError> {
    if matches!(mode, Mode::Encode | Mode::Decode) {
        return Err(ModelError::NoDecoder { family: "bert" });
    }
    let mut bert = Bert { net: Net::new(mode, decay), config, extents };
    let (x, word) = bert.stack()?;
    let std = config.initializer_range;
    match model.head {
        Head::Language => {
            let logits = bert.vocabulary(x, word)?;
            bert.net.token_loss(logits, model.smoothing)?;
        }
        Head::PreTraining => {
            let logits = bert.vocabulary(x, word)?;
            let pair = bert.next_sentence(x)?;
            let net = &mut bert.net;
            if mode.logits() {
                net.b.output("logits", logits);
                net.b.output("pair_logits", pair);
            }
            if mode.loss() {
                let masked = net.cross_entropy(logits, ["targets", "weights"], model.smoothing)?;
                let pair = net.cross_entropy(pair, ["pair_targets", "pair_weights"], 0.0)?;
                let loss = net.b.push(Op::Add, &[masked, pair])?;
                net.b.output("loss", loss);
            }
        }
        Head::NextSentence => {
            let logits = bert.next_sentence(x)?;
            bert.net.token_loss(logits, 0.0)?;
        }
        Head::Sequence(labels) => {
            let pooled = bert.pooled(x)?;
            let pooled = bert.net.dropout(pooled, bert.classifier_dropout())?;
            let logits = bert.net.linear("classifier", pooled, labels.count, std, true)?;
            bert.net.sequence_loss(logits, labels)?;
        }
        Head::Token { labels } => {
            let x = bert.net.dropout(x, bert.classifier_dropout())?;
            let logits = bert.net.linear("classifier", x, labels, std, true)?;
            bert.net.token_loss(logits, 0.0)?;
        }
        Head::Question => {
            let logits = bert.net.linear("qa_outputs", x, 2, std, true)?;
            bert.net.question_loss(logits)?;
        }
    }
    Ok(bert.net.finish())
}

struct Bert<'a> {
    net: Net,
    config: &'a BertConfig,
    extents: Extents,
}

impl Bert<'_> {
    /// Embeddings and blocks; returns the last hidden states and the token embedding.
    fn stack(&mut self) -> Result<(ValueId, ValueId), IrError> {
        let (config, norm) = (self.config, self.norm());
        let Extents { batch, time, .. } = self.extents;
        let (d, p, std) = (config.hidden_size, config.max_position_embeddings, config.initializer_range);
        let (options, net) = (config.options, &mut self.net);
        let tokens = Type::u32(&[batch, time]);
        let ids = net.b.input("ids", tokens.clone())?;
        let types = net.b.input("type_ids", tokens)?;
        let mut context = Context { key_mask: net.key_mask(self.extents, time)?, ..Context::default() };

        let e = "bert.embeddings";
        let name = format!("{e}.word_embeddings.weight");
        let word = net.token_table(&name, [config.vocab_size, d], std, config.pad_token_id)?;
        let mut positions = None;
        if options.position == Position::Learned {
            positions = Some(net.matrix(&format!("{e}.position_embeddings.weight"), [p, d], std, Role::Table)?);
        }
        let kinds = [config.type_vocab_size, d];
        let kinds = net.matrix(&format!("{e}.token_type_embeddings.weight"), kinds, std, Role::Table)?;
        net.b.enter("embeddings");
        let mut x = net.b.push(Op::Embedding { padding: config.pad_token_id }, &[word, ids])?; // (B, T, d)
        let kind = net.b.push(Op::Embedding { padding: None }, &[kinds, types])?;
        x = net.b.push(Op::Add, &[x, kind])?;
        match options.position {
            Position::Learned | Position::Sinusoidal => {
                let table = match positions {
                    Some(table) => table,
                    None => net.b.push(Op::Table(Table::Sinusoids { rows: p, columns: d }), &[])?,
                };
                x = net.add_positions(x, table, 0, None)?;
            }
            Position::Rotary => context.angles = Some(net.angles(time, config.head_dim(), None)?),
            Position::Alibi => {
                let slopes = Table::Slopes { heads: config.num_attention_heads, queries: time, keys: time };
                context.bias = Some((net.b.push(Op::Table(slopes), &[])?, false));
            }
            Position::None => {}
        }
        x = net.norm(&format!("{e}.LayerNorm"), x, norm)?;
        x = net.dropout(x, config.hidden_dropout_prob)?;
        net.b.leave();

        for layer in 0..config.num_hidden_layers {
            self.net.hidden(&format!("hidden.{layer}"), x);
            x = self.block(layer, x, &context)?;
        }
        if options.norm == NormPlacement::Pre {
            x = self.net.norm("bert.encoder.LayerNorm", x, norm)?;
        }
        self.net.hidden(&format!("hidden.{}", config.num_hidden_layers), x);
        Ok((x, word))
    }

    fn block(&mut self, layer: usize, x: ValueId, context: &Context) -> Result<ValueId, IrError> {
        let name = format!("bert.encoder.layer.{layer}");
        let (attention, output) = (format!("{name}.attention.output.LayerNorm"), format!("{name}.output.LayerNorm"));
        let norm = self.norm();
        self.net.b.enter(&format!("layer.{layer}"));
        let y = match self.config.options.norm {
            NormPlacement::Post => {
                let x = self.attention(layer, &name, x, x, context)?;
                let x = self.net.norm(&attention, x, norm)?;
                let x = self.feed_forward(&name, x, x)?;
                self.net.norm(&output, x, norm)?
            }
            NormPlacement::Pre => {
                let a = self.net.norm(&attention, x, norm)?;
                let x = self.attention(layer, &name, a, x, context)?;
                let f = self.net.norm(&output, x, norm)?;
                self.feed_forward(&name, f, x)?
            }
        };
        self.net.b.leave();
        Ok(y)
    }

    fn attention(
        &mut self,
        layer: usize,
        name: &str,
        x: ValueId,
        residual: ValueId,
        context: &Context,
    ) -> Result<ValueId, IrError> {
        let (config, heads) = (self.config, self.heads());
        let (std, bias) = (config.initializer_range, config.options.bias);
        let slice = |part: &str, heads: usize| Slice {
            name: format!("{name}.attention.self.{part}"),
            outputs: heads * config.head_dim(),
            std,
        };
        let slices = [slice("query", heads.heads), slice("key", heads.kv_heads), slice("value", heads.kv_heads)];
        self.net.scoped("attention", |net| {
            let qkv = net.stacked(&format!("{name}.attention.self.qkv"), x, &slices, bias)?; // (B, T, 3d)
            let own = format!("{name}.attention.self");
            let o = net.self_attention(&own, &format!("attention.{layer}"), qkv, heads, context)?;
            let y = net.linear(&format!("{name}.attention.output.dense"), o, config.hidden_size, std, bias)?;
            net.residual(y, residual, config.hidden_dropout_prob)
        })
    }

    fn feed_forward(&mut self, name: &str, x: ValueId, residual: ValueId) -> Result<ValueId, IrError> {
        let config = self.config;
        let (std, bias, gated) = (config.initializer_range, config.options.bias, config.options.gated);
        self.net.scoped("ffn", |net| {
            let width = config.intermediate_size * if gated { 2 } else { 1 };
            let y = net.linear(&format!("{name}.intermediate.dense"), x, width, std, bias)?; // (B, T, f)
            let f = if gated { Op::Gated(config.activation) } else { Op::Activation(config.activation) };
            let y = net.b.push(f, &[y])?;
            let y = net.linear(&format!("{name}.output.dense"), y, config.hidden_size, std, bias)?;
            net.residual(y, residual, config.hidden_dropout_prob)
        })
    }

    /// `LN(gelu(W x))·word_embeddingsᵀ + bias`, at the rows that are predicted.
    fn vocabulary(&mut self, x: ValueId, word: ValueId) -> Result<ValueId, IrError> {
        let (config, norm) = (self.config, NormSpec { bias: true, ..self.norm() });
        let (v, d, std) = (config.vocab_size, config.hidden_size, config.initializer_range);
        let x = self.net.labeled_rows(x, self.extents)?;
        self.net.scoped("predictions", |net| {
            let name = "cls.predictions";
            let y = net.linear(&format!("{name}.transform.dense"), x, d, std, true)?;
            let y = net.b.push(Op::Activation(config.activation), &[y])?;
            let y = net.norm(&format!("{name}.transform.LayerNorm"), y, norm)?;
            let weight = if config.tie_word_embeddings {
                word
            } else {
                net.matrix(&format!("{name}.decoder.weight"), [v, d], std, Role::Weight)?
            };
            let y = net.b.push(Op::MatMul { ta: false, tb: true }, &[y, weight])?; // (.., V)
            let bias = net.vector(&format!("{name}.bias"), v, Init::Zeros)?;
            net.b.push(Op::AddRows { period: 1, first: 0 }, &[y, bias])
        })
    }

    /// `tanh(W x₀ + b)`.
    fn pooled(&mut self, x: ValueId) -> Result<ValueId, IrError> {
        let (d, std) = (self.config.hidden_size, self.config.initializer_range);
        self.net.scoped("pooler", |net| {
            let first = net.first_rows(x)?;
            let y = net.linear("bert.pooler.dense", first, d, std, true)?;
            net.b.push(Op::Activation(Activation::Tanh), &[y])
        })
    }

    /// Label 0: the second text follows the first; label 1: it comes from elsewhere.
    fn next_sentence(&mut self, x: ValueId) -> Result<ValueId, IrError> {
        let pooled = self.pooled(x)?;
        self.net.linear("cls.seq_relationship", pooled, 2, self.config.initializer_range, true)
    }

    fn heads(&self) -> Heads {
        let config = self.config;
        Heads {
            heads: config.num_attention_heads,
            kv_heads: config.kv_heads(),
            head_dim: config.head_dim(),
            scale: 1.0 / (config.head_dim() as f64).sqrt(),
            mask: Mask::Full,
            dropout: config.attention_probs_dropout_prob,
            qk_norm: config.options.qk_norm.then_some(config.layer_norm_eps),
        }
    }

    fn norm(&self) -> NormSpec {
        let options = self.config.options;
        NormSpec { kind: options.norm_kind, eps: self.config.layer_norm_eps, bias: options.bias }
    }

    fn classifier_dropout(&self) -> f32 {
        self.config.classifier_dropout.unwrap_or(self.config.hidden_dropout_prob)
    }
}
