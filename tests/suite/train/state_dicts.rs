//! Tiny models as lists of tensors, with the keys that Hugging Face's classes save.

use trainyard::models::Family;
use trainyard::train::checkpoint::{Named, Wanted};

/// A tensor: name, shape, values.
pub type Tensor = (String, Vec<usize>, Vec<f32>);

/// Width, width of the feed-forward layer, heads, vocabulary, positions.
const D: usize = 4;
const F: usize = 8;
const H: usize = 2;
const V: usize = 12;
const P: usize = 6;

/// Declares tensors; `linear` has PyTorch's orientation, `[out, in]`.
#[derive(Default)]
struct Keys(Vec<(String, Vec<usize>)>);

impl Keys {
    fn add(&mut self, name: &str, shape: &[usize]) {
        self.0.push((name.to_owned(), shape.to_vec()));
    }

    fn linear(&mut self, name: &str, out: usize, inputs: usize) {
        self.add(&format!("{name}.weight"), &[out, inputs]);
        self.add(&format!("{name}.bias"), &[out]);
    }

    fn norm(&mut self, name: &str) {
        self.add(&format!("{name}.weight"), &[D]);
        self.add(&format!("{name}.bias"), &[D]);
    }
}

/// The saved keys of `BertForPreTraining`, `GPT2LMHeadModel`, `T5ForConditionalGeneration` (tied) and
/// `BartForConditionalGeneration`; a few of the original Transformer's.
pub fn keys(family: Family) -> Vec<(String, Vec<usize>)> {
    let mut k = Keys::default();
    match family {
        Family::Bert => {
            for (name, rows) in [("word", V), ("position", P), ("token_type", 2)] {
                k.add(&format!("bert.embeddings.{name}_embeddings.weight"), &[rows, D]);
            }
            k.norm("bert.embeddings.LayerNorm");
            for name in ["query", "key", "value"] {
                k.linear(&format!("bert.encoder.layer.0.attention.self.{name}"), D, D);
            }
            k.linear("bert.encoder.layer.0.attention.output.dense", D, D);
            k.norm("bert.encoder.layer.0.attention.output.LayerNorm");
            k.linear("bert.encoder.layer.0.intermediate.dense", F, D);
            k.linear("bert.encoder.layer.0.output.dense", D, F);
            k.norm("bert.encoder.layer.0.output.LayerNorm");
            k.linear("bert.pooler.dense", D, D);
            k.add("cls.predictions.bias", &[V]);
            k.linear("cls.predictions.transform.dense", D, D);
            k.norm("cls.predictions.transform.LayerNorm");
            k.linear("cls.seq_relationship", 2, D);
        }
        Family::Gpt2 => {
            k.add("transformer.wte.weight", &[V, D]);
            k.add("transformer.wpe.weight", &[P, D]);
            k.norm("transformer.h.0.ln_1");
            for (name, inputs, out) in [("attn.c_attn", D, 3 * D), ("attn.c_proj", D, D)] {
                k.add(&format!("transformer.h.0.{name}.weight"), &[inputs, out]);
                k.add(&format!("transformer.h.0.{name}.bias"), &[out]);
            }
            k.norm("transformer.h.0.ln_2");
            for (name, inputs, out) in [("mlp.c_fc", D, 4 * D), ("mlp.c_proj", 4 * D, D)] {
                k.add(&format!("transformer.h.0.{name}.weight"), &[inputs, out]);
                k.add(&format!("transformer.h.0.{name}.bias"), &[out]);
            }
            k.norm("transformer.ln_f");
        }
        Family::T5 => {
            k.add("shared.weight", &[V, D]);
            for stack in ["encoder", "decoder"] {
                let block = format!("{stack}.block.0.layer");
                let mut sublayers = vec!["SelfAttention"];
                sublayers.extend((stack == "decoder").then_some("EncDecAttention"));
                for (i, attention) in sublayers.iter().enumerate() {
                    for name in ["q", "k", "v", "o"] {
                        k.add(&format!("{block}.{i}.{attention}.{name}.weight"), &[D, D]);
                    }
                    k.add(&format!("{block}.{i}.layer_norm.weight"), &[D]);
                }
                k.add(&format!("{block}.0.SelfAttention.relative_attention_bias.weight"), &[8, H]);
                let last = sublayers.len();
                k.add(&format!("{block}.{last}.DenseReluDense.wi.weight"), &[F, D]);
                k.add(&format!("{block}.{last}.DenseReluDense.wo.weight"), &[D, F]);
                k.add(&format!("{block}.{last}.layer_norm.weight"), &[D]);
                k.add(&format!("{stack}.final_layer_norm.weight"), &[D]);
            }
        }
        Family::Bart => {
            k.add("final_logits_bias", &[1, V]);
            k.add("model.shared.weight", &[V, D]);
            for stack in ["encoder", "decoder"] {
                k.add(&format!("model.{stack}.embed_positions.weight"), &[P + 2, D]);
                k.norm(&format!("model.{stack}.layernorm_embedding"));
                let layer = format!("model.{stack}.layers.0");
                let mut attentions = vec!["self_attn"];
                attentions.extend((stack == "decoder").then_some("encoder_attn"));
                for attention in attentions {
                    for name in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                        k.linear(&format!("{layer}.{attention}.{name}"), D, D);
                    }
                    k.norm(&format!("{layer}.{attention}_layer_norm"));
                }
                k.linear(&format!("{layer}.fc1"), F, D);
                k.linear(&format!("{layer}.fc2"), D, F);
                k.norm(&format!("{layer}.final_layer_norm"));
            }
        }
        Family::Transformer => {
            k.add("source.embedding.weight", &[V, D]);
            k.add("target.embedding.weight", &[V, D]);
            k.linear("output", V, D);
        }
    }
    k.0
}

/// The same with values, no two of which are equal.
pub fn tensors(family: Family) -> Vec<Tensor> {
    let mut next = 0_u16;
    let mut value = || {
        next += 1;
        f32::from(next) / 64.0 - 3.0
    };
    let fill = |(name, shape): (String, Vec<usize>)| {
        let values = (0..shape.iter().product()).map(|_| value()).collect();
        (name, shape, values)
    };
    keys(family).into_iter().map(fill).collect()
}

/// What a graph with these parameters wants.
pub fn wanted(tensors: &[Tensor]) -> Vec<Wanted<'_>> {
    tensors.iter().map(|(name, shape, _)| (name.as_str(), shape.as_slice())).collect()
}

/// The tensors to write.
pub fn named(tensors: &[Tensor]) -> Vec<Named<'_>> {
    tensors.iter().map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice())).collect()
}
