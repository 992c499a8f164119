//! `train --from`: fine-tuning of a run's own checkpoint, and what is refused.

use super::Workspace;

/// A small BERT, pretrained for two steps.
const PRETRAIN: &str = "train --preset bert --device cpu --steps 2 --set num_hidden_layers=1 --set hidden_size=12 \
    --set num_attention_heads=3 --set intermediate_size=24 --set context=16 --set batch=2 --set eval_batches=1";
/// Reviews, on whatever model there is.
const TUNE: &str = "train --preset sentiment --device cpu --set context=16 --set batch=2 --set eval_batches=1";

#[test]
fn a_pretrained_bert_learns_a_classifier() {
    let here = Workspace::new();
    here.ok(&format!("{PRETRAIN} --out bert"));
    let run = here.run(&format!("{TUNE} --from bert --steps 2 --out tuned"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("The checkpoint lacks"), "{}", run.stderr);
    assert!(run.stderr.contains("classifier.weight"), "{}", run.stderr);
    assert!(run.stderr.contains("This model does not use cls.predictions."), "{}", run.stderr);
    assert!(run.stderr.contains("parameters, the run's has"), "{}", run.stderr);
    let (before, after) = (here.json("bert/config.json"), here.json("tuned/config.json"));
    for key in ["hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size", "max_position_embeddings"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    assert_eq!(here.read("bert/tokenizer.json"), here.read("tuned/tokenizer.json"));

    // An interrupted run goes on with the same model, to the same bits.
    here.ok(&format!("{TUNE} --from bert --steps 4 --out whole"));
    here.ok(&format!("{TUNE} --from bert --steps 4 --stop-at 2 --out parts"));
    here.ok("train --resume --device cpu --out parts");
    assert_eq!(here.read("whole/model.safetensors"), here.read("parts/model.safetensors"));
    // And the start matters.
    here.ok(&format!("{PRETRAIN} --seed 1 --out other"));
    here.ok(&format!("{TUNE} --from other --steps 4 --out elsewhere"));
    assert_ne!(here.read("whole/model.safetensors"), here.read("elsewhere/model.safetensors"));
}

#[test]
fn what_does_not_fit_is_refused_with_file_and_key() {
    let here = Workspace::new();
    here.ok(&format!("{PRETRAIN} --out bert"));
    let cases = [
        ("--preset story --from bert", "config.json: model_type is \"bert\", the run trains \"gpt2\""),
        ("--preset sentiment --from bert", "16 positions, a sequence of the run has 48 tokens"),
        ("--preset sentiment --from bert --set context=16 --set hidden_size=24", "of another shape"),
        ("--preset sentiment --from nowhere", "there is no such directory"),
    ];
    for (words, expected) in cases {
        let error = here.fails(&format!("train {words} --device cpu --out out"));
        assert!(error.contains(expected), "{words}: {error}");
        assert!(!here.path("out").exists(), "{words} left something behind");
    }
    // Letters are no digits.
    here.ok("train --preset copy --device cpu --steps 1 --set n_layer=1 --set n_embd=12 --set n_head=3 --out copy");
    let error = here.fails("train --preset sort --from copy --device cpu --out out");
    assert!(error.contains("tokenizer.json: preset \"sort\" has a vocabulary of its own"), "{error}");
}
