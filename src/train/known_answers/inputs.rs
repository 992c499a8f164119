//! The arguments of Hugging Face's `forward`, as our graphs take them.

use serde_json::{Map, Value};

use super::Data;
use crate::models::{Architecture, Config, Extents, Family, Head, KeyMask, Model, Problem};

/// What labels that do not count are called.
const IGNORED: i64 = -100;

/// A batch of a case.
pub(super) struct Batch {
    pub extents: Extents,
    /// The graph's inputs by name.
    pub inputs: Vec<(String, Data)>,
    /// Ids of the encoder's rows, or of the only stack's.
    pub ids: Vec<u32>,
    /// u32 `[B,T]`.
    pub key_mask: Option<Vec<u32>>,
}

/// A matrix of whole numbers.
struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<i64>,
}

/// Reads the arguments of a class.
pub(super) fn read(model: &Model, arguments: &Map<String, Value>) -> Result<Batch, String> {
    read_with(model, arguments, true)
}

/// The extents and inputs of a graph that computes logits for the arguments of Hugging Face's `forward`, labels aside.
///
/// # Errors
/// What is wrong with an argument, in a sentence.
pub(in crate::train) fn arguments(
    model: &Model,
    arguments: &Map<String, Value>,
) -> Result<(Extents, crate::train::Inputs), String> {
    let Batch { extents, inputs, .. } = read_with(model, arguments, false)?;
    let words = |data: &Data| match data {
        Data::Index(words) => words.clone(),
        Data::Float(values) => values.iter().map(|&v| (v as f32).to_bits()).collect(),
    };
    let input =
        |name: &'static str| inputs.iter().find(|(given, _)| given == name).map(|(_, data)| (name, words(data)));
    Ok((extents, ["ids", "key_mask", "type_ids", "decoder_ids", "rows"].into_iter().filter_map(input).collect()))
}

fn read_with(model: &Model, arguments: &Map<String, Value>, labeled: bool) -> Result<Batch, String> {
    const KNOWN: [&str; 8] = [
        "input_ids",
        "attention_mask",
        "token_type_ids",
        "position_ids",
        "decoder_input_ids",
        "labels",
        "next_sentence_label",
        "start_positions",
    ];
    for key in arguments.keys() {
        let silent = ["use_cache", "return_dict", "end_positions"].contains(&key.as_str());
        if !silent && !key.starts_with("output_") && !key.starts_with('_') && !KNOWN.contains(&key.as_str()) {
            return Err(format!("input {key:?} is not known"));
        }
    }
    let matrix_of = |name: &str| arguments.get(name).map(|value| matrix(name, value)).transpose();
    let ids = matrix_of("input_ids")?.ok_or("input_ids are missing")?;
    let (rows, time) = (ids.rows, ids.columns);
    let same = |name: &str| -> Result<Option<Vec<i64>>, String> {
        let Some(m) = matrix_of(name)? else { return Ok(None) };
        if (m.rows, m.columns) == (rows, time) {
            Ok(Some(m.values))
        } else {
            Err(format!("{name} is {}×{}, input_ids {rows}×{time}", m.rows, m.columns))
        }
    };
    if let Some(positions) = same("position_ids")?
        && positions.iter().enumerate().any(|(i, &p)| p != (i % time) as i64)
    {
        return Err("position_ids other than 0, 1, 2 … are not supported".to_owned());
    }
    let key_mask = same("attention_mask")?.map(|mask| mask.iter().map(|&m| u32::from(m != 0)).collect::<Vec<u32>>());
    let mut reader = Reader { model, arguments, rows, time, inputs: Vec::new(), target: 0 };
    let ids = reader.ids(&ids.values)?;
    reader.push("ids", Data::Index(ids.clone()));
    if let Some(mask) = &key_mask {
        reader.push("key_mask", Data::Index(mask.clone()));
    }
    match model.config.family().architecture() {
        Architecture::EncoderOnly => {
            let types = same("token_type_ids")?.unwrap_or_else(|| vec![0; rows * time]);
            reader.push("type_ids", Data::Index(types.iter().map(|&t| t as u32).collect()));
        }
        // Hugging Face's decoders embed them; ours have no such table.
        Architecture::DecoderOnly | Architecture::EncoderDecoder if arguments.contains_key("token_type_ids") => {
            return Err("input \"token_type_ids\" is not known to this family".to_owned());
        }
        Architecture::EncoderDecoder => reader.decoder(&ids, matrix_of("decoder_input_ids")?)?,
        Architecture::DecoderOnly => {}
    }
    if labeled {
        reader.labels(&ids)?;
    } else if matches!(model.head, Head::Sequence(_)) {
        reader.picked(&ids)?;
    }
    let padding = if key_mask.is_some() { KeyMask::Padding } else { KeyMask::None };
    let extents = Extents { batch: rows, time, target: reader.target, key_mask: padding, rows: None };
    Ok(Batch { extents, inputs: reader.inputs, ids, key_mask })
}

struct Reader<'a> {
    model: &'a Model,
    arguments: &'a Map<String, Value>,
    rows: usize,
    time: usize,
    inputs: Vec<(String, Data)>,
    target: usize,
}

impl Reader<'_> {
    fn push(&mut self, name: &str, data: Data) {
        self.inputs.push((name.to_owned(), data));
    }

    fn ids(&self, values: &[i64]) -> Result<Vec<u32>, String> {
        values.iter().map(|&value| id(value, self.model.config.vocabulary())).collect()
    }

    fn argument(&self, name: &str) -> Result<&Value, String> {
        self.arguments.get(name).ok_or_else(|| format!("{name} are missing"))
    }

    /// What the decoder reads: the labels, or without any the encoder's rows, shifted right.
    fn decoder(&mut self, ids: &[u32], given: Option<Matrix>) -> Result<(), String> {
        let source = match (given, self.model.head) {
            (Some(given), _) => {
                self.target = given.columns;
                let ids = self.ids(&given.values)?;
                self.push("decoder_ids", Data::Index(ids));
                return Ok(());
            }
            (None, Head::Language) => matrix("labels", self.argument("labels")?)?,
            (None, _) => {
                Matrix { rows: self.rows, columns: self.time, values: ids.iter().map(|&id| i64::from(id)).collect() }
            }
        };
        if source.rows != self.rows {
            return Err(format!("{} rows of labels for {} of input_ids", source.rows, self.rows));
        }
        self.target = source.columns;
        let start = self.model.config.decoder_start().ok_or("the decoder has no start token")?;
        let pad = i64::from(self.model.config.pad().ok_or("there is no padding token")?);
        let mut shifted = Vec::with_capacity(source.values.len());
        for row in source.values.chunks_exact(source.columns) {
            shifted.push(i64::from(start));
            let kept = row[..source.columns - 1].iter();
            shifted.extend(kept.map(|&label| if label == IGNORED { pad } else { label }));
        }
        let shifted = self.ids(&shifted)?;
        self.push("decoder_ids", Data::Index(shifted));
        Ok(())
    }

    fn labels(&mut self, ids: &[u32]) -> Result<(), String> {
        let vocabulary = self.model.config.vocabulary();
        match self.model.head {
            Head::Language | Head::Token { .. } | Head::PreTraining => {
                let labels = matrix("labels", self.argument("labels")?)?;
                let decodes = self.target > 0;
                let expected = if decodes { self.target } else { self.time };
                if (labels.rows, labels.columns) != (self.rows, expected) {
                    return Err(format!("labels are {}×{}", labels.rows, labels.columns));
                }
                let shift =
                    usize::from(self.model.config.family() == Family::Gpt2 && self.model.head == Head::Language);
                let classes = self.model.head.labels().unwrap_or(vocabulary);
                self.classes(["targets", "weights"], &labels.values, labels.columns, shift, classes)?;
                if self.model.head == Head::PreTraining {
                    let pairs = vector("next_sentence_label", self.argument("next_sentence_label")?)?;
                    self.classes(["pair_targets", "pair_weights"], &whole(&pairs)?, 1, 0, 2)?;
                }
            }
            Head::NextSentence => {
                let labels = vector("labels", self.argument("labels")?)?;
                self.classes(["targets", "weights"], &whole(&labels)?, 1, 0, 2)?;
            }
            Head::Sequence(kind) => {
                let labels = vector("labels", self.argument("labels")?)?;
                if kind.problem == Problem::Single {
                    self.classes(["targets", "weights"], &whole(&labels)?, 1, 0, kind.count)?;
                } else {
                    if labels.len() != self.rows * kind.count {
                        return Err(format!("{} labels for {} rows of {}", labels.len(), self.rows, kind.count));
                    }
                    let weight = 1.0 / labels.len() as f64;
                    self.push("weights", Data::Float(vec![weight; labels.len()]));
                    self.push("targets", Data::Float(labels));
                }
                self.picked(ids)?;
            }
            Head::Question => {
                let time = if self.target > 0 { self.target } else { self.time };
                for end in ["start", "end"] {
                    let name = format!("{end}_positions");
                    let positions = whole(&vector(&name, self.argument(&name)?)?)?;
                    // Past the end of the text nothing counts.
                    let clamp = |&p: &i64| if p.max(0) >= time as i64 { IGNORED } else { p.max(0) };
                    let labels: Vec<i64> = positions.iter().map(clamp).collect();
                    let names = [format!("{end}_targets"), format!("{end}_weights")];
                    self.classes([&names[0], &names[1]], &labels, 1, 0, time)?;
                }
            }
        }
        Ok(())
    }

    /// Class labels with weights that sum to 1; `shift` says how many columns a label stands right of where it is predicted.
    fn classes(
        &mut self,
        [targets_name, weights_name]: [&str; 2],
        labels: &[i64],
        columns: usize,
        shift: usize,
        classes: usize,
    ) -> Result<(), String> {
        let (mut targets, mut weights) = (vec![0; labels.len()], vec![0.0; labels.len()]);
        for (at, label) in labels.iter().enumerate() {
            if at % columns >= shift && *label != IGNORED {
                targets[at - shift] = id(*label, classes)?;
                weights[at - shift] = 1.0;
            }
        }
        let counted: f64 = weights.iter().sum();
        if counted == 0.0 {
            return Err("no label counts".to_owned());
        }
        weights.iter_mut().for_each(|w| *w /= counted);
        self.push(targets_name, Data::Index(targets));
        self.push(weights_name, Data::Float(weights));
        Ok(())
    }

    /// The row of each sequence that a classifier reads: GPT-2's last token that is no padding, BART's last end token.
    fn picked(&mut self, ids: &[u32]) -> Result<(), String> {
        let wanted: Box<dyn Fn(u32) -> bool> = match &self.model.config {
            Config::Gpt2(config) => match config.pad_token_id {
                Some(pad) => Box::new(move |id| id != pad),
                None => Box::new(|_| true),
            },
            Config::Bart(config) => {
                let eos = config.eos_token_id;
                Box::new(move |id| id == eos)
            }
            Config::Bert(_) | Config::T5(_) | Config::Transformer(_) => return Ok(()),
        };
        let mut rows = Vec::with_capacity(self.rows);
        for (row, ids) in ids.chunks_exact(self.time).enumerate() {
            let at = ids.iter().rposition(|&id| wanted(id)).ok_or("a row has no token to classify by")?;
            rows.push((row * self.time + at) as u32);
        }
        self.push("rows", Data::Index(rows));
        Ok(())
    }
}

fn id(value: i64, classes: usize) -> Result<u32, String> {
    let id = u32::try_from(value).ok().filter(|&id| (id as usize) < classes);
    id.ok_or_else(|| format!("{value} lies outside of 0 to {}", classes.saturating_sub(1)))
}

/// All numbers of a list, or of a list of lists.
fn vector(name: &str, value: &Value) -> Result<Vec<f64>, String> {
    fn flatten(value: &Value, into: &mut Vec<f64>) -> Option<()> {
        match value {
            Value::Array(list) => list.iter().try_for_each(|value| flatten(value, into)),
            _ => value.as_f64().map(|number| into.push(number)),
        }
    }
    let mut numbers = Vec::new();
    flatten(value, &mut numbers).ok_or_else(|| format!("{name} is no list of numbers"))?;
    Ok(numbers)
}

fn whole(numbers: &[f64]) -> Result<Vec<i64>, String> {
    let number = |&n: &f64| if n.fract() == 0.0 { Ok(n as i64) } else { Err(format!("{n} is no class")) };
    numbers.iter().map(number).collect()
}

fn matrix(name: &str, value: &Value) -> Result<Matrix, String> {
    let wrong = || format!("{name} is no matrix of whole numbers");
    let rows = value.as_array().ok_or_else(wrong)?;
    let mut values = Vec::new();
    for row in rows {
        let row = row.as_array().ok_or_else(wrong)?;
        values.extend(row.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>().ok_or_else(wrong)?);
    }
    let columns = values.len() / rows.len().max(1);
    let even = rows.iter().all(|row| row.as_array().map(Vec::len) == Some(columns));
    if columns == 0 || !even { Err(wrong()) } else { Ok(Matrix { rows: rows.len(), columns, values }) }
}
