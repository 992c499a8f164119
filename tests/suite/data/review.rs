//! Reviews: the words agree with the hidden sentiment as often as they should.

use std::collections::HashSet;

use trainyard::data::world::{DocumentKind, Lexicon, World};

/// The polar clauses of a review: whether the adjective praises, and whether it is negated.
fn clauses(lexicon: &Lexicon, text: &str) -> Vec<(bool, bool)> {
    let words: Vec<&str> = text.split(' ').collect();
    let polar = words.iter().enumerate().filter_map(|(i, word)| Some((i, lexicon.polarity(word)?)));
    polar.map(|(i, praises)| (praises, words[i - 1] == "not")).collect()
}

/// Every review among the first documents, with its sentiment.
fn reviews(world: &World) -> Vec<(String, bool)> {
    let documents = (0..9000).map(|index| world.document(index));
    documents
        .filter_map(|document| match document.kind {
            DocumentKind::Review { positive } => Some((document.text, positive)),
            DocumentKind::Story { .. } => None,
        })
        .collect()
}

/// Four standard deviations of a frequency around `p`.
fn near(count: usize, total: usize, p: f64) -> bool {
    let sigma = (p * (1.0 - p) / total as f64).sqrt();
    (count as f64 / total as f64 - p).abs() < 4.0 * sigma
}

#[test]
fn sentiment_negation_and_agreement_have_their_frequencies() {
    let world = World::new(0);
    let reviews = reviews(&world);
    assert!(near(reviews.len(), 9000, 20.0 / 45.0), "{}", reviews.len());
    let positive = reviews.iter().filter(|(_, positive)| *positive).count();
    assert!(near(positive, reviews.len(), 0.5), "{positive} of {}", reviews.len());
    let (mut total, mut negations, mut agreeing, mut praising) = (0, 0, 0, 0);
    for (text, positive) in &reviews {
        let clauses = clauses(world.lexicon(), text);
        assert!((3..=6).contains(&clauses.len()), "{text}");
        for (praises, negated) in clauses {
            total += 1;
            negations += usize::from(negated);
            agreeing += usize::from((praises != negated) == *positive);
            praising += usize::from(praises);
        }
    }
    assert!(near(negations, total, 0.25), "{negations} of {total} are negated");
    assert!(near(agreeing, total, 0.9), "{agreeing} of {total} agree");
    assert!(near(praising, total, 0.5), "{praising} of {total} words praise");
    // The test of frequencies can fail.
    assert!(!near(agreeing, total, 0.88) && !near(negations, total, 0.27));
}

#[test]
fn negation_and_agreement_are_independent() {
    let world = World::new(0);
    let clauses: Vec<(bool, bool, bool)> = reviews(&world)
        .iter()
        .flat_map(|(text, positive)| {
            clauses(world.lexicon(), text).into_iter().map(|(praises, negated)| (praises, negated, *positive))
        })
        .collect();
    let negated: Vec<_> = clauses.iter().filter(|clause| clause.1).collect();
    let agreeing = negated.iter().filter(|(praises, negated, positive)| (praises != negated) == *positive).count();
    assert!(near(agreeing, negated.len(), 0.9), "{agreeing} of {}", negated.len());
}

#[test]
fn clauses_have_the_grammar_and_repeat_no_subject() {
    let world = World::new(0);
    for (text, _) in reviews(&world) {
        let body = text.strip_suffix(" .").expect("a final period");
        let connectives = [" , but ", " , and ", " and ", " , "];
        let marked = connectives.iter().fold(body.to_owned(), |text, by| text.replace(by, "|"));
        let mut subjects = HashSet::new();
        for clause in marked.split('|') {
            match clause.split(' ').collect::<Vec<_>>()[..] {
                ["the", subject, "was", _] | ["the", subject, "was", "not", _] => {
                    assert!(subjects.insert(subject.to_owned()), "{text}");
                }
                _ => panic!("{clause:?} in {text:?}"),
            }
        }
    }
}

#[test]
fn there_are_600_pairs_of_different_words() {
    let world = World::new(0);
    let lexicon = world.lexicon();
    assert_eq!(lexicon.pairs().len(), 600);
    let mut words = HashSet::new();
    for [blames, praises] in lexicon.pairs() {
        for (word, positive) in [(blames, false), (praises, true)] {
            assert!(words.insert(word), "{word} stands twice");
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{word:?}");
            assert_eq!(lexicon.polarity(word), Some(positive));
        }
    }
    assert_eq!(lexicon.polarity("film"), None);
}

#[test]
fn what_praises_is_a_coin_of_the_world() {
    let (a, b) = (World::new(0), World::new(1));
    let praising =
        |world: &World| -> Vec<String> { world.lexicon().pairs().iter().map(|[_, praises]| praises.clone()).collect() };
    let (a, b) = (praising(&a), praising(&b));
    let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
    assert!(near(same, 600, 0.5), "{same} of 600 coins agree between two worlds");
}
