//! Stories are replayed from their words: every sentence must be possible, every restatement and answer true.

use std::collections::HashMap;

use trainyard::data::world::{DocumentKind, World};

/// Where a thing is.
#[derive(Clone, Debug, PartialEq)]
enum Spot {
    At(String),
    HeldBy(String),
}

/// What the words so far say.
#[derive(Default)]
struct Reader {
    people: HashMap<String, String>,
    things: HashMap<String, Spot>,
    /// The person who is the subject of the last sentence.
    last: Option<String>,
    pronouns: HashMap<String, String>,
}

impl Reader {
    /// The person that a subject names, checking the rule of pronouns.
    fn subject(&mut self, word: &str) -> Result<String, String> {
        let name = match (word, &self.last) {
            ("he" | "she", Some(last)) => {
                let pronoun = self.pronouns.entry(last.clone()).or_insert_with(|| word.to_owned());
                if pronoun != word {
                    return Err(format!("{last} is {pronoun} and {word}"));
                }
                last.clone()
            }
            ("he" | "she", None) => return Err(format!("{word} refers to nobody")),
            (name, Some(last)) if name == last => {
                return Err(format!("{name} should be a pronoun"));
            }
            (name, _) => name.to_owned(),
        };
        self.last = Some(name.clone());
        Ok(name)
    }

    fn place_of(&self, person: &str) -> Result<String, String> {
        self.people.get(person).cloned().ok_or_else(|| format!("{person} is nowhere"))
    }

    fn require<T: PartialEq + std::fmt::Debug>(found: Option<&T>, expected: &T) -> Result<(), String> {
        if found == Some(expected) { Ok(()) } else { Err(format!("{found:?} is not {expected:?}")) }
    }

    fn read(&mut self, sentence: &[&str]) -> Result<(), String> {
        match sentence {
            ["the", thing, "was", "in", "the", place] => {
                self.last = None;
                let spot = Spot::At((*place).to_owned());
                match self.things.get(*thing) {
                    None => drop(self.things.insert((*thing).to_owned(), spot)),
                    known => Self::require(known, &spot)?,
                }
            }
            [who, "was", "in", "the", place] => {
                let who = self.subject(who)?;
                match self.people.get(&who) {
                    None => drop(self.people.insert(who, (*place).to_owned())),
                    known => Self::require(known, &(*place).to_owned())?,
                }
            }
            [who, "had", "the", thing] => {
                let who = self.subject(who)?;
                Self::require(self.things.get(*thing), &Spot::HeldBy(who))?;
            }
            [who, "went", "to", "the", place] => {
                let who = self.subject(who)?;
                if self.place_of(&who)? == *place {
                    return Err(format!("{who} is in the {place} already"));
                }
                self.people.insert(who, (*place).to_owned());
            }
            [who, "took", "the", thing] => {
                let who = self.subject(who)?;
                Self::require(self.things.get(*thing), &Spot::At(self.place_of(&who)?))?;
                self.things.insert((*thing).to_owned(), Spot::HeldBy(who));
            }
            [who, "gave", "the", thing, "to", receiver] => {
                let who = self.subject(who)?;
                Self::require(self.things.get(*thing), &Spot::HeldBy(who.clone()))?;
                Self::require(Some(&self.place_of(receiver)?), &self.place_of(&who)?)?;
                self.things.insert((*thing).to_owned(), Spot::HeldBy((*receiver).to_owned()));
            }
            [who, "dropped", "the", thing] => {
                let who = self.subject(who)?;
                Self::require(self.things.get(*thing), &Spot::HeldBy(who.clone()))?;
                let place = self.place_of(&who)?;
                self.things.insert((*thing).to_owned(), Spot::At(place));
            }
            _ => return Err(format!("{sentence:?} is not of the grammar")),
        }
        Ok(())
    }

    fn answer(&self, question: &[&str]) -> Result<String, String> {
        match question {
            ["where", "is", "the", thing, "?"] => match self.things.get(*thing) {
                Some(Spot::At(place)) => Ok(format!("the {place} .")),
                Some(Spot::HeldBy(person)) => Ok(format!("the {} .", self.place_of(person)?)),
                None => Err(format!("there is no {thing}")),
            },
            ["where", "is", person, "?"] => Ok(format!("the {} .", self.place_of(person)?)),
            ["who", "has", "the", thing, "?"] => match self.things.get(*thing) {
                Some(Spot::HeldBy(person)) => Ok(format!("{person} .")),
                other => Err(format!("nobody has the {thing}: {other:?}")),
            },
            _ => Err(format!("{question:?} is no question")),
        }
    }
}

/// Replays a story to its end and checks the answer to its question.
fn replay(text: &str, question: Option<&(String, String)>) -> Result<(), String> {
    let story = match question {
        Some((question, answer)) => {
            let tail = format!(" {question} {answer}");
            text.strip_suffix(&tail).ok_or_else(|| format!("{text:?} does not end with {tail:?}"))?
        }
        None => text,
    };
    let mut reader = Reader::default();
    for sentence in story.strip_suffix(" .").ok_or("no final period")?.split(" . ") {
        reader.read(&sentence.split(' ').collect::<Vec<_>>()).map_err(|error| format!("{sentence}: {error}"))?;
    }
    match question {
        Some((question, answer)) => {
            let right = reader.answer(&question.split(' ').collect::<Vec<_>>())?;
            if right == *answer { Ok(()) } else { Err(format!("{question} {answer} (right: {right})")) }
        }
        None => Ok(()),
    }
}

type Told = (String, Option<(String, String)>);

fn stories(count: u32) -> Vec<Told> {
    let world = World::new(0);
    let documents = (0..count).map(|index| world.document(index));
    documents
        .filter_map(|document| match document.kind {
            DocumentKind::Story { question } => Some((document.text, question)),
            DocumentKind::Review { .. } => None,
        })
        .collect()
}

#[test]
fn every_story_can_happen_and_every_answer_is_true() {
    for (text, question) in stories(9000) {
        assert_eq!(replay(&text, question.as_ref()), Ok(()), "{text}");
    }
}

#[test]
fn half_of_the_stories_ask_and_all_kinds_of_questions_occur() {
    let stories = stories(9000);
    let questions: Vec<&str> =
        stories.iter().filter_map(|(_, question)| question.as_ref()).map(|(question, _)| question.as_str()).collect();
    let share = questions.len() as f64 / stories.len() as f64;
    // Four standard deviations of 5,000 coins.
    assert!((share - 0.5).abs() < 0.029, "{share}");
    let count = |start: &str| questions.iter().filter(|question| question.starts_with(start)).count();
    let (thing, where_is, who) = (count("where is the "), count("where is "), count("who has the "));
    assert!(thing > 500 && where_is - thing > 500 && who > 200, "{thing}, {}, {who}", where_is - thing);
}

#[test]
fn every_kind_of_sentence_occurs() {
    let text: String = stories(2000).into_iter().map(|(text, _)| text + "\n").collect();
    for verb in [" went to ", " took ", " gave ", " dropped ", " had ", " was in ", "he ", "she "] {
        assert!(text.matches(verb).count() > 30, "{verb:?}");
    }
}

/// The replay notices what is wrong.
#[test]
fn a_spoiled_story_is_noticed() {
    let spoiled = [
        ("anna was in the barn . anna went to the attic .", "should be a pronoun"),
        ("anna was in the barn . the key was in the attic . anna took the key .", "is not At(\"barn\")"),
        ("anna was in the barn . she went to the barn .", "already"),
        ("the key was in the barn . the key was in the attic .", "is not"),
        ("the key was in the barn . she took the key .", "refers to nobody"),
        ("anna was in the barn . he went to the attic . she went to the barn .", "anna is he and she"),
        ("anna was in the barn . the key was in the barn . anna dropped the key .", "is not HeldBy"),
        (
            "anna was in the barn . paul was in the attic . the key was in the barn . anna took the key . she gave the key to paul .",
            "is not",
        ),
        ("anna flew to the barn .", "grammar"),
    ];
    for (text, expected) in spoiled {
        let error = replay(text, None).expect_err("a spoiled story");
        assert!(error.contains(expected), "{error}");
    }
    let question = ("where is anna ?".to_owned(), "the attic .".to_owned());
    let error = replay("anna was in the barn . where is anna ? the attic .", Some(&question)).expect_err("false");
    assert_eq!(error, "where is anna ? the attic . (right: the barn .)");
}
