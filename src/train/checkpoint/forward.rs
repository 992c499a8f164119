//! The logits of a model for the arguments of Hugging Face's `forward`: how a checkpoint is compared with theirs.

use serde_json::{Map, Value};

use crate::models::{Decay, Mode, Model};
use crate::train::known_answers::arguments;
use crate::train::{Engine, TrainError};

/// Logits under Hugging Face's name for them.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Logits {
    /// The name.
    #[serde(skip)]
    pub name: String,
    /// Extents.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub data: Vec<f32>,
}

/// Runs the model once, without dropout, on `input_ids` and what else the class takes.
///
/// # Errors
/// When an argument is wrong, or the device fails.
pub async fn logits(engine: &mut Engine, model: &Model, given: &Map<String, Value>) -> Result<Vec<Logits>, TrainError> {
    let (extents, inputs) = arguments(model, given).map_err(TrainError::Arguments)?;
    let graph = model.graph(extents, Mode::Inspect, Decay::Matrices)?;
    let names: Vec<&str> = graph.outputs.iter().map(|(name, _)| name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| name.ends_with("logits")).collect();
    let outputs = engine.forward(Mode::Inspect, extents, &inputs, &names).await?;
    let pairs = names.contains(&"pair_logits");
    let entry = |(name, data): (&&str, Vec<f32>)| {
        let shape = graph.output(name).map(|value| graph.ty(value).shape.dims().to_vec());
        let theirs = match *name {
            "logits" if pairs => "prediction_logits",
            "pair_logits" => "seq_relationship_logits",
            other => other,
        };
        Logits { name: theirs.to_owned(), shape: shape.unwrap_or_default(), data }
    };
    Ok(names.iter().zip(outputs).map(entry).collect())
}
