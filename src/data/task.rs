//! Algorithmic tasks: small sequences with a question and one right answer, learned in seconds.
//!
//! | task | sequence | vocabulary |
//! |---|---|---|
//! | sort | six digits of 0, 1, 2, then the same sorted (minGPT's) | the three digits |
//! | reverse, copy | `hello\|olleh<eos>` | a to z, `\|`, `<eos>`, `<pad>` |
//! | add | `47+38=085<eos>` | digits, `+`, `=`, `<eos>` |
//!
//! A quarter of the questions, chosen by hash, never occurs in training. The loss counts the answer only.

use std::fmt;
use std::str::FromStr;

use super::objective::{Causal, decoder};
use super::{Batch, DataError, Frame, Objective, Shape, Vocabulary};
use crate::rng::{Draws, Stream, pcg4d};
use crate::text::Tokenizer;

const SORT_LENGTH: usize = 6;
const WORD_LENGTHS: std::ops::RangeInclusive<usize> = 2..=6;
const LETTERS: u32 = 26;
/// Ids of the word tasks, after the letters.
const BAR: u32 = 26;
const WORD_END: u32 = 27;
const PAD: u32 = 28;
/// Ids of addition, after the digits.
const PLUS: u32 = 10;
const EQUALS: u32 = 11;
const SUM_END: u32 = 12;

/// Six letters, all different: a map of one of these shows at a glance which letter looks where.
const OPENING_WORDS: &[&str] = &["planet", "trains", "garden", "silver", "orange", "winter", "bridge", "flower"];

/// Examples of evaluation are the same in every run, whatever its seed.
const EVALUATION_SEED: u32 = 0;
/// Distinguishes the hash that holds questions out from every stream of draws.
const HOLD_OUT: u32 = 0x686F_6C64;

/// A task without data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Sort six digits.
    Sort,
    /// Spell a word backwards.
    Reverse,
    /// Repeat a word.
    Copy,
    /// Add two numbers of two digits.
    Add,
}

/// A question with its answer, `<eos>` included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What is given, up to the sign that asks for the answer.
    pub question: Vec<u32>,
    /// What is to follow.
    pub answer: Vec<u32>,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 4] = [Self::Sort, Self::Reverse, Self::Copy, Self::Add];

    /// The name on the command line and in links.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sort => "sort",
            Self::Reverse => "reverse",
            Self::Copy => "copy",
            Self::Add => "add",
        }
    }

    /// The context of a model of this task: the longest sequence, less the last token, which is only a target.
    #[must_use]
    pub const fn context(self) -> usize {
        match self {
            Self::Sort => 2 * SORT_LENGTH - 1,
            Self::Reverse | Self::Copy => 2 * *WORD_LENGTHS.end() + 1,
            Self::Add => "47+38=085".len(),
        }
    }

    /// The vocabulary, symbols first.
    #[must_use]
    pub fn tokenizer(self) -> Tokenizer {
        self.with_specials(match self {
            Self::Sort => &[],
            Self::Reverse | Self::Copy => &["<eos>", "<pad>"],
            Self::Add => &["<eos>"],
        })
    }

    /// The vocabulary for pairs of question and answer: the same ids, then those that it lacks of `<eos>`, `<pad>`, `<bos>`.
    pub(super) fn pair_tokenizer(self) -> Tokenizer {
        self.with_specials(&["<eos>", "<pad>", "<bos>"])
    }

    fn with_specials(self, specials: &[&str]) -> Tokenizer {
        let letters: Vec<String> = ('a'..='z').map(String::from).collect();
        let digits: Vec<String> = ('0'..='9').map(String::from).collect();
        let with = |symbols: &[String], extra: &[&'static str]| {
            let all: Vec<&str> = symbols.iter().map(String::as_str).chain(extra.iter().copied()).collect();
            Tokenizer::symbols(&all, specials)
        };
        match self {
            Self::Sort => with(&digits[..3], &[]),
            Self::Reverse | Self::Copy => with(&letters, &["|"]),
            Self::Add => with(&digits, &["+", "="]),
        }
    }

    /// Lengths that fit every question and every answer, framed.
    #[must_use]
    pub const fn pair_lengths(self, frame: Frame) -> (usize, usize) {
        let (question, answer) = match self {
            Self::Sort => (SORT_LENGTH, SORT_LENGTH),
            Self::Reverse | Self::Copy => (*WORD_LENGTHS.end() + 1, *WORD_LENGTHS.end()),
            Self::Add => ("47+38=".len(), "085".len()),
        };
        (question + frame.added(), answer + frame.added())
    }

    /// The token that fills a row after its sequence, if sequences differ in length.
    pub(super) const fn pad(self) -> Option<u32> {
        match self {
            Self::Reverse | Self::Copy => Some(PAD),
            Self::Sort | Self::Add => None,
        }
    }

    /// Whether a question is kept out of training.
    #[must_use]
    pub fn is_held_out(self, question: &[u32]) -> bool {
        // At most seven ids below 32: their digits in base 32 fit, and a leading 1 keeps the length.
        let packed = question.iter().fold(1_u64, |packed, &id| packed << 5 | u64::from(id));
        pcg4d([packed as u32, (packed >> 32) as u32, self as u32, HOLD_OUT])[0] < 1 << 30
    }

    /// Example `index` of the held-out ones, drawn with replacement.
    pub(super) fn held_out(self, index: u32) -> Example {
        let mut draws = Draws::new(index, Stream::Validation, EVALUATION_SEED);
        self.draw(&mut draws, true)
    }

    /// The question to start with: a word that people can read, if one of these is held out.
    pub(super) fn opening(self) -> Vec<u32> {
        let words = match self {
            Self::Reverse | Self::Copy => OPENING_WORDS,
            Self::Sort | Self::Add => &[],
        };
        let question =
            |word: &&str| -> Vec<u32> { word.bytes().map(|letter| u32::from(letter - b'a')).chain([BAR]).collect() };
        let mut questions = words.iter().map(question);
        questions.find(|question| self.is_held_out(question)).unwrap_or_else(|| self.held_out(0).question)
    }

    /// Training examples of (`seed`, `step`), one after the other.
    pub(super) fn training_examples(self, seed: u32, step: u32) -> impl FnMut(u32) -> Example {
        let mut draws = Draws::new(step, Stream::Task, seed);
        move |_| self.draw(&mut draws, false)
    }

    fn draw(self, draws: &mut Draws, held_out: bool) -> Example {
        loop {
            let question: Vec<u32> = match self {
                Self::Sort => (0..SORT_LENGTH).map(|_| draws.below(3)).collect(),
                Self::Reverse | Self::Copy => {
                    let lengths = (WORD_LENGTHS.end() - WORD_LENGTHS.start() + 1) as u32;
                    let length = *WORD_LENGTHS.start() + draws.below(lengths) as usize;
                    (0..length).map(|_| draws.below(LETTERS)).chain([BAR]).collect()
                }
                Self::Add => {
                    let mut digit = || draws.below(10);
                    vec![digit(), digit(), PLUS, digit(), digit(), EQUALS]
                }
            };
            // A quarter is held out, so this ends soon either way.
            if self.is_held_out(&question) == held_out {
                return Example { answer: self.answer(&question), question };
            }
        }
    }

    /// The answer to a well-formed question.
    pub(super) fn answer(self, question: &[u32]) -> Vec<u32> {
        let word = || question.iter().take_while(|&&id| id != BAR).copied();
        match self {
            Self::Sort => {
                let mut digits = question.to_vec();
                digits.sort_unstable();
                digits
            }
            Self::Reverse => {
                let mut letters: Vec<u32> = word().collect();
                letters.reverse();
                letters.push(WORD_END);
                letters
            }
            Self::Copy => word().chain([WORD_END]).collect(),
            Self::Add => {
                let number = |digits: &[u32]| digits.iter().fold(0, |n, digit| 10 * n + digit);
                let sum: u32 = question.split(|&id| id == PLUS || id == EQUALS).map(number).sum();
                vec![sum / 100, sum / 10 % 10, sum % 10, SUM_END]
            }
        }
    }

    /// Examples as rows of a decoder, or as pairs of question and answer; no other objective applies.
    pub(super) fn batch(
        self,
        objective: &Objective,
        vocabulary: &Vocabulary,
        shape: Shape,
        mut example: impl FnMut(u32) -> Example,
    ) -> Result<Batch, DataError> {
        shape.check()?;
        match objective {
            Objective::Causal(options) if *options == Causal::default() => self.rows(shape, example),
            Objective::Seq2Seq => {
                let (source, target) = self.pair_lengths(vocabulary.frame);
                for (part, length, least) in [("source", shape.source, source), ("target", shape.target, target)] {
                    if length < least {
                        return Err(DataError::Length { objective: objective.name(), part, length, least });
                    }
                }
                let pair = |row| {
                    let Example { question, mut answer } = example(row);
                    // The frame has an end of its own.
                    answer.retain(|&id| Some(id) != vocabulary.specials.end);
                    (question, answer)
                };
                decoder::pairs(pair, vocabulary, shape)
            }
            _ => {
                let name = self.as_str().to_owned();
                Err(DataError::Unsupported { objective: objective.name(), name, needs: "a text" })
            }
        }
    }

    fn rows(self, shape: Shape, mut example: impl FnMut(u32) -> Example) -> Result<Batch, DataError> {
        let context = shape.source;
        if context != self.context() {
            return Err(DataError::TaskContext { task: self, context, needed: self.context() });
        }
        let [mut ids, mut targets] = [const { Vec::new() }; 2];
        let mut counts = Vec::with_capacity(shape.batch * context);
        for row in (0..).take(shape.batch) {
            let Example { question, answer } = example(row);
            let counted = question.len()..question.len() + answer.len();
            let mut tokens = question;
            tokens.extend(answer);
            // Only the word tasks have rows shorter than this.
            tokens.resize(context + 1, PAD);
            ids.extend_from_slice(&tokens[..context]);
            targets.extend_from_slice(&tokens[1..]);
            counts.extend((1..=context).map(|at| counted.contains(&at)));
        }
        let mut out = Batch::default();
        out.push("ids", ids);
        out.push("targets", targets);
        out.push_weights(counts);
        Ok(out)
    }

    /// What people type, taken apart: the question with its sign, whether they wrote that or not, and what follows it.
    pub(super) fn question<'a>(self, ids: &'a [u32], found: &str) -> Result<(Vec<u32>, &'a [u32]), DataError> {
        let (expected, sign) = match self {
            Self::Sort => ("six digits of 0, 1 and 2, such as 201210", None),
            Self::Reverse | Self::Copy => ("two to six letters from a to z, such as hello", Some(BAR)),
            Self::Add => ("two numbers of two digits, such as 47+38", Some(EQUALS)),
        };
        let length = match sign {
            Some(sign) => ids.iter().position(|&id| id == sign).unwrap_or(ids.len()),
            None => ids.len().min(SORT_LENGTH),
        };
        let (given, rest) = ids.split_at(length);
        let is_digit = |id: &u32| *id < 10;
        let well_formed = match (self, given) {
            (Self::Sort, digits) => digits.len() == SORT_LENGTH,
            (Self::Reverse | Self::Copy, word) => {
                WORD_LENGTHS.contains(&word.len()) && word.iter().all(|&id| id < LETTERS)
            }
            (Self::Add, [a, b, PLUS, c, d]) => [a, b, c, d].into_iter().all(is_digit),
            (Self::Add, _) => false,
        };
        if !well_formed {
            return Err(DataError::Question { task: self, expected, found: found.to_owned() });
        }
        let question = given.iter().copied().chain(sign).collect();
        let rest = if sign.is_some() { rest.get(1..).unwrap_or_default() } else { rest };
        Ok((question, rest))
    }

    /// The model's input for a probe: the question, and the answer given or else the right one without its last
    /// token, so that every position shows what the model expects next.
    pub(super) fn probe(self, ids: &[u32], found: &str) -> Result<Vec<u32>, DataError> {
        let (mut tokens, answer) = self.question(ids, found)?;
        if answer.is_empty() {
            tokens.extend(self.answer(&tokens));
            tokens.pop();
        } else {
            tokens.extend_from_slice(answer);
        }
        tokens.truncate(self.context());
        Ok(tokens)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Task {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        let task = Self::ALL.into_iter().find(|task| task.as_str() == name);
        task.ok_or_else(|| DataError::UnknownTask { name: name.to_owned() })
    }
}
