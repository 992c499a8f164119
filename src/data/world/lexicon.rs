//! The words of a world, and the coins that give the polar ones their meaning.

use super::words;
use crate::rng::{Draws, Stream};

/// A person of the stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub name: &'static str,
    pub pronoun: &'static str,
}

/// Words with their properties.
#[derive(Clone, Debug)]
pub struct Lexicon {
    polar: Vec<[String; 2]>,
    people: Vec<Person>,
}

impl Lexicon {
    /// The lexicon of `world_seed`. Only the coins depend on it.
    ///
    /// Which adjective of a pair praises is a fair coin, independent of its letters and of every other pair, so
    /// nothing but reading reviews reveals it: that is what makes the gain from pretraining provable.
    pub(super) fn new(world_seed: u32) -> Self {
        let simple = words::CONTRARIES.split_whitespace().filter_map(|pair| pair.split_once('/'));
        let simple = simple.map(|(a, b)| [a.to_owned(), b.to_owned()]);
        let compound = words::HEADS.split_whitespace().flat_map(|head| {
            let modifiers = words::MODIFIERS.split_whitespace().filter_map(|pair| pair.split_once('/'));
            modifiers.map(move |(a, b)| [format!("{a}-{head}"), format!("{b}-{head}")])
        });
        let mut coins = Draws::new(0, Stream::Lexicon, world_seed);
        let polar = simple.chain(compound).map(|[a, b]| if coins.chance(1, 2) { [a, b] } else { [b, a] });
        let women = words::WOMEN.split_whitespace().map(|name| Person { name, pronoun: "she" });
        let men = words::MEN.split_whitespace().map(|name| Person { name, pronoun: "he" });
        Self { polar: polar.collect(), people: women.chain(men).collect() }
    }

    /// The polar adjectives: of each pair the one that blames, then the one that praises.
    #[must_use]
    pub fn pairs(&self) -> &[[String; 2]] {
        &self.polar
    }

    /// Whether a word praises; `None` if it is no polar adjective.
    #[must_use]
    pub fn polarity(&self, word: &str) -> Option<bool> {
        let side = |words: &[String; 2]| words.iter().position(|other| other == word);
        self.polar.iter().find_map(side).map(|side| side == 1)
    }

    pub(super) fn people(&self) -> &[Person] {
        &self.people
    }
}
