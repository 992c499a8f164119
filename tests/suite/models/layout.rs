//! Names, shapes, order and number of parameters: those of Hugging Face's `GPT2LMHeadModel`.

use trainyard::models::{Decay, Extents, Gpt2Config, Mode, NormPlacement, gpt};

fn params(config: &Gpt2Config, decay: Decay) -> Vec<(String, Vec<usize>, bool)> {
    let extents = Extents { batch: 1, time: 1, key_mask: false };
    let graph = gpt::language_model(config, extents, Mode::Train, decay).expect("a model");
    assert_eq!(graph.parameter_count() as u64, config.parameters(), "the formula counts what is declared");
    graph.params.iter().map(|p| (p.name.clone(), p.shape.dims().to_vec(), p.decay)).collect()
}

fn config() -> Gpt2Config {
    Gpt2Config { vocab_size: 13, n_positions: 10, n_embd: 8, n_layer: 2, n_head: 2, ..Gpt2Config::default() }
}

/// The state dict of a GPT-2 of width 8 with two layers, as PyTorch lists it.
fn hugging_face() -> Vec<(String, Vec<usize>)> {
    let mut keys =
        vec![("transformer.wte.weight".to_owned(), vec![13, 8]), ("transformer.wpe.weight".to_owned(), vec![10, 8])];
    for layer in 0..2 {
        let block: [(&str, &[usize]); 12] = [
            ("ln_1.weight", &[8]),
            ("ln_1.bias", &[8]),
            ("attn.c_attn.weight", &[8, 24]),
            ("attn.c_attn.bias", &[24]),
            ("attn.c_proj.weight", &[8, 8]),
            ("attn.c_proj.bias", &[8]),
            ("ln_2.weight", &[8]),
            ("ln_2.bias", &[8]),
            ("mlp.c_fc.weight", &[8, 32]),
            ("mlp.c_fc.bias", &[32]),
            ("mlp.c_proj.weight", &[32, 8]),
            ("mlp.c_proj.bias", &[8]),
        ];
        keys.extend(block.iter().map(|(name, shape)| (format!("transformer.h.{layer}.{name}"), shape.to_vec())));
    }
    keys.push(("transformer.ln_f.weight".to_owned(), vec![8]));
    keys.push(("transformer.ln_f.bias".to_owned(), vec![8]));
    keys
}

fn names(config: &Gpt2Config) -> Vec<(String, Vec<usize>)> {
    params(config, Decay::Matrices).into_iter().map(|(name, shape, _)| (name, shape)).collect()
}

#[test]
fn keys_and_shapes_are_hugging_faces_in_its_order() {
    assert_eq!(names(&config()), hugging_face());
    let untied = names(&Gpt2Config { tie_word_embeddings: false, ..config() });
    let mut expected = hugging_face();
    expected.push(("lm_head.weight".to_owned(), vec![13, 8]));
    assert_eq!(untied, expected, "an untied head is stored [out, in]");
}

#[test]
fn variants_leave_out_what_they_lack() {
    let plain = names(&Gpt2Config { bias: false, ..config() });
    let without: Vec<_> = hugging_face().into_iter().filter(|(name, _)| !name.ends_with(".bias")).collect();
    assert_eq!(plain, without);
    let mut post: Vec<_> = hugging_face().into_iter().filter(|(name, _)| !name.contains("ln_f")).collect();
    let mut found = names(&Gpt2Config { norm: NormPlacement::Post, ..config() });
    post.sort();
    found.sort();
    assert_eq!(found, post, "post-norm ends with the norm of the last block");
    let inner = names(&Gpt2Config { n_inner: Some(20), ..config() });
    let shape = |name: &str| inner.iter().find(|(n, _)| n.ends_with(name)).map(|(_, s)| s.clone());
    assert_eq!(shape("h.0.mlp.c_fc.weight"), Some(vec![8, 20]));
    assert_eq!(shape("h.1.mlp.c_proj.weight"), Some(vec![20, 8]));
}

#[test]
fn decay_applies_to_matrices_or_to_products_only() {
    for (name, shape, decay) in params(&config(), Decay::Matrices) {
        assert_eq!(decay, shape.len() == 2, "{name}");
    }
    for (name, shape, decay) in params(&Gpt2Config { tie_word_embeddings: false, ..config() }, Decay::Linear) {
        assert_eq!(decay, shape.len() == 2 && !name.contains(".wte.") && !name.contains(".wpe."), "{name}");
    }
}

/// V·d + P·d + L·(12d² + 13d) + 2d, and counts that others publish.
#[test]
fn counts_are_those_of_the_papers() {
    let gpt2 = Gpt2Config::default();
    assert_eq!(gpt2.parameters(), 124_439_808, "GPT-2 small");
    let [v, p, d, l] = [13, 10, 8, 2_u64];
    assert_eq!(config().parameters(), v * d + p * d + l * (12 * d * d + 13 * d) + 2 * d);
    // nanoGPT reports its models without the position table.
    let nano = |n_layer, n_head, n_embd, n_positions| {
        let config =
            Gpt2Config { vocab_size: 65, n_positions, n_embd, n_layer, n_head, bias: false, ..Gpt2Config::default() };
        config.check().expect("a model");
        config.parameters() - (n_positions * n_embd) as u64
    };
    assert_eq!(nano(6, 6, 384, 256), 10_646_784, "nanoGPT's baby GPT");
    assert_eq!(nano(4, 4, 128, 64), 795_904, "nanoGPT on a CPU");
}
