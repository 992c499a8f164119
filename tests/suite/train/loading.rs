//! Checkpoints from elsewhere: in what published files differ, and what they lack.

use pollster::block_on;
use trainyard::models::Family;
use trainyard::train::checkpoint::{
    Dtype, Files, Report, Strictness, WEIGHTS, Weights, WeightsError, WrongShape, write,
};

use super::safetensors::file;
use super::state_dicts::{Tensor, named, tensors, wanted};

/// A directory whose weights are one file.
pub fn single(tensors: &[Tensor]) -> Files {
    Files::from([(WEIGHTS.to_owned(), write(&named(tensors)))])
}

/// The values of each parameter, if the directory has it.
pub type Values = Vec<Option<Vec<f32>>>;

/// The values of the parameters of `model` that a directory has, and the report.
pub fn load(
    files: &Files,
    family: Family,
    model: &[Tensor],
    strictness: Strictness,
) -> Result<(Values, Report), WeightsError> {
    let mut values = vec![None; model.len()];
    let weights = block_on(Weights::open(&files))?;
    let keep = |at: usize, tensor| -> Result<(), WeightsError> {
        assert!(values[at].replace(tensor).is_none(), "parameter {at} comes once");
        Ok(())
    };
    let report = block_on(weights.load(family, &wanted(model), strictness, keep))?;
    Ok((values, report))
}

/// Loads a directory into `model` and asserts that every value arrives at its place.
pub fn assert_loads(files: &Files, family: Family, model: &[Tensor], case: &str) -> Report {
    let (values, report) =
        load(files, family, model, Strictness::Exact).unwrap_or_else(|error| panic!("{family:?}, {case}: {error}"));
    for ((name, _, expected), found) in model.iter().zip(&values) {
        assert_eq!(found.as_ref(), Some(expected), "{family:?}, {case}: {name}");
    }
    assert_eq!(report.loaded.len(), model.len());
    report
}

fn renamed(tensors: &[Tensor], name: impl Fn(&str) -> String) -> Vec<Tensor> {
    tensors.iter().map(|(n, shape, values)| (name(n), shape.clone(), values.clone())).collect()
}

#[test]
fn what_is_saved_under_the_graphs_names_is_loaded() {
    for family in Family::ALL {
        let model = tensors(family);
        let report = assert_loads(&single(&model), family, &model, "as saved");
        assert_eq!((report.ignored, report.cast), (vec![], vec![]));
    }
}

#[test]
fn families_are_known_by_their_model_type() {
    for family in Family::ALL {
        assert_eq!(Family::named(family.name()), Ok(family));
    }
    assert!(Family::named("llama").is_err());
}

#[test]
fn prefixes_may_be_missing_or_added() {
    for (family, prefix) in [(Family::Bert, "bert."), (Family::Gpt2, "transformer."), (Family::Bart, "model.")] {
        let model = tensors(family);
        let bare = renamed(&model, |name| name.strip_prefix(prefix).unwrap_or(name).to_owned());
        assert_ne!(bare, model, "{family:?}");
        assert_loads(&single(&bare), family, &model, "file without prefix");
        assert_loads(&single(&model), family, &bare, "graph without prefix");
    }
    let model = tensors(Family::T5);
    let inside = renamed(&model, |name| format!("transformer.{name}"));
    assert_loads(&single(&inside), Family::T5, &model, "inside a classifier");
    // A name of the original Transformer is nothing but itself.
    let model = tensors(Family::Transformer);
    let other = renamed(&model, |name| format!("model.{name}"));
    assert!(load(&single(&other), Family::Transformer, &model, Strictness::Complete).is_err());
}

#[test]
fn norms_may_have_their_old_names() {
    let model = tensors(Family::Bert);
    let old = renamed(&model, |name| {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    });
    assert_eq!(old.iter().filter(|tensor| tensor.0.ends_with(".gamma")).count(), 4);
    assert_loads(&single(&old), Family::Bert, &model, "gamma and beta");
}

/// Tensors that files have and no graph wants: names, one at a time.
#[test]
fn buffers_and_tied_copies_are_ignored() {
    let cases: [(Family, &[&str]); 4] = [
        (
            Family::Bert,
            &[
                "bert.embeddings.position_ids",
                "embeddings.position_ids",
                "cls.predictions.decoder.weight",
                "cls.predictions.decoder.bias",
            ],
        ),
        (Family::Gpt2, &["transformer.h.0.attn.bias", "h.11.attn.bias", "h.0.attn.masked_bias", "lm_head.weight"]),
        (
            Family::T5,
            &[
                "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
                "encoder.embed_tokens.weight",
                "decoder.embed_tokens.weight",
                "lm_head.weight",
            ],
        ),
        (
            Family::Bart,
            &[
                "model.encoder.embed_tokens.weight",
                "decoder.embed_tokens.weight",
                "lm_head.weight",
                "encoder.version",
                "model.decoder.version",
            ],
        ),
    ];
    for (family, names) in cases {
        let model = tensors(family);
        for &name in names {
            let mut more = model.clone();
            more.push((name.to_owned(), vec![1], vec![7.0]));
            let report = assert_loads(&single(&more), family, &model, name);
            assert_eq!((report.ignored, report.unexpected), (vec![name.to_owned()], vec![]));
        }
        // Ignoring is by name: one that is near to it is not.
        for name in names {
            let mut more = model.clone();
            more.push((format!("{name}s"), vec![1], vec![7.0]));
            let error = load(&single(&more), family, &model, Strictness::Exact).expect_err("an unknown tensor");
            assert!(error.to_string().contains(&format!("unexpected: {name}s")), "{error}");
        }
    }
}

/// Buffers are integers or truth values in real files; weights may not be.
#[test]
fn integers_are_stepped_over_but_are_no_weights() {
    let header = r#"{"bert.embeddings.position_ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]},"cls.predictions.bias":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}}"#;
    let mut data = vec![9; 16];
    data.extend(1.5_f32.to_le_bytes());
    let files = |header: &str| Files::from([(WEIGHTS.to_owned(), file(header, &data))]);
    let model = vec![("cls.predictions.bias".to_owned(), vec![1], vec![1.5])];
    let report = assert_loads(&files(header), Family::Bert, &model, "an I64 buffer");
    assert_eq!(report.ignored, ["bert.embeddings.position_ids"]);

    let integers = header.replace("F32", "I32");
    let error = load(&files(&integers), Family::Bert, &model, Strictness::Exact).expect_err("integers");
    let expected = "model.safetensors: safetensors: tensor \"cls.predictions.bias\": dtype I32 holds no weights; \
                    F32, F16, BF16 and F64 are read";
    assert_eq!(error.to_string(), expected);
}

/// Some converters kept another of the tied names.
#[test]
fn a_tied_weight_may_be_saved_under_a_copys_name() {
    let cases = [
        (Family::Bert, "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"),
        (Family::Bert, "cls.predictions.bias", "cls.predictions.decoder.bias"),
        (Family::Gpt2, "transformer.wte.weight", "lm_head.weight"),
        (Family::T5, "shared.weight", "encoder.embed_tokens.weight"),
        (Family::T5, "shared.weight", "lm_head.weight"),
        (Family::Bart, "model.shared.weight", "model.decoder.embed_tokens.weight"),
    ];
    for (family, original, copy) in cases {
        let model = tensors(family);
        let moved = renamed(&model, |name| if name == original { copy.to_owned() } else { name.to_owned() });
        assert_loads(&single(&moved), family, &model, copy);
    }
    // Where the graph has a head of its own, the head is no copy of anything.
    let mut untied = tensors(Family::T5);
    untied.push(("lm_head.weight".to_owned(), vec![12, 4], vec![0.5; 48]));
    assert_loads(&single(&untied), Family::T5, &untied, "untied");
    let (_, report) = load(&single(&untied[1..]), Family::T5, &untied, Strictness::Partial).expect("it is partial");
    assert_eq!(report.missing, ["shared.weight"]);
    // BART's bias of the logits is read where the graph has it, and a buffer otherwise.
    let model = tensors(Family::Bart);
    let report = assert_loads(&single(&model), Family::Bart, &model[1..], "without the logits' bias");
    assert_eq!(report.ignored, ["final_logits_bias"]);
}

/// The exact name wins over one that is only tolerated.
#[test]
fn a_parameter_that_is_there_twice_is_read_under_its_own_name() {
    let model = tensors(Family::Bert);
    let mut twice = model.clone();
    twice.insert(0, ("embeddings.word_embeddings.weight".to_owned(), vec![12, 4], vec![0.25; 48]));
    let (values, report) = load(&single(&twice), Family::Bert, &model, Strictness::Complete).expect("complete");
    assert_eq!(values[0].as_ref(), Some(&model[0].2));
    assert_eq!(report.unexpected, ["embeddings.word_embeddings.weight"]);
}

#[test]
fn a_new_head_is_missing_and_an_old_one_unexpected() {
    let file = single(&tensors(Family::Bert));
    let mut model: Vec<Tensor> = tensors(Family::Bert).into_iter().filter(|t| t.0.starts_with("bert.")).collect();
    model.push(("classifier.weight".to_owned(), vec![3, 4], vec![0.0; 12]));
    model.push(("classifier.bias".to_owned(), vec![3], vec![0.0; 3]));
    let (values, report) = load(&file, Family::Bert, &model, Strictness::Partial).expect("it is partial");
    assert_eq!(report.missing, ["classifier.weight", "classifier.bias"]);
    assert_eq!(report.unexpected.len(), 7, "{:?}", report.unexpected);
    assert!(report.unexpected.iter().all(|name| name.starts_with("cls.")));
    assert_eq!(values.iter().filter(|value| value.is_none()).count(), 2);
    let expected = "23 of 25 parameters are loaded. The checkpoint lacks classifier.weight, classifier.bias. This model \
                    does not use cls.predictions.bias, cls.predictions.transform.LayerNorm.bias, \
                    cls.predictions.transform.LayerNorm.weight, cls.predictions.transform.dense.bias and 3 more.";
    assert_eq!(report.to_string(), expected);

    let error = load(&file, Family::Bert, &model, Strictness::Complete).expect_err("the head is missing").to_string();
    assert_eq!(error, "the weights do not fit the configuration: missing: classifier.weight, classifier.bias");
}

#[test]
fn a_report_is_a_few_sentences() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let shape = |name: &str| WrongShape { name: name.to_owned(), found: vec![2, 3], wanted: vec![3] };
    let report = Report {
        loaded: names(&["a", "b", "c"]),
        missing: names(&["d"]),
        unexpected: names(&["e"]),
        wrong_shape: vec![shape("f")],
        ignored: names(&["g", "h"]),
        cast: vec![("a".to_owned(), Dtype::F16), ("b".to_owned(), Dtype::F64), ("c".to_owned(), Dtype::F16)],
    };
    let expected = "3 of 5 parameters are loaded; converted to F32: 2 from F16, 1 from F64. The checkpoint lacks d. Of \
                    another shape: f [2, 3] instead of [3]. This model does not use e. 2 buffers and copies of tied \
                    weights are ignored.";
    assert_eq!(report.to_string(), expected);
    let ignored = Report { ignored: names(&["g"]), ..Report::default() }.to_string();
    assert_eq!(ignored, "0 of 0 parameters are loaded. 1 buffer or copy of a tied weight is ignored.");
}

#[test]
fn another_shape_is_never_loaded() {
    let model = tensors(Family::Gpt2);
    let mut other = model.clone();
    other[0].1 = vec![4, 12];
    for strictness in [Strictness::Exact, Strictness::Complete, Strictness::Partial] {
        let mut seen = 0;
        let files = single(&other);
        let weights = block_on(Weights::open(&&files)).expect("the file is sound");
        let count = |_: usize, _| -> Result<(), WeightsError> {
            seen += 1;
            Ok(())
        };
        let error = block_on(weights.load(Family::Gpt2, &wanted(&model), strictness, count)).expect_err("a shape");
        let message = error.to_string();
        assert!(message.ends_with("of another shape: transformer.wte.weight [4, 12] instead of [12, 4]"), "{message}");
        let WeightsError::Fit { report, .. } = error else { panic!("{message}") };
        let name = "transformer.wte.weight".to_owned();
        assert_eq!(report.wrong_shape, [WrongShape { name, found: vec![4, 12], wanted: vec![12, 4] }]);
        assert_eq!(seen, 0, "nothing is loaded");
    }
}

#[test]
fn biases_of_zero_fit_a_model_without_biases() {
    let model = tensors(Family::Gpt2);
    let without: Vec<Tensor> = model.iter().filter(|t| !t.0.ends_with(".bias")).cloned().collect();
    let mut zeros = model.clone();
    for tensor in zeros.iter_mut().filter(|t| t.0.ends_with(".bias")) {
        tensor.2.fill(0.0);
    }
    let report = assert_loads(&single(&zeros), Family::Gpt2, &without, "zero biases");
    assert_eq!(report.ignored.len(), 7);
    let error = load(&single(&model), Family::Gpt2, &without, Strictness::Exact).expect_err("biases that act");
    assert!(error.to_string().contains("unexpected: transformer.h.0.attn.c_attn.bias"), "{error}");
}
