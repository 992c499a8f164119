//! Reviews: clauses about an item and its aspects, most of which agree with one hidden sentiment.
//!
//! `the film was not dry and the cast was quick-witted , but the pace was slow .` A clause agrees with the sentiment
//! with probability ρ = 9/10. "not" stands with probability 1/4 and inverts the adjective, so the words alone do not
//! tell. Connectives are drawn independently: the sentiment is the only thing that ties the clauses together, which
//! bounds what a model can gain from finding it (1 − h(ρ) = 0.53 bit per polar word).

use super::choice::Table;
use super::lexicon::Lexicon;
use super::{Document, DocumentKind, words};
use crate::rng::Draws;

/// Three to six polar clauses.
const FEWEST_CLAUSES: usize = 3;
const EXTRA_CLAUSES: Table<4> = Table::new([1, 1, 1, 1]);

const CONNECTIVES: [&str; 4] = [" and ", " , but ", " , ", " , and "];
const CONNECTIVE: Table<4> = Table::new([3, 2, 2, 1]);

/// A review before it is put into words.
pub(super) struct Review {
    positive: bool,
    clauses: Vec<Clause>,
}

struct Clause {
    /// How it is joined to the one before.
    connective: &'static str,
    subject: &'static str,
    predicate: Predicate,
}

enum Predicate {
    /// An adjective of a pair.
    Polar { pair: usize, praises: bool, negated: bool },
    /// A color.
    Neutral(&'static str),
}

impl Review {
    pub(super) fn plan(lexicon: &Lexicon, structure: &mut Draws, lexical: &mut Draws) -> Self {
        let positive = structure.chance(1, 2);
        let polar_clauses = FEWEST_CLAUSES + EXTRA_CLAUSES.pick(structure);
        let (item, aspects) = words::ITEMS[lexical.below(words::ITEMS.len() as u32) as usize];
        // The item itself comes first, then aspects without repetition.
        let mut aspects = aspects.to_vec();
        let mut aspect = |lexical: &mut Draws| aspects.swap_remove(lexical.below(aspects.len() as u32) as usize);
        let mut clauses = Vec::with_capacity(polar_clauses + 1);
        let mut neutral = false;
        for i in 0..polar_clauses {
            // Once at most: with five polar clauses after the first, six of the eight aspects are used.
            if i > 0 && !neutral && structure.chance(1, 8) {
                neutral = true;
                clauses.push(Clause {
                    connective: CONNECTIVES[CONNECTIVE.pick(structure)],
                    subject: aspect(lexical),
                    predicate: Predicate::Neutral(words::COLORS[lexical.below(words::COLORS.len() as u32) as usize]),
                });
            }
            let agrees = structure.chance(9, 10);
            let negated = structure.chance(1, 4);
            clauses.push(Clause {
                connective: CONNECTIVES[CONNECTIVE.pick(structure)],
                subject: if i == 0 { item } else { aspect(lexical) },
                predicate: Predicate::Polar {
                    pair: lexical.below(lexicon.pairs().len() as u32) as usize,
                    praises: (positive == agrees) != negated,
                    negated,
                },
            });
        }
        Self { positive, clauses }
    }

    pub(super) fn realize(&self, lexicon: &Lexicon) -> Document {
        let mut text = String::with_capacity(32 * self.clauses.len());
        for (i, clause) in self.clauses.iter().enumerate() {
            if i > 0 {
                text.push_str(clause.connective);
            }
            text.push_str("the ");
            text.push_str(clause.subject);
            text.push_str(" was ");
            match clause.predicate {
                Predicate::Polar { pair, praises, negated } => {
                    if negated {
                        text.push_str("not ");
                    }
                    text.push_str(&lexicon.pairs()[pair][usize::from(praises)]);
                }
                Predicate::Neutral(color) => text.push_str(color),
            }
        }
        text.push_str(" .");
        Document { text, kind: DocumentKind::Review { positive: self.positive } }
    }
}
