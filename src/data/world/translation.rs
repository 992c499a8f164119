//! Sentence pairs in English and in Zorish, a language of the world's own with a grammar unlike the English one.
//!
//! The verb stands last; adjectives stand behind their nouns and agree with a class that each noun has by chance; subject
//! and object have case suffixes, plurals double the first syllable, tense is a suffix and negation a prefix of the verb.
//! Were the stems English, `the old dog did not see the birds .` would be `dogka oldri bibirdno zeseetu .` Both sides are
//! written from one meaning, so each sentence has exactly one translation.

use std::collections::HashSet;

use crate::rng::{Draws, Stream};

/// Who acts.
const ACTORS: [&str; 16] = [
    "dog", "cat", "bird", "horse", "farmer", "sailor", "king", "queen", "teacher", "doctor", "baker", "bear", "lion",
    "singer", "guard", "miller",
];
/// What is acted upon, beside the actors.
const THINGS: [&str; 12] =
    ["book", "letter", "key", "house", "boat", "river", "tree", "stone", "lamp", "road", "train", "garden"];
const ADJECTIVES: [&str; 10] = ["old", "young", "red", "blue", "small", "big", "tired", "quiet", "strange", "good"];
/// Base form, third person, past.
const VERBS: [[&str; 3]; 12] = [
    ["see", "sees", "saw"],
    ["find", "finds", "found"],
    ["hear", "hears", "heard"],
    ["like", "likes", "liked"],
    ["follow", "follows", "followed"],
    ["know", "knows", "knew"],
    ["take", "takes", "took"],
    ["want", "wants", "wanted"],
    ["hold", "holds", "held"],
    ["draw", "draws", "drew"],
    ["watch", "watches", "watched"],
    ["forget", "forgets", "forgot"],
];

const CONSONANTS: [&str; 12] = ["p", "t", "k", "b", "d", "g", "m", "n", "l", "r", "s", "v"];
const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];

const SUBJECT: &str = "ka";
const OBJECT: &str = "no";
/// By the class of the noun.
const AGREEMENT: [&str; 2] = ["ri", "lo"];
/// Present and past.
const TENSE: [&str; 2] = ["mi", "tu"];
const NEGATION: &str = "ze";

/// Zorish words of one world seed.
#[derive(Clone, Debug)]
pub struct Translator {
    seed: u32,
    /// Stem and class of actors, then things.
    nouns: Vec<(String, usize)>,
    adjectives: Vec<String>,
    verbs: Vec<String>,
}

/// What a sentence says.
struct Meaning {
    subject: Phrase,
    object: Phrase,
    verb: usize,
    past: bool,
    negated: bool,
}

struct Phrase {
    noun: usize,
    adjective: Option<usize>,
    plural: bool,
}

impl Translator {
    /// The words of `world_seed`: stems of two syllables, all different.
    #[must_use]
    pub fn new(world_seed: u32) -> Self {
        let mut draws = Draws::of_example(0, 1, Stream::Lexicon, world_seed);
        let mut known = HashSet::new();
        let mut stem = |draws: &mut Draws| loop {
            let word = syllable(draws) + &syllable(draws);
            if known.insert(word.clone()) {
                break word;
            }
        };
        let nouns = (0..ACTORS.len() + THINGS.len()).map(|_| (stem(&mut draws), draws.below(2) as usize)).collect();
        let adjectives = ADJECTIVES.map(|_| stem(&mut draws)).to_vec();
        let verbs = VERBS.map(|_| stem(&mut draws)).to_vec();
        Self { seed: world_seed, nouns, adjectives, verbs }
    }

    /// Pair `index`: a sentence in English and in Zorish.
    #[must_use]
    pub fn pair(&self, index: u32) -> (String, String) {
        // Example 1, so that the draws are not those of document `index`.
        let mut draws = Draws::of_example(index, 1, Stream::DocStructure, self.seed);
        let phrase = |nouns: usize, draws: &mut Draws| Phrase {
            noun: draws.below(nouns as u32) as usize,
            adjective: draws.chance(1, 2).then(|| draws.below(ADJECTIVES.len() as u32) as usize),
            plural: draws.chance(1, 2),
        };
        let meaning = Meaning {
            subject: phrase(ACTORS.len(), &mut draws),
            object: phrase(ACTORS.len() + THINGS.len(), &mut draws),
            verb: draws.below(VERBS.len() as u32) as usize,
            past: draws.chance(1, 2),
            negated: draws.chance(1, 4),
        };
        (english(&meaning), self.zorish(&meaning))
    }

    /// Pairs `first..first + count`, a line each, with a tab between the languages.
    #[must_use]
    pub fn lines(&self, first: u32, count: u32) -> String {
        let mut lines = String::new();
        for index in first..first.saturating_add(count) {
            let (english, zorish) = self.pair(index);
            lines.push_str(&english);
            lines.push('\t');
            lines.push_str(&zorish);
            lines.push('\n');
        }
        lines
    }

    fn zorish(&self, meaning: &Meaning) -> String {
        let subject = self.phrase(&meaning.subject, SUBJECT);
        let object = self.phrase(&meaning.object, OBJECT);
        let negation = if meaning.negated { NEGATION } else { "" };
        let tense = TENSE[usize::from(meaning.past)];
        format!("{subject} {object} {negation}{}{tense} .", self.verbs[meaning.verb])
    }

    fn phrase(&self, phrase: &Phrase, case: &str) -> String {
        let (stem, class) = &self.nouns[phrase.noun];
        // A syllable is a consonant and a vowel.
        let doubled = if phrase.plural { &stem[..2] } else { "" };
        let noun = format!("{doubled}{stem}{case}");
        match phrase.adjective {
            Some(adjective) => format!("{noun} {}{}", self.adjectives[adjective], AGREEMENT[*class]),
            None => noun,
        }
    }
}

fn syllable(draws: &mut Draws) -> String {
    let consonant = CONSONANTS[draws.below(CONSONANTS.len() as u32) as usize];
    let vowel = VOWELS[draws.below(VOWELS.len() as u32) as usize];
    format!("{consonant}{vowel}")
}

fn english(meaning: &Meaning) -> String {
    let phrase = |phrase: &Phrase| {
        let noun = ACTORS.iter().chain(&THINGS).nth(phrase.noun).copied().unwrap_or_default();
        let adjective = phrase.adjective.map(|adjective| format!("{} ", ADJECTIVES[adjective])).unwrap_or_default();
        format!("the {adjective}{noun}{}", if phrase.plural { "s" } else { "" })
    };
    let [base, third, past] = VERBS[meaning.verb];
    let verb = match (meaning.negated, meaning.past, meaning.subject.plural) {
        (true, true, _) => format!("did not {base}"),
        (true, false, true) => format!("do not {base}"),
        (true, false, false) => format!("does not {base}"),
        (false, true, _) => past.to_owned(),
        (false, false, true) => base.to_owned(),
        (false, false, false) => third.to_owned(),
    };
    format!("{} {verb} {} .", phrase(&meaning.subject), phrase(&meaning.object))
}
