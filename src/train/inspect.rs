//! What people see of a model: the attention maps of a probe sentence, and what it predicts.

use serde::Serialize;

use super::decode::log_softmax;
use super::engine::Inputs;
use super::error::TrainError;
use super::session::Session;
use crate::data::DataError;
use crate::data::objective::{Change, Shown};
use crate::models::{Architecture, Extents, KeyMask, Mode};

/// Attention maps and predictions for one sentence.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Inspection {
    /// Training steps that the weights have seen.
    pub step: u32,
    /// What the model reads, as it is shown: in an encoder–decoder what the encoder reads.
    pub tokens: Vec<String>,
    /// What the decoder of an encoder–decoder reads.
    pub decoder_tokens: Vec<String>,
    /// The maps, in the order in which the model computes them.
    pub stages: Vec<Stage>,
    /// What is predicted, in the order of the positions.
    pub predictions: Vec<Predicted>,
    /// Mean cross-entropy of what was to be predicted; `None` where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
}

/// The maps of a stack.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Stage {
    /// `encoder`, `decoder`, or `cross`: the decoder's over the encoder's output.
    pub name: &'static str,
    /// Layers L.
    pub layers: usize,
    /// Heads H.
    pub heads: usize,
    /// Rows n.
    pub queries: usize,
    /// Columns m.
    pub keys: usize,
    /// Probabilities `[L,H,n,m]`, a row for each query; too many for anything but an array of their own.
    #[serde(skip)]
    pub probs: Vec<f32>,
}

/// What a model makes of a position.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Predicted {
    /// The position: in an encoder–decoder of the decoder.
    pub position: usize,
    /// What was to be predicted there, as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The most likely tokens with their probabilities.
    pub next: Vec<Prediction>,
}

/// A token with its probability.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Prediction {
    /// As it is shown.
    pub token: String,
    /// Probability.
    pub p: f64,
}

/// A text before and after an objective.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ShownText {
    /// Name of the objective.
    pub objective: &'static str,
    /// The tokens of the text, without special tokens.
    pub text: Vec<String>,
    /// What the model reads.
    pub input: Vec<String>,
    /// What it is to write, or what stood there before.
    pub target: Vec<String>,
    /// What happened, in the order of the text.
    pub changed: Vec<Change>,
}

/// How many predictions are listed for a position.
const TOP: usize = 5;

/// The rows that a probe becomes.
pub(super) struct Probe {
    /// What the first stack reads.
    pub(super) ids: Vec<u32>,
    /// What the decoder of an encoder–decoder reads.
    decoder: Vec<u32>,
    /// Positions to show predictions of, and what is expected there.
    asked: Vec<(usize, Option<u32>)>,
    /// Positions from here on count for the loss.
    first_loss: usize,
}

impl Session {
    /// Attention maps and predictions for `text`, under the objective of the run. `hidden` are the tokens to hide, counted
    /// without special tokens; without it the seed decides.
    ///
    /// # Errors
    /// When the text has characters that the tokenizer lacks, or the device fails.
    pub async fn inspect(&mut self, text: &str, hidden: Option<&[usize]>) -> Result<Inspection, TrainError> {
        let probe = self.probe(text, hidden)?;
        let (settings, data) = (self.settings().clone(), self.shared_data());
        let model = &settings.model.config;
        let shape = settings.shape();
        let (n, m) = (probe.ids.len(), probe.decoder.len());
        let stages = self.stages(n, m);
        let names: Vec<String> =
            stages.iter().flat_map(|(stage, prefix)| (0..stage.layers).map(move |l| format!("{prefix}.{l}"))).collect();
        let wanted: Vec<&str> = std::iter::once("logits").chain(names.iter().map(String::as_str)).collect();
        let (extents, inputs) = self.probe_inputs(&probe);
        let mut outputs = self.engine_mut().forward(Mode::Inspect, extents, &inputs, &wanted).await?.into_iter();
        let logits = outputs.next().unwrap_or_default();
        let stages = stages.into_iter().map(|(mut stage, prefix)| {
            let width =
                if prefix == "attention" || prefix.starts_with("encoder") { shape.source } else { shape.target };
            let columns = if stage.name == "cross" { shape.source } else { width };
            for layer in outputs.by_ref().take(stage.layers) {
                for head in layer.chunks_exact(width * columns) {
                    for row in head.chunks_exact(columns).take(stage.queries) {
                        stage.probs.extend_from_slice(&row[..stage.keys]);
                    }
                }
            }
            stage
        });
        let stages = stages.collect();
        let tokenizer = data.tokenizer();
        let label = |&id: &u32| tokenizer.label(id);
        let vocabulary = model.vocabulary();
        let (mut predictions, mut losses) = (Vec::new(), Vec::new());
        for &(position, expected) in &probe.asked {
            let Some(row) = logits.get(position * vocabulary..(position + 1) * vocabulary) else { continue };
            let ranked = softmax_ranked(row);
            if let Some(expected) = expected.filter(|_| position >= probe.first_loss) {
                let p = ranked.iter().find(|(token, _)| *token == expected).map_or(0.0, |&(_, p)| p);
                losses.push(-libm::log(p));
            }
            predictions.push(Predicted {
                position,
                expected: expected.as_ref().map(label),
                next: ranked.iter().take(TOP).map(|(id, p)| Prediction { token: label(id), p: *p }).collect(),
            });
        }
        Ok(Inspection {
            step: self.submitted(),
            tokens: probe.ids.iter().map(label).collect(),
            decoder_tokens: probe.decoder.iter().map(label).collect(),
            stages,
            predictions,
            loss: (!losses.is_empty()).then(|| (losses.iter().sum::<f64>() / losses.len() as f64) as f32),
        })
    }

    /// The maps that there will be, with the names of the graph's outputs.
    fn stages(&self, n: usize, m: usize) -> Vec<(Stage, &'static str)> {
        let model = &self.settings().model.config;
        let stage = |name, [layers, heads]: [usize; 2], queries, keys| Stage {
            name,
            layers,
            heads,
            queries,
            keys,
            probs: Vec::with_capacity(layers * heads * queries * keys),
        };
        let (encoder, decoder) = (model.encoder().unwrap_or_default(), model.decoder().unwrap_or_default());
        match model.family().architecture() {
            Architecture::EncoderOnly => vec![(stage("encoder", encoder, n, n), "attention")],
            Architecture::DecoderOnly => vec![(stage("decoder", decoder, n, n), "attention")],
            Architecture::EncoderDecoder => vec![
                (stage("encoder", encoder, n, n), "encoder.attention"),
                (stage("decoder", decoder, m, m), "decoder.attention"),
                (stage("cross", decoder, m, n), "cross.attention"),
            ],
        }
    }

    /// What a text becomes under the objective: corrupted where it corrupts, cut to the extents of the run.
    pub(super) fn probe(&self, text: &str, hidden: Option<&[usize]>) -> Result<Probe, TrainError> {
        let (settings, data) = (self.settings(), self.data());
        let shape = settings.shape();
        let architecture = settings.model.config.family().architecture();
        if architecture == Architecture::DecoderOnly {
            let ids = data.probe(text, shape.source)?;
            let asked = (0..ids.len()).map(|i| (i, ids.get(i + 1).copied())).collect();
            // A task's model learns nothing of the question.
            let given = data.question(text)?.map_or(1, |example| example.question.len());
            return Ok(Probe { ids, decoder: Vec::new(), asked, first_loss: given.saturating_sub(1) });
        }
        let (_, mut shown) = self.shown(text, hidden)?;
        shown.input.truncate(shape.source);
        if shown.input.is_empty() {
            return Err(DataError::EmptyProbe.into());
        }
        if architecture == Architecture::EncoderOnly {
            let hidden = shown.changed.iter().flat_map(|change| change.input.clone());
            let asked = hidden.filter(|&at| at < shown.input.len()).map(|at| (at, shown.target.get(at).copied()));
            let asked = asked.collect();
            return Ok(Probe { ids: shown.input, decoder: Vec::new(), asked, first_loss: 0 });
        }
        shown.target.truncate(shape.target);
        let start = settings.model.config.decoder_start().unwrap_or_default();
        let read = shown.target.len().saturating_sub(1);
        let decoder: Vec<u32> = std::iter::once(start).chain(shown.target[..read].iter().copied()).collect();
        let asked = (0..decoder.len()).map(|i| (i, shown.target.get(i).copied())).collect();
        Ok(Probe { ids: shown.input, decoder, asked, first_loss: 0 })
    }

    /// A text as ids, and what the objective makes of it.
    fn shown(&self, text: &str, hidden: Option<&[usize]>) -> Result<(Vec<u32>, Shown), TrainError> {
        let (settings, data) = (self.settings(), self.data());
        let question = data.question(text)?;
        let ids = match &question {
            Some(example) => example.question.clone(),
            None => data.probe(text, settings.context)?,
        };
        let forced: Option<Vec<bool>> = hidden.map(|hidden| (0..ids.len()).map(|i| hidden.contains(&i)).collect());
        let mut shown = settings.objective.show(&ids, data.vocabulary(), self.seed(), forced.as_deref())?;
        if let Some(example) = question {
            shown.target = data.vocabulary().framed(example.answer);
        }
        Ok((ids, shown))
    }

    /// A text before and after the objective, as it is shown.
    ///
    /// # Errors
    /// When the text has characters that the tokenizer lacks.
    pub fn show(&self, text: &str, hidden: Option<&[usize]>) -> Result<ShownText, TrainError> {
        let (ids, shown) = self.shown(text, hidden)?;
        let tokenizer = self.data().tokenizer();
        let labels = |ids: &[u32]| ids.iter().map(|&id| tokenizer.label(id)).collect();
        Ok(ShownText {
            objective: self.settings().objective.name(),
            text: labels(&ids),
            input: labels(&shown.input),
            target: labels(&shown.target),
            changed: shown.changed,
        })
    }

    /// The graph that inspects, and its inputs for a probe.
    fn probe_inputs(&self, probe: &Probe) -> (Extents, Inputs) {
        let extents = Extents { batch: 1, rows: None, ..self.settings().extents() };
        let mut inputs = Inputs::new();
        let decoder_only = self.settings().model.config.family().architecture() == Architecture::DecoderOnly;
        let pad = self.settings().model.config.pad().filter(|_| !decoder_only).unwrap_or_default();
        let fill = |ids: &[u32], length: usize, with: u32| {
            let mut row = ids.to_vec();
            row.resize(length, with);
            row
        };
        inputs.push(("ids", fill(&probe.ids, extents.time, pad)));
        let here = fill(&vec![1; probe.ids.len()], extents.time, 0);
        match self.settings().model.config.family().architecture() {
            Architecture::EncoderOnly => inputs.push(("type_ids", vec![0; extents.time])),
            Architecture::EncoderDecoder => inputs.push(("decoder_ids", fill(&probe.decoder, extents.target, pad))),
            Architecture::DecoderOnly if extents.key_mask == KeyMask::Documents => {
                inputs.push(("position_ids", (0..extents.time as u32).collect()));
            }
            Architecture::DecoderOnly => {}
        }
        if extents.key_mask != KeyMask::None {
            inputs.push(("key_mask", here));
        }
        (extents, inputs)
    }
}

/// Tokens by probability, most likely first.
fn softmax_ranked(logits: &[f32]) -> Vec<(u32, f64)> {
    let wide: Vec<f64> = logits.iter().map(|&l| f64::from(l)).collect();
    let logs = log_softmax(&wide);
    let mut ranked: Vec<(u32, f64)> = logs.into_iter().enumerate().map(|(i, l)| (i as u32, libm::exp(l))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}
