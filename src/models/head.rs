//! What a model is for: a configuration, a head, and Hugging Face's name for the two.

use serde_json::{Map, Value, json};

use super::config::{Config, Family};
use super::{Decay, Extents, Mode, ModelError, bart, bert, gpt, t5, transformer};
use crate::ir::Graph;

/// What stands on the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Head {
    /// Predicts tokens: masked ones, the next one, or those of the target.
    Language,
    /// Predicts masked tokens, and whether the second text follows the first: BERT's pretraining.
    PreTraining,
    /// Predicts whether the second text follows the first.
    NextSentence,
    /// Labels a text or a pair of texts.
    Sequence(Labels),
    /// Labels every token.
    Token {
        /// How many labels.
        labels: usize,
    },
    /// Finds the start and the end of an answer.
    Question,
}

/// The labels of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Labels {
    /// How many.
    pub count: usize,
    /// What they mean.
    pub problem: Problem,
}

/// What the labels of a text mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// One of them holds: cross-entropy.
    Single,
    /// Numbers: squared error.
    Regression,
    /// Any of them may hold: binary cross-entropy.
    Multiple,
}

impl Problem {
    /// Hugging Face's `problem_type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single_label_classification",
            Self::Regression => "regression",
            Self::Multiple => "multi_label_classification",
        }
    }
}

impl Head {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Language => "language modeling",
            Self::PreTraining => "pretraining with next-sentence prediction",
            Self::NextSentence => "next-sentence prediction",
            Self::Sequence(_) => "sequence classification",
            Self::Token { .. } => "token classification",
            Self::Question => "question answering",
        }
    }

    /// How many labels, where there are any.
    #[must_use]
    pub const fn labels(self) -> Option<usize> {
        match self {
            Self::Sequence(labels) => Some(labels.count),
            Self::Token { labels } => Some(labels),
            Self::Language | Self::PreTraining | Self::NextSentence | Self::Question => None,
        }
    }
}

/// A network: family, sizes, and what for.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    /// The stack.
    pub config: Config,
    /// What stands on it.
    pub head: Head,
    /// ε of label smoothing in the loss over a vocabulary, as PyTorch defines it.
    pub smoothing: f64,
}

/// Class names: what Hugging Face calls a family with a head. Labels are filled in from the configuration.
const CLASSES: [(&str, Family, Head); 16] = {
    const SEQUENCE: Head = Head::Sequence(Labels { count: 2, problem: Problem::Single });
    const TOKEN: Head = Head::Token { labels: 2 };
    [
        ("BertForMaskedLM", Family::Bert, Head::Language),
        ("BertForPreTraining", Family::Bert, Head::PreTraining),
        ("BertForNextSentencePrediction", Family::Bert, Head::NextSentence),
        ("BertForSequenceClassification", Family::Bert, SEQUENCE),
        ("BertForTokenClassification", Family::Bert, TOKEN),
        ("BertForQuestionAnswering", Family::Bert, Head::Question),
        ("GPT2LMHeadModel", Family::Gpt2, Head::Language),
        ("GPT2ForSequenceClassification", Family::Gpt2, SEQUENCE),
        ("GPT2ForTokenClassification", Family::Gpt2, TOKEN),
        ("GPT2ForQuestionAnswering", Family::Gpt2, Head::Question),
        ("T5ForConditionalGeneration", Family::T5, Head::Language),
        ("BartForConditionalGeneration", Family::Bart, Head::Language),
        ("BartForSequenceClassification", Family::Bart, SEQUENCE),
        ("BartForQuestionAnswering", Family::Bart, Head::Question),
        ("Transformer", Family::Transformer, Head::Language),
        ("GPT2ForCausalLM", Family::Gpt2, Head::Language),
    ]
};

impl Model {
    /// A model that predicts tokens.
    #[must_use]
    pub const fn language(config: Config) -> Self {
        Self { config, head: Head::Language, smoothing: 0.0 }
    }

    /// A model by Hugging Face's class name and the keys of a `config.json`.
    ///
    /// # Errors
    /// When the class is unknown, a value is of the wrong kind, or the whole describes no model.
    pub fn from_class(class: &str, map: &Map<String, Value>) -> Result<Self, ModelError> {
        let Some(&(_, family, head)) = CLASSES.iter().find(|(name, ..)| *name == class) else {
            let known = CLASSES.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
            return Err(ModelError::Class { found: class.to_owned(), known });
        };
        let config = Config::from_map(family, map)?;
        Ok(Self { config, head: labeled(head, family, map)?, smoothing: 0.0 })
    }

    /// Reads the text of a `config.json`. Without `architectures`, or with the class of a bare stack, it is the language model.
    ///
    /// # Errors
    /// As [`Self::from_class`].
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let config = Config::from_json(text)?;
        let value: Value = serde_json::from_str(text).map_err(|e| ModelError::Syntax(e.to_string()))?;
        let map = value.as_object().cloned().unwrap_or_default();
        let class = map.get("architectures").and_then(|v| v.get(0)).and_then(Value::as_str);
        match class.filter(|class| CLASSES.iter().any(|(name, ..)| name == class)) {
            Some(class) => Self::from_class(class, &map),
            None => Ok(Self::language(config)),
        }
    }

    /// Whether Hugging Face's class of this name is built in.
    #[must_use]
    pub fn knows(class: &str) -> bool {
        CLASSES.iter().any(|(name, ..)| *name == class)
    }

    /// Hugging Face's name of the class.
    ///
    /// # Errors
    /// When the family has no such head.
    pub fn class(&self) -> Result<&'static str, ModelError> {
        let family = self.config.family();
        let same = |head: Head| core::mem::discriminant(&head) == core::mem::discriminant(&self.head);
        let found = CLASSES.iter().find(|&&(_, f, head)| f == family && same(head));
        found.map(|&(name, ..)| name).ok_or_else(|| self.no_head())
    }

    pub(super) const fn no_head(&self) -> ModelError {
        ModelError::Head { family: self.config.family().name(), head: self.head.name() }
    }

    /// The `config.json` that Hugging Face reads.
    ///
    /// # Errors
    /// When the family has no such head.
    pub fn to_json(&self) -> Result<Value, ModelError> {
        let mut map = self.config.to_map();
        map.insert("architectures".to_owned(), json!([self.class()?]));
        if let Some(labels) = self.head.labels() {
            let names = |i: usize| format!("LABEL_{i}");
            map.insert("id2label".to_owned(), (0..labels).map(|i| (i.to_string(), json!(names(i)))).collect());
            map.insert("label2id".to_owned(), (0..labels).map(|i| (names(i), json!(i))).collect());
        }
        if let Head::Sequence(labels) = self.head {
            map.insert("problem_type".to_owned(), json!(labels.problem.name()));
        }
        if self.config.family().architecture() == super::Architecture::EncoderDecoder {
            map.insert("is_encoder_decoder".to_owned(), json!(true));
            map.insert("decoder_start_token_id".to_owned(), json!(self.config.decoder_start()));
        }
        Ok(Value::Object(map))
    }

    /// Number of trainable elements, tied ones once.
    ///
    /// # Errors
    /// When it describes no model.
    pub fn parameters(&self) -> Result<u64, ModelError> {
        let smallest = Extents { target: 1, ..Extents::decoder(1, 1) };
        Ok(self.graph(smallest, Mode::Inspect, Decay::Matrices)?.parameter_count() as u64)
    }

    /// Columns of the logits.
    #[must_use]
    pub fn classes(&self) -> usize {
        match self.head {
            Head::Language | Head::PreTraining => self.config.vocabulary(),
            Head::NextSentence | Head::Question => 2,
            Head::Sequence(labels) => labels.count,
            Head::Token { labels } => labels,
        }
    }

    /// The row of the table of positions that belongs to a position.
    #[must_use]
    pub const fn position_row(&self, position: u32) -> u32 {
        match self.config {
            Config::Bart(_) => position + bart::FIRST_POSITION as u32,
            Config::Bert(_) | Config::Gpt2(_) | Config::T5(_) | Config::Transformer(_) => position,
        }
    }

    /// The graph of a step.
    ///
    /// # Errors
    /// When configuration, head and extents describe no graph.
    pub fn graph(&self, extents: Extents, mode: Mode, decay: Decay) -> Result<Graph, ModelError> {
        self.config.check()?;
        if let Some(positions) = self.config.positions() {
            let time = extents.time.max(extents.target);
            if time > positions {
                return Err(ModelError::Context { time, positions });
            }
        }
        match &self.config {
            Config::Bert(config) => bert::graph(self, config, extents, mode, decay),
            Config::Gpt2(config) => gpt::graph(self, config, extents, mode, decay),
            Config::T5(config) => t5::graph(self, config, extents, mode, decay),
            Config::Bart(config) => bart::graph(self, config, extents, mode, decay),
            Config::Transformer(config) => transformer::graph(self, config, extents, mode, decay),
        }
    }
}

/// The head with the labels that a configuration gives it. Hugging Face counts `id2label`, and has two labels, BART three,
/// where nothing is said; one label is a number.
fn labeled(head: Head, family: Family, map: &Map<String, Value>) -> Result<Head, ModelError> {
    let default = if family == Family::Bart { 3 } else { 2 };
    let count = match (map.get("num_labels"), map.get("id2label")) {
        (Some(value), _) => {
            let count = value.as_u64().filter(|&n| (1..=100_000).contains(&n));
            count.ok_or_else(|| bad_label("num_labels", value, "a whole number from 1 to 100000"))? as usize
        }
        (None, Some(Value::Object(names))) if !names.is_empty() => names.len(),
        (None, _) => default,
    };
    let problem = match map.get("problem_type").filter(|v| !v.is_null()) {
        None if count == 1 => Problem::Regression,
        None => Problem::Single,
        Some(value) => [Problem::Single, Problem::Regression, Problem::Multiple]
            .into_iter()
            .find(|p| value.as_str() == Some(p.name()))
            .ok_or_else(|| bad_label("problem_type", value, "a problem type of Hugging Face"))?,
    };
    Ok(match head {
        Head::Sequence(_) => Head::Sequence(Labels { count, problem }),
        Head::Token { .. } => Head::Token { labels: count },
        other => other,
    })
}

fn bad_label(key: &str, value: &Value, expected: &str) -> ModelError {
    ModelError::Value { key: key.to_owned(), found: value.to_string(), expected: expected.to_owned() }
}
