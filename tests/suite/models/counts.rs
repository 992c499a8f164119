//! Names, shapes and numbers of parameters of every family: the state dicts of Hugging Face's classes, and the formulas that
//! their sizes follow; and how the three modes differ by parameters alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trainyard::models::{Config, Decay, Extents, Family, Head, Labels, Mode, Model, Problem};

use super::config::sized;
use crate::train::state_dicts::keys;

fn count(config: Config, head: Head) -> u64 {
    Model { config, head, smoothing: 0.0 }.parameters().expect("a model")
}

/// Names and shapes.
fn tensors(model: &Model) -> BTreeSet<(String, Vec<usize>)> {
    let extents = Extents { target: 1, ..Extents::decoder(1, 1) };
    let graph = model.graph(extents, Mode::Train, Decay::Matrices).expect("a model");
    let tensors = graph.tensors();
    let found: BTreeSet<_> = tensors.iter().map(|t| (t.name.clone(), t.shape.dims().to_vec())).collect();
    assert_eq!(found.len(), tensors.len(), "a name occurs twice");
    found
}

#[test]
fn formulas_count_what_is_declared() {
    for [v, d, l, h, f, p] in [[1000, 64, 2, 4, 256, 128], [37, 24, 3, 2, 50, 11], [2048, 32, 1, 8, 64, 16]] {
        let size = |family| sized(family, [v, d, l, h, f], p);
        let [v, d, l, h, f, p] = [v, d, l, h, f, p].map(|n| n as u64);
        let block = 4 * d * d + 4 * d + 2 * d + 2 * d * f + f + d + 2 * d;
        let pooler = d * d + d;
        let bert = v * d + p * d + 2 * d + 2 * d + l * block + pooler + (d * d + d + 2 * d + v) + 2 * d + 2;
        assert_eq!(count(size(Family::Bert), Head::PreTraining), bert);
        assert_eq!(count(size(Family::Bert), Head::Language), bert - pooler - (2 * d + 2), "no pooler, no pairs");
        let gpt = v * d + p * d + l * (4 * d * d + 4 * d + 2 * d * f + f + d + 4 * d) + 2 * d;
        assert_eq!(count(size(Family::Gpt2), Head::Language), gpt);
        let t5 = v * d + l * (4 * d * d + 2 * d * f + 2 * d) + l * (8 * d * d + 2 * d * f + 3 * d) + 2 * d + 2 * 32 * h;
        assert_eq!(count(size(Family::T5), Head::Language), t5);
        let mut v1_1 = size(Family::T5);
        v1_1.set("feed_forward_proj", &json!("gated-gelu")).expect("a value");
        v1_1.set("tie_word_embeddings", &Value::Bool(false)).expect("a value");
        assert_eq!(count(v1_1, Head::Language), t5 + v * d + 2 * l * d * f);
        let encoder = 4 * d * d + 4 * d + 2 * d * f + f + d + 4 * d;
        let decoder = 8 * d * d + 8 * d + 2 * d * f + f + d + 6 * d;
        let bart = v * d + 2 * (p + 2) * d + 4 * d + l * (encoder + decoder);
        assert_eq!(count(size(Family::Bart), Head::Language), bart, "the bias of the logits is not trained");
        let feed_forward = 2 * d * f + f + d + 2 * d;
        let blocks = l * (4 * d * d + feed_forward + 2 * d) + l * (8 * d * d + feed_forward + 4 * d);
        assert_eq!(count(size(Family::Transformer), Head::Language), 2 * v * d + blocks + v * d + v);
    }
}

/// Sizes that others publish.
#[test]
fn counts_are_those_of_the_papers() {
    assert_eq!(count(Family::Gpt2.config(), Head::Language), 124_439_808, "GPT-2 small");
    let base = count(Family::Bert.config(), Head::NextSentence) - (2 * 768 + 2);
    assert_eq!(base, 109_482_240, "BERT-base, as Hugging Face counts its body");
    let tiny = count(sized(Family::Bert, [30_522, 128, 2, 2, 512], 512), Head::NextSentence) - (2 * 128 + 2);
    assert_eq!(tiny, 4_385_920, "BERT-tiny");
    assert_eq!(count(Family::T5.config(), Head::Language), 60_506_624, "T5-small");
    assert_eq!(count(Family::Bart.config(), Head::Language), 406_291_456, "BART-large");
    let nano = |l, h, d, p| {
        let mut config = sized(Family::Gpt2, [65, d, l, h, 4 * d], p);
        config.set("bias", &Value::Bool(false)).expect("an option");
        count(config, Head::Language) - (p * d) as u64
    };
    assert_eq!(nano(6, 6, 384, 256), 10_646_784, "nanoGPT's baby GPT, without its positions");
    assert_eq!(nano(4, 4, 128, 64), 795_904, "nanoGPT on a CPU");
    // Presets over 2048 tokens, in hundredths of a million: BERT, GPT, T5, BART.
    let rounded = |family, p, [d, l, h]: [usize; 3]| {
        let head = if family == Family::Bert { Head::PreTraining } else { Head::Language };
        count(sized(family, [2048, d, l, h, 4 * d], p), head) as f64 / 1e6
    };
    for (size, expected) in [([64, 2, 2], [0.25, 0.25, 0.36, 0.38]), ([128, 2, 2], [0.71, 0.69, 1.18, 1.22])] {
        let found = [(Family::Bert, 128), (Family::Gpt2, 256), (Family::T5, 0), (Family::Bart, 128)]
            .map(|(f, p)| rounded(f, p.max(1), size));
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 0.01, "{size:?}: {found} instead of {expected}");
        }
    }
}

#[test]
fn state_dicts_are_hugging_faces() {
    for family in [Family::Bert, Family::Gpt2, Family::T5, Family::Bart] {
        let inner = if family == Family::Gpt2 { 16 } else { 8 };
        let mut config = sized(family, [12, 4, 1, 2, inner], 6);
        config.set("relative_attention_num_buckets", &json!(8)).expect("a key, or none");
        let head = if family == Family::Bert { Head::PreTraining } else { Head::Language };
        let found = tensors(&Model { config: config.clone(), head, smoothing: 0.0 });
        let expected: BTreeSet<_> = keys(family).into_iter().collect();
        assert_eq!(found, expected, "{family:?}");
        if family == Family::T5 {
            config.set("feed_forward_proj", &json!("gated-gelu")).expect("a value");
            config.set("tie_word_embeddings", &Value::Bool(false)).expect("a value");
            let mut expected = expected;
            let plain: Vec<_> = expected.iter().filter(|(name, _)| name.ends_with(".wi.weight")).cloned().collect();
            for (name, shape) in plain {
                expected.insert((name.replace(".wi.", ".wi_0."), shape.clone()));
                expected.insert((name.replace(".wi.", ".wi_1."), shape.clone()));
                expected.remove(&(name, shape));
            }
            expected.insert(("lm_head.weight".to_owned(), vec![12, 4]));
            assert_eq!(tensors(&Model::language(config)), expected, "T5 v1.1");
        }
    }
}

/// An encoder–decoder less its encoder and the attention over it is a decoder; less its decoder it is an encoder.
#[test]
fn modes_differ_by_exactly_their_parts() {
    for family in [Family::T5, Family::Bart, Family::Transformer] {
        let model = Model::language(sized(family, [12, 4, 2, 2, 8], 6));
        let all = tensors(&model);
        let cross = ["EncDecAttention", "layer.1.layer_norm", "encoder_attn", "attention2", "addnorm2"];
        let (own, other) =
            if family == Family::Bart { ("model.decoder.", "model.encoder.") } else { ("decoder.", "encoder.") };
        let in_cross = |name: &str| {
            name.starts_with(own) && cross.iter().any(|part| name.contains(part)) && !name.contains("DenseReluDense")
        };
        // What is left of the decoder without the attention over the encoder has a twin of the same shape in the encoder.
        let left: Vec<_> = all.iter().filter(|(name, _)| name.starts_with(own) && !in_cross(name)).collect();
        let encoder = all.iter().filter(|(name, _)| name.starts_with(other)).count();
        let extra = usize::from(family == Family::Transformer) * 2; // The output projection and its bias.
        assert_eq!(left.len(), encoder + extra, "{family:?}");
        let per_layer = match family {
            Family::T5 => 5,
            Family::Bart => 10,
            Family::Transformer | Family::Bert | Family::Gpt2 => 6,
        };
        let crossing = all.iter().filter(|(name, _)| in_cross(name)).count();
        assert_eq!(crossing, 2 * per_layer, "{family:?}: {all:#?}");
    }
}

/// T5 is fine-tuned as it is; BERT gets a layer, GPT-2 and BART's classifier too.
#[test]
fn only_text_to_text_adds_no_parameters() {
    let labels = Head::Sequence(Labels { count: 3, problem: Problem::Single });
    let bert = sized(Family::Bert, [50, 8, 1, 2, 16], 6);
    let body = tensors(&Model { config: bert.clone(), head: Head::NextSentence, smoothing: 0.0 });
    let tuned = tensors(&Model { config: bert, head: labels, smoothing: 0.0 });
    let new: Vec<_> = tuned.difference(&body).map(|(name, shape)| (name.as_str(), shape.clone())).collect();
    assert_eq!(new, [("classifier.bias", vec![3]), ("classifier.weight", vec![3, 8])]);
    let t5 = Model { config: sized(Family::T5, [50, 8, 1, 2, 16], 6), head: labels, smoothing: 0.0 };
    assert!(t5.parameters().is_err(), "T5 has no head but its words");
}
