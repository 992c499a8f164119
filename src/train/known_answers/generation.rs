//! Generated ids of the known answers, by forward graphs long enough for the whole sequence: what stands right of the last
//! token cannot reach it through a causal mask.

use super::inputs::Batch;
use super::{Data, Inputs, Machine, MachineError};
use crate::ir::Graph;
use crate::models::{Architecture, Decay, Extents, KeyMask, Mode, Model};
use crate::passes::optimize;
use crate::train::decode::{Beams, Rules, Search, Strategy};

/// New tokens at most: of GPT-2's greedy ids, and of all others.
const MOST: [usize; 2] = [12, 8];

/// Scores sequences of a case's model.
pub(super) struct Generation<'a, M> {
    pub model: &'a Model,
    pub weights: &'a [Vec<f32>],
    pub batch: &'a Batch,
    pub machine: &'a mut M,
}

/// What a sequence starts from.
#[derive(Clone)]
struct Start {
    ids: Vec<u32>,
    /// The encoder's row and its mask.
    source: Option<(Vec<u32>, Option<Vec<u32>>)>,
}

/// A graph whose logits score sequences, with the inputs that stay.
struct Scorer {
    graph: Graph,
    inputs: Inputs,
    /// The input that holds the sequence.
    growing: &'static str,
    /// Its tokens, those to come included.
    time: usize,
}

impl<M: Machine> Generation<'_, M> {
    /// A row for each prompt, in an encoder–decoder for each row of the case; those that ended early filled with padding.
    pub async fn greedy(&mut self, prompt: Option<&[u32]>) -> Result<Vec<Vec<u32>>, MachineError> {
        let most = if prompt.is_some() { MOST[0] } else { MOST[1] };
        self.each(prompt, most, Strategy::GREEDY).await
    }

    /// As [`Self::greedy`], by beam search.
    pub async fn beam(&mut self, prompt: Option<&[u32]>, beams: Beams) -> Result<Vec<Vec<u32>>, MachineError> {
        self.each(prompt, MOST[1], Strategy::Beam(beams)).await
    }

    async fn each(
        &mut self,
        prompt: Option<&[u32]>,
        most: usize,
        strategy: Strategy,
    ) -> Result<Vec<Vec<u32>>, MachineError> {
        let forced = self.model.config.forced_eos();
        let rules = Rules { forced, ..Rules::new(self.model.config.eos(), most) };
        let mut rows = Vec::new();
        for start in self.starts(prompt)? {
            let room = start.ids.len() + most;
            let time = self.model.config.positions().map_or(room, |p| p.min(room));
            let scorer = self.scorer(&start, time)?;
            let mut search = Search::new(&start.ids, strategy, rules.clone());
            while !search.open().is_empty() {
                let mut logits = Vec::with_capacity(search.open().len());
                for ids in search.open() {
                    logits.push(self.score(&scorer, ids).await?);
                }
                search.advance(logits);
            }
            rows.push(search.best().to_vec());
        }
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        let pad = self.model.config.pad().unwrap_or_default();
        rows.iter_mut().for_each(|row| row.resize(longest, pad));
        Ok(rows)
    }

    fn starts(&self, prompt: Option<&[u32]>) -> Result<Vec<Start>, MachineError> {
        let architecture = self.model.config.family().architecture();
        match (architecture, prompt) {
            (Architecture::DecoderOnly, Some(prompt)) => Ok(vec![Start { ids: prompt.to_vec(), source: None }]),
            (Architecture::EncoderDecoder, prompt) => {
                let start = self.model.config.decoder_start().ok_or("the decoder has no start token")?;
                let ids = prompt.map_or_else(|| vec![start], <[u32]>::to_vec);
                let time = self.batch.extents.time;
                let masks = self.batch.key_mask.as_deref();
                let row = |(row, source): (usize, &[u32])| {
                    let mask = masks.map(|mask| mask[row * time..(row + 1) * time].to_vec());
                    Start { ids: ids.clone(), source: Some((source.to_vec(), mask)) }
                };
                Ok(self.batch.ids.chunks_exact(time).enumerate().map(row).collect())
            }
            (Architecture::DecoderOnly, None) => Err("a decoder-only model needs a prompt".to_owned()),
            (Architecture::EncoderOnly, _) => Err("an encoder cannot generate".to_owned()),
        }
    }

    fn scorer(&self, start: &Start, time: usize) -> Result<Scorer, MachineError> {
        let mut inputs = Vec::new();
        let (extents, growing) = match &start.source {
            None => (Extents::decoder(1, time), "ids"),
            Some((ids, mask)) => {
                inputs.push(("ids".to_owned(), Data::Index(ids.clone())));
                let key_mask = if mask.is_some() { KeyMask::Padding } else { KeyMask::None };
                if let Some(mask) = mask {
                    inputs.push(("key_mask".to_owned(), Data::Index(mask.clone())));
                }
                let source = ids.len();
                (Extents { batch: 1, time: source, target: time, key_mask, rows: None }, "decoder_ids")
            }
        };
        Ok(Scorer { graph: self.graph(extents)?, inputs, growing, time })
    }

    /// Logits after a sequence.
    async fn score(&mut self, scorer: &Scorer, ids: &[u32]) -> Result<Vec<f64>, MachineError> {
        let v = self.model.config.vocabulary();
        let last = ids.len().checked_sub(1).filter(|&last| last < scorer.time);
        let last = last.ok_or("the sequence is empty or longer than the model's positions")?;
        let mut padded = ids.to_vec();
        padded.resize(scorer.time, 0);
        let mut inputs = scorer.inputs.clone();
        inputs.push((scorer.growing.to_owned(), Data::Index(padded)));
        let outputs = self.machine.forward(&scorer.graph, self.weights, &inputs).await?;
        let row = outputs.get("logits")?.get(last * v..(last + 1) * v).map(<[f64]>::to_vec);
        row.ok_or_else(|| "the logits are shorter than they should be".to_owned())
    }

    fn graph(&self, extents: Extents) -> Result<Graph, MachineError> {
        let mut graph = self.model.graph(extents, Mode::Inspect, Decay::Matrices).map_err(|e| e.to_string())?;
        graph.outputs.retain(|(name, _)| name == "logits");
        optimize(&graph).map_err(|e| e.to_string())
    }
}
