//! First values: their spread, their independence of everything but seed and name, and the loss they give.

use trainyard::ir::{Graph, Init, Param, Part, Shape};
use trainyard::models::{Extents, Gpt2Config, Mode, NormPlacement, Options, initial_values, known_answer_values};
use trainyard::reference::{StepKey, Tensor, run};
use trainyard::rng::{Draws, Stream};

use super::gpt2;

fn graph(config: &Gpt2Config) -> Graph {
    gpt2(config, Extents::decoder(4, 16), Mode::Evaluate)
}

fn config() -> Gpt2Config {
    Gpt2Config { vocab_size: 65, n_positions: 16, n_embd: 64, n_layer: 3, n_head: 4, ..Gpt2Config::default() }
}

/// Mean, deviation and kurtosis of numbers.
fn moments(values: &[f32]) -> [f64; 3] {
    let n = values.len() as f64;
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let central = |power: i32| values.iter().map(|&x| (f64::from(x) - mean).powi(power)).sum::<f64>() / n;
    [mean, central(2).sqrt(), central(4) / central(2).powi(2)]
}

#[test]
fn matrices_are_normal_with_the_spread_that_the_paper_gives_them() {
    let config = config();
    let graph = graph(&config);
    for (param, values) in graph.params.iter().zip(initial_values(&graph, 1)) {
        assert_eq!(values.len(), param.shape.elements());
        if param.shape.dims().len() == 1 {
            let expected = if param.name.ends_with("weight") { 1.0 } else { 0.0 };
            assert!(values.iter().all(|&x| x == expected), "{}", param.name);
            continue;
        }
        let std = if param.name.ends_with("c_proj.weight") { 0.02 / 6.0_f64.sqrt() } else { 0.02 };
        assert_eq!(param.init, Init::Normal { std }, "{}", param.name);
        let n = values.len() as f64;
        let [mean, deviation, kurtosis] = moments(&values);
        // Five standard errors of each estimate.
        assert!(mean.abs() < 5.0 * std / n.sqrt(), "{}: mean {mean:e}", param.name);
        assert!((deviation / std - 1.0).abs() < 5.0 / (2.0 * n).sqrt(), "{}: deviation {deviation}", param.name);
        assert!((kurtosis - 3.0).abs() < 5.0 * (24.0 / n).sqrt(), "{}: kurtosis {kurtosis}", param.name);
    }
}

#[test]
fn values_follow_from_seed_and_name_alone() {
    let (small, deep) = (graph(&config()), graph(&Gpt2Config { n_layer: 5, ..config() }));
    let (a, b) = (initial_values(&small, 7), initial_values(&small, 7));
    assert_eq!(a, b);
    let named = |graph: &Graph, values: &[Vec<f32>], name: &str| {
        let at = graph.params.iter().position(|p| p.name == name).expect("the parameter exists");
        values[at].clone()
    };
    let name = "transformer.h.1.attn.c_attn.weight";
    assert_eq!(named(&small, &a, name), named(&deep, &initial_values(&deep, 7), name), "depth changes no other tensor");
    assert_ne!(named(&small, &a, name), named(&small, &initial_values(&small, 8), name));
    assert_ne!(named(&small, &a, name), named(&small, &a, "transformer.h.0.attn.c_attn.weight"));
}

#[test]
fn a_stack_is_its_tensors_one_after_the_other() {
    let part = |name: &str, rows: usize, init: Init| Part { name: name.to_owned(), rows, init };
    let single = |part: &Part, columns: &[usize]| Param {
        name: part.name.clone(),
        shape: Shape::new(&[&[part.rows], columns].concat()),
        init: part.init,
        decay: true,
        frozen: false,
        parts: vec![],
    };
    // Rows of five: no tensor ends where the generator's blocks of four do.
    let normal = |std: f64| Init::Normal { std };
    let matrices =
        [part("k.weight", 3, normal(0.1)), part("v.weight", 1, Init::Ones), part("q.weight", 7, normal(2.0))];
    let vectors = [part("k.bias", 3, Init::Zeros), part("v.weight", 5, Init::Ones), part("q.bias", 2, normal(0.5))];
    for (parts, columns) in [(matrices, &[5][..]), (vectors, &[])] {
        let rows = parts.iter().map(|p| p.rows).sum();
        let shape = Shape::new(&[&[rows], columns].concat());
        let singles: Vec<Param> = parts.iter().map(|part| single(part, columns)).collect();
        let stack = Param {
            name: "stack".to_owned(),
            shape,
            init: Init::Zeros,
            decay: true,
            frozen: false,
            parts: parts.to_vec(),
        };
        let values = |params: Vec<Param>| initial_values(&Graph { params, ..Graph::default() }, 9).concat();
        assert_eq!(values(vec![stack.clone()]), values(singles.clone()));
        let known: Vec<f32> = singles.iter().flat_map(known_answer_values).collect();
        assert_eq!(known_answer_values(&stack), known);
        let renamed = Param { name: "other".to_owned(), ..stack.clone() };
        assert_eq!(values(vec![stack.clone()]), values(vec![renamed]), "the name of a stack is for people");
        let mut swapped = stack.clone();
        swapped.parts.swap(0, 2);
        assert_ne!(known_answer_values(&stack), known_answer_values(&swapped), "the order counts");
    }
}

/// A fresh model knows nothing: its loss is ln V, whatever the variant.
#[test]
fn a_fresh_model_guesses() {
    let variants = [
        config(),
        Gpt2Config {
            options: Options { bias: false, ..Options::plain(NormPlacement::Pre) },
            tie_word_embeddings: false,
            ..config()
        },
        Gpt2Config { vocab_size: 3, ..config() },
        Gpt2Config { options: Options::plain(NormPlacement::Post), vocab_size: 1000, ..config() },
    ];
    for config in variants {
        let graph = graph(&config);
        let params = initial_values(&graph, 1);
        let mut draws = Draws::new(0, Stream::Task, 31);
        let mut ids = || (0..64).map(|_| draws.below(config.vocab_size as u32)).collect();
        let inputs = [Tensor::Index(ids()), Tensor::Index(ids()), Tensor::Float(vec![1.0 / 64.0; 64])];
        let values = run::<f32>(&graph, &params, &inputs, StepKey::default()).expect("the graph runs");
        let loss = f64::from(values.output("loss").expect("a loss")[0]);
        let guess = (config.vocab_size as f64).ln();
        // Logits of a width of 64 have a deviation of 0.16: half its square, and the noise of 64 targets.
        assert!((loss - guess).abs() < 0.12, "V = {}: {loss} instead of {guess}", config.vocab_size);
    }
}
