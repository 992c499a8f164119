//! Names, shapes, order and number of parameters: those of Hugging Face's `GPT2LMHeadModel`.

use trainyard::models::{Config, Decay, Extents, Gpt2Config, Mode, Model, NormPlacement, Options};

fn params(config: &Gpt2Config, decay: Decay) -> Vec<(String, Vec<usize>, bool)> {
    let model = Model::language(Config::Gpt2(config.clone()));
    let graph = model.graph(Extents::decoder(1, 1), Mode::Train, decay).expect("a model");
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
    let plain =
        names(&Gpt2Config { options: Options { bias: false, ..Options::plain(NormPlacement::Pre) }, ..config() });
    let without: Vec<_> = hugging_face().into_iter().filter(|(name, _)| !name.ends_with(".bias")).collect();
    assert_eq!(plain, without);
    let mut post: Vec<_> = hugging_face().into_iter().filter(|(name, _)| !name.contains("ln_f")).collect();
    let mut found = names(&Gpt2Config { options: Options::plain(NormPlacement::Post), ..config() });
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
