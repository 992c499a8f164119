//! Stories: two people move about, take, give and drop things, and half of the stories end with a question.
//!
//! `mary was in the cellar . john was in the barn . the key was in the cellar . … she took the key . … where is the
//! key ? the barn .` Facts are restated now and then. A restatement or an answer can be derived from what stands
//! before it, so a model that keeps track of the world pays nothing for either. A pronoun stands exactly where the
//! subject is the person who was the subject of the sentence before.

use super::choice::{Table, distinct, one_of};
use super::lexicon::{Lexicon, Person};
use super::{Document, DocumentKind, words};
use crate::rng::Draws;

const PEOPLE: usize = 2;
const THINGS: usize = 2;
const PLACES: usize = 3;

/// Three to seven sentences after the opening ones.
const FEWEST_SENTENCES: usize = 3;
const EXTRA_SENTENCES: Table<5> = Table::new([2, 3, 3, 2, 1]);

/// What a sentence can do, and how often each is tried.
const ACTIONS: [Action; 5] = [Action::Move, Action::Take, Action::Give, Action::Drop, Action::Restate];
const ACTION: Table<5> = Table::new([3, 4, 3, 1, 2]);

/// A story before it is put into words. People, things and places are indices into its own lists.
pub(super) struct Story {
    people: [usize; PEOPLE],
    things: [usize; THINGS],
    places: [usize; PLACES],
    sentences: Vec<Sentence>,
    question: Option<(Question, Answer)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Move,
    Take,
    Give,
    Drop,
    Restate,
}

#[derive(Clone, Copy)]
enum Sentence {
    PersonIsAt { person: usize, place: usize },
    ThingIsAt { thing: usize, place: usize },
    Has { person: usize, thing: usize },
    Moves { person: usize, place: usize },
    Takes { person: usize, thing: usize },
    Gives { person: usize, receiver: usize, thing: usize },
    Drops { person: usize, thing: usize },
}

#[derive(Clone, Copy)]
enum Question {
    WhereIsPerson(usize),
    WhereIsThing(usize),
    WhoHas(usize),
}

#[derive(Clone, Copy)]
enum Answer {
    Place(usize),
    Person(usize),
}

/// Where everything is.
struct State {
    people: [usize; PEOPLE],
    things: [Spot; THINGS],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spot {
    At(usize),
    HeldBy(usize),
}

impl Sentence {
    /// The thing that it is about.
    const fn thing(self) -> Option<usize> {
        match self {
            Self::PersonIsAt { .. } | Self::Moves { .. } => None,
            Self::ThingIsAt { thing, .. }
            | Self::Has { thing, .. }
            | Self::Takes { thing, .. }
            | Self::Gives { thing, .. }
            | Self::Drops { thing, .. } => Some(thing),
        }
    }

    /// Whether a narrator would say it right after `last`: not what has just been said, and not about the thing
    /// that was just handled, which only ever undoes or repeats.
    fn follows(self, last: Self) -> bool {
        match (self, last) {
            (Self::PersonIsAt { person, .. }, Self::Moves { person: other, .. }) => person != other,
            _ => self.thing().is_none() || self.thing() != last.thing(),
        }
    }
}

impl State {
    /// The sentences of one kind that can follow, in a fixed order.
    fn possible(&self, action: Action) -> Vec<Sentence> {
        let people = 0..PEOPLE;
        let things = 0..THINGS;
        let held = |person| move |&thing: &usize| self.things[thing] == Spot::HeldBy(person);
        match action {
            Action::Move => people
                .flat_map(|person| (0..PLACES).map(move |place| (person, place)))
                .filter(|&(person, place)| self.people[person] != place)
                .map(|(person, place)| Sentence::Moves { person, place })
                .collect(),
            Action::Take => people
                .flat_map(|person| things.clone().map(move |thing| (person, thing)))
                .filter(|&(person, thing)| self.things[thing] == Spot::At(self.people[person]))
                .map(|(person, thing)| Sentence::Takes { person, thing })
                .collect(),
            Action::Give => people
                .clone()
                .flat_map(|person| people.clone().map(move |receiver| (person, receiver)))
                .filter(|&(person, receiver)| person != receiver && self.people[person] == self.people[receiver])
                .flat_map(|(person, receiver)| {
                    let gifts = things.clone().filter(held(person));
                    gifts.map(move |thing| Sentence::Gives { person, receiver, thing })
                })
                .collect(),
            Action::Drop => people
                .flat_map(|person| {
                    things.clone().filter(held(person)).map(move |thing| Sentence::Drops { person, thing })
                })
                .collect(),
            Action::Restate => people
                .map(|person| Sentence::PersonIsAt { person, place: self.people[person] })
                .chain(things.map(|thing| match self.things[thing] {
                    Spot::At(place) => Sentence::ThingIsAt { thing, place },
                    Spot::HeldBy(person) => Sentence::Has { person, thing },
                }))
                .collect(),
        }
    }

    fn apply(&mut self, sentence: Sentence) {
        match sentence {
            Sentence::Moves { person, place } => self.people[person] = place,
            Sentence::Takes { person, thing } => self.things[thing] = Spot::HeldBy(person),
            Sentence::Gives { receiver, thing, .. } => self.things[thing] = Spot::HeldBy(receiver),
            Sentence::Drops { person, thing } => self.things[thing] = Spot::At(self.people[person]),
            Sentence::PersonIsAt { .. } | Sentence::ThingIsAt { .. } | Sentence::Has { .. } => {}
        }
    }

    fn answer(&self, question: Question) -> Option<Answer> {
        match question {
            Question::WhereIsPerson(person) => Some(Answer::Place(self.people[person])),
            Question::WhereIsThing(thing) => Some(Answer::Place(match self.things[thing] {
                Spot::At(place) => place,
                Spot::HeldBy(person) => self.people[person],
            })),
            Question::WhoHas(thing) => match self.things[thing] {
                Spot::HeldBy(person) => Some(Answer::Person(person)),
                Spot::At(_) => None,
            },
        }
    }
}

impl Story {
    pub(super) fn plan(lexicon: &Lexicon, structure: &mut Draws, lexical: &mut Draws) -> Self {
        let people = distinct(lexical, lexicon.people().len());
        let things = distinct(lexical, words::THINGS.len());
        let places = distinct(lexical, words::PLACES.len());
        let mut place = || structure.below(PLACES as u32) as usize;
        let mut state =
            State { people: std::array::from_fn(|_| place()), things: std::array::from_fn(|_| Spot::At(place())) };
        // The opening states where everybody and everything is: people first.
        let mut sentences = state.possible(Action::Restate);
        let mut restated = true;
        let end = sentences.len() + FEWEST_SENTENCES + EXTRA_SENTENCES.pick(structure);
        while sentences.len() < end {
            let action = ACTIONS[ACTION.pick(structure)];
            if restated && action == Action::Restate {
                continue;
            }
            let mut candidates = state.possible(action);
            candidates.retain(|sentence| sentences.last().is_none_or(|&last| sentence.follows(last)));
            // Somebody can always move, so this ends.
            if let Some(sentence) = one_of(structure, &candidates) {
                restated = action == Action::Restate;
                state.apply(sentence);
                sentences.push(sentence);
            }
        }
        let question = structure.chance(1, 2).then(|| {
            loop {
                let question = match structure.below(3) {
                    0 => Question::WhereIsPerson(structure.below(PEOPLE as u32) as usize),
                    1 => Question::WhereIsThing(structure.below(THINGS as u32) as usize),
                    _ => Question::WhoHas(structure.below(THINGS as u32) as usize),
                };
                // "Who has" is asked only if somebody has it; the other two can always be answered.
                if let Some(answer) = state.answer(question) {
                    break (question, answer);
                }
            }
        });
        Self { people, things, places, sentences, question }
    }

    pub(super) fn realize(&self, lexicon: &Lexicon) -> Document {
        let person = |i: usize| lexicon.people()[self.people[i]];
        let thing = |i: usize| words::THINGS[self.things[i]];
        let place = |i: usize| words::PLACES[self.places[i]];
        let mut text = String::with_capacity(40 * (self.sentences.len() + 1));
        let mut last = None;
        for &sentence in &self.sentences {
            if !text.is_empty() {
                text.push(' ');
            }
            let mut subject = |i: usize| {
                let Person { name, pronoun } = person(i);
                if last.replace(i) == Some(i) { pronoun } else { name }
            };
            let parts = match sentence {
                Sentence::PersonIsAt { person, place: at } => [subject(person), " was in the ", place(at), "", ""],
                Sentence::ThingIsAt { thing: what, place: at } => {
                    last = None;
                    ["the ", thing(what), " was in the ", place(at), ""]
                }
                Sentence::Has { person, thing: what } => [subject(person), " had the ", thing(what), "", ""],
                Sentence::Moves { person, place: to } => [subject(person), " went to the ", place(to), "", ""],
                Sentence::Takes { person, thing: what } => [subject(person), " took the ", thing(what), "", ""],
                Sentence::Gives { person: from, receiver, thing: what } => {
                    [subject(from), " gave the ", thing(what), " to ", person(receiver).name]
                }
                Sentence::Drops { person, thing: what } => [subject(person), " dropped the ", thing(what), "", ""],
            };
            for part in parts {
                text.push_str(part);
            }
            text.push_str(" .");
        }
        let question = self.question.map(|(question, answer)| {
            let question = match question {
                Question::WhereIsPerson(i) => format!("where is {} ?", person(i).name),
                Question::WhereIsThing(i) => format!("where is the {} ?", thing(i)),
                Question::WhoHas(i) => format!("who has the {} ?", thing(i)),
            };
            let answer = match answer {
                Answer::Place(i) => format!("the {} .", place(i)),
                Answer::Person(i) => format!("{} .", person(i).name),
            };
            (question, answer)
        });
        if let Some((question, answer)) = &question {
            for part in [" ", question, " ", answer] {
                text.push_str(part);
            }
        }
        Document { text, kind: DocumentKind::Story { question } }
    }
}
