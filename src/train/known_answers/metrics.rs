//! The cases of `metrics_kat.json`: scores from scikit-learn, SciPy, seqeval, sacrebleu, rouge-score and D2L. All are
//! functions of f64 whatever the machine, save the smoothed losses, which the machine computes. The learning rates of
//! the original Transformer stand in the same file.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::compare::Checks;
use super::result::Stopped;
use super::{Data, Machine};
use crate::ir::{Builder, IrError, Op, Type};
use crate::metrics::{
    MetricError, Prf, Scheme, Tokenization, accuracy, corpus_bleu, d2l_bleu, entity_scores, exact_match, f1, matthews,
    pearson, rouge, spearman, token_f1,
};
use crate::passes::optimize;
use crate::train::Schedule;

/// Scores are reproduced to this, relative to those above 1.
const GATE: f64 = 1e-12;
/// How sacrebleu signs what [`corpus_bleu`] computes.
const SIGNATURE: &str = "nrefs:1|case:mixed|eff:no|smooth:exp";

#[derive(Clone, Copy)]
enum Kind {
    Classification,
    Regression,
    Entities,
    Bleu,
    Rouge,
    Squad,
    D2lBleu { k: usize },
    LabelSmoothing,
    Noam,
}

/// The metric that a name stands for: alone, or before an underscore and whatever tells cases apart.
fn kind(name: &str) -> Option<Kind> {
    if let Some(k) = name.strip_prefix("d2l_bleu_k") {
        let k = k.split('_').next()?.parse().ok()?;
        return Some(Kind::D2lBleu { k });
    }
    let is = |metric: &str| name.strip_prefix(metric).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    let kinds = [
        ("classification", Kind::Classification),
        ("regression", Kind::Regression),
        ("seqeval", Kind::Entities),
        ("bleu", Kind::Bleu),
        ("rouge", Kind::Rouge),
        ("squad", Kind::Squad),
        ("label_smoothing", Kind::LabelSmoothing),
        ("noam", Kind::Noam),
    ];
    kinds.into_iter().find(|(metric, _)| is(metric)).map(|(_, kind)| kind)
}

/// Whether a key of a file is a metric's.
pub(super) fn knows(name: &str) -> bool {
    kind(name).is_some()
}

/// Runs a case whose name is [known](knows).
pub(super) async fn run<M: Machine>(name: &str, case: &Value, machine: &mut M) -> Result<Checks, Stopped> {
    let kind = kind(name).ok_or_else(|| Stopped::Unknown(format!("{name} is no score of this build")))?;
    let mut checks = Checks::new(machine.precision());
    match kind {
        Kind::Classification => classification(case, &mut checks)?,
        Kind::Regression => regression(case, &mut checks)?,
        Kind::Entities => entities(case, &mut checks)?,
        Kind::Bleu => bleu(case, &mut checks)?,
        Kind::Rouge => rouge_scores(case, &mut checks)?,
        Kind::Squad => squad(case, &mut checks)?,
        Kind::D2lBleu { k } => {
            for (i, (prediction, label, expected)) in read::<Vec<(String, String, Value)>>(case)?.iter().enumerate() {
                score(&mut checks, &format!("[{i}]"), Ok(d2l_bleu(prediction, label, k)), expected)?;
            }
        }
        Kind::LabelSmoothing => label_smoothing(case, machine, &mut checks).await?,
        Kind::Noam => noam(case, &mut checks)?,
    }
    Ok(checks)
}

/// Truth and prediction.
#[derive(Deserialize)]
struct Pairs<T> {
    y: Vec<T>,
    p: Vec<T>,
}

fn classification(case: &Value, checks: &mut Checks) -> Result<(), String> {
    let Pairs { y, p } = read::<Pairs<u32>>(case)?;
    for (key, expected) in results(case, &["y", "p"]) {
        match key {
            "accuracy" => score(checks, key, accuracy(&p, &y), expected)?,
            "matthews" => score(checks, key, matthews(&p, &y), expected)?,
            "f1_pos" => score(checks, key, f1(&p, &y, 1).map(|s| s.f1), expected)?,
            _ => checks.unchecked(key),
        }
    }
    Ok(())
}

fn regression(case: &Value, checks: &mut Checks) -> Result<(), String> {
    let Pairs { y, p } = read::<Pairs<f64>>(case)?;
    for (key, expected) in results(case, &["y", "p"]) {
        match key {
            "pearson" => score(checks, key, pearson(&p, &y), expected)?,
            "spearman" => score(checks, key, spearman(&p, &y), expected)?,
            _ => checks.unchecked(key),
        }
    }
    Ok(())
}

fn entities(case: &Value, checks: &mut Checks) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Tags {
        r#true: Vec<Vec<String>>,
        pred: Vec<Vec<String>>,
    }
    let Tags { r#true: references, pred } = read::<Tags>(case)?;
    for (key, expected) in results(case, &["true", "pred"]) {
        let found = |scheme, part: fn(Prf) -> f64| entity_scores(&pred, &references, scheme).map(part);
        let found = match key {
            "precision" => found(Scheme::Lenient, |s| s.precision),
            "recall" => found(Scheme::Lenient, |s| s.recall),
            "f1_micro" | "f1_default(lenient conlleval)" => found(Scheme::Lenient, |s| s.f1),
            "f1_strict_IOB2" => found(Scheme::Strict, |s| s.f1),
            _ => {
                checks.unchecked(key);
                continue;
            }
        };
        score(checks, key, found, expected)?;
    }
    Ok(())
}

fn bleu(case: &Value, checks: &mut Checks) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Texts {
        refs: Vec<String>,
        hyps: Vec<String>,
    }
    let Texts { refs, hyps } = read::<Texts>(case)?;
    let references: Vec<Vec<String>> = refs.into_iter().map(|r| vec![r]).collect();
    let corpus = |tokenization| corpus_bleu(&hyps, &references, tokenization);
    for (key, expected) in results(case, &["refs", "hyps"]) {
        match key {
            "corpus_bleu_tok_none" => score(checks, key, corpus(Tokenization::None).map(|b| b.score), expected)?,
            "corpus_bleu_13a" => score(checks, key, corpus(Tokenization::V13a).map(|b| b.score), expected)?,
            "bp" => score(checks, key, corpus(Tokenization::None).map(|b| b.brevity), expected)?,
            "precisions" => {
                let found = corpus(Tokenization::None).map_err(|e| e.to_string())?.precisions;
                // Percentages: the gate is relative to 100.
                checks.vector(key, Some(&found), expected, 100.0 * GATE, 100.0 * GATE);
            }
            "sentence_bleu_exp_smooth[0]" => {
                let first =
                    corpus_bleu(&hyps[..hyps.len().min(1)], &references[..references.len().min(1)], Tokenization::None);
                score(checks, key, first.map(|b| b.score), expected)?;
            }
            "signature" if expected == SIGNATURE => {}
            "signature" => return Err(format!("{expected} is not the score that this build computes, {SIGNATURE}")),
            _ => checks.unchecked(key),
        }
    }
    Ok(())
}

fn rouge_scores(case: &Value, checks: &mut Checks) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Texts {
        r#ref: String,
        hyp: String,
    }
    for (i, item) in items(case)?.iter().enumerate() {
        let Texts { r#ref: reference, hyp } = read::<Texts>(item)?;
        let found = rouge(&hyp, &reference).map_err(|e| e.to_string())?;
        for (key, expected) in results(item, &["ref", "hyp"]) {
            let found = match key {
                "rouge1" => found.rouge1,
                "rouge2" => found.rouge2,
                "rougeL" => found.rouge_l,
                "rougeLsum" => found.rouge_lsum,
                _ => {
                    checks.unchecked(&format!("[{i}].{key}"));
                    continue;
                }
            };
            for (part, found) in [("p", found.precision), ("r", found.recall), ("f", found.f1)] {
                score(checks, &format!("[{i}].{key}.{part}"), Ok(found), &expected[part])?;
            }
        }
    }
    Ok(())
}

fn squad(case: &Value, checks: &mut Checks) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Texts {
        pred: String,
        gold: String,
    }
    for (i, item) in items(case)?.iter().enumerate() {
        let Texts { pred, gold } = read::<Texts>(item)?;
        for (key, expected) in results(item, &["pred", "gold"]) {
            let name = format!("[{i}].{key}");
            match key {
                "em" => score(checks, &name, Ok(f64::from(exact_match(&pred, &gold))), expected)?,
                "f1" => score(checks, &name, Ok(token_f1(&pred, &gold)), expected)?,
                _ => checks.unchecked(&name),
            }
        }
    }
    Ok(())
}

/// Keys `torch_ce_epsE`, a mean, and `fairseq_epsE_sum`, a sum. fairseq gives ε/(V - 1) to each *wrong* class, torch ε/V to
/// every class: the same loss for `ε_torch = ε·V/(V - 1)`.
async fn label_smoothing<M: Machine>(case: &Value, machine: &mut M, checks: &mut Checks) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Rows {
        logits: Vec<Vec<f64>>,
        target: Vec<u32>,
    }
    let Rows { logits, target } = read::<Rows>(case)?;
    let classes = logits.first().map_or(0, Vec::len);
    if classes < 2 || logits.len() != target.len() || logits.iter().any(|row| row.len() != classes) {
        return Err("logits is no matrix with a target for each row".to_owned());
    }
    if let Some(target) = target.iter().find(|&&t| t as usize >= classes) {
        return Err(format!("target {target} is not below {classes}, the number of classes"));
    }
    let rows = logits.len();
    let logits: Vec<f64> = logits.concat();
    let mut loss = async |smoothing: f64, weight: f64| -> Result<f64, String> {
        if !(0.0..1.0).contains(&smoothing) {
            return Err(format!("a smoothing of {smoothing} is not between 0 and 1"));
        }
        let inputs = [
            ("logits".to_owned(), Data::Float(logits.clone())),
            ("targets".to_owned(), Data::Index(target.clone())),
            ("weights".to_owned(), Data::Float(vec![weight; rows])),
        ];
        let graph = smoothed_loss(rows, classes, smoothing).map_err(|e| e.to_string())?;
        machine.forward(&graph, &[], &inputs).await?.scalar("loss")
    };
    let number = |text: &str| text.parse::<f64>().ok().filter(|e| e.is_finite());
    for (key, expected) in results(case, &["logits", "target"]) {
        let torch = key.strip_prefix("torch_ce_eps").and_then(number);
        let fairseq = key.strip_prefix("fairseq_eps").and_then(|rest| number(rest.strip_suffix("_sum")?));
        let found = match (torch, fairseq) {
            (Some(smoothing), _) => loss(smoothing, 1.0 / rows as f64).await?,
            (None, Some(smoothing)) => loss(smoothing * classes as f64 / (classes as f64 - 1.0), 1.0).await?,
            (None, None) => {
                checks.unchecked(key);
                continue;
            }
        };
        checks.number(key, found, expected, 1e-5, GATE);
    }
    Ok(())
}

/// Keys `d=D,w=W,s=S`: width of the model, steps of warm-up, step counted from 1.
fn noam(case: &Value, checks: &mut Checks) -> Result<(), String> {
    for (key, expected) in results(case, &[]) {
        let constants: Option<Vec<u32>> =
            key.split(',').zip(["d=", "w=", "s="]).map(|(part, name)| part.strip_prefix(name)?.parse().ok()).collect();
        match constants.as_deref() {
            Some(&[d, warmup, step]) if d > 0 && warmup > 0 && step > 0 => {
                let found = Schedule::noam(d, 1.0, warmup, step).at(step - 1);
                // Rates are small, so the gate is relative.
                let gate = GATE * expected.as_f64().map_or(1.0, f64::abs);
                checks.number(key, found, expected, gate, gate);
            }
            _ => checks.unchecked(key),
        }
    }
    Ok(())
}

fn smoothed_loss(rows: usize, classes: usize, smoothing: f64) -> Result<crate::ir::Graph, IrError> {
    let mut b = Builder::new();
    let logits = b.input("logits", Type::f32(&[rows, classes]))?;
    let targets = b.input("targets", Type::u32(&[rows]))?;
    let weights = b.input("weights", Type::f32(&[rows]))?;
    let loss = b.push(Op::CrossEntropy { smoothing }, &[logits, targets, weights])?;
    b.output("loss", loss);
    optimize(&b.finish())
}

/// The keys of a case that hold results.
fn results<'a>(case: &'a Value, inputs: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let entries = case.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value));
    entries.filter(move |(key, _)| !key.starts_with('_') && !inputs.contains(key))
}

fn items(case: &Value) -> Result<&[Value], String> {
    case.as_array().map(Vec::as_slice).ok_or_else(|| "the case is no list".to_owned())
}

fn read<T: DeserializeOwned>(case: &Value) -> Result<T, String> {
    T::deserialize(case).map_err(|e| format!("the case cannot be read: {e}"))
}

fn score(checks: &mut Checks, name: &str, found: Result<f64, MetricError>, expected: &Value) -> Result<(), String> {
    let gate = GATE * expected.as_f64().map_or(1.0, |e| e.abs().max(1.0));
    checks.number(name, found.map_err(|e| e.to_string())?, expected, gate, gate);
    Ok(())
}
