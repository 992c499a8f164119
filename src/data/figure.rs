//! The sentences of the chapter's figures, and their like: `I love this red car`, `I like this book`. A language so small
//! that a model learns it in seconds, with the very examples of the figures in it.

const VERBS: [&str; 6] = ["love", "like", "see", "want", "have", "need"];
const ADJECTIVES: [&str; 6] = ["", "red ", "blue ", "old ", "new ", "good "];
const NOUNS: [&str; 5] = ["car", "book", "house", "show", "film"];

/// How often the list of all sentences is repeated, so that the last tenth holds each of them.
const REPEATS: usize = 40;

/// Every sentence, one a line, in an order in which neighbors differ in every word, many times over.
#[must_use]
pub fn text() -> String {
    let count = VERBS.len() * ADJECTIVES.len() * NOUNS.len();
    // Prime to the number of sentences, so every one of them comes once a round.
    const STEP: usize = 47;
    let mut text = String::new();
    for i in 0..count * REPEATS {
        let at = i * STEP % count;
        let (verb, rest) = (at % VERBS.len(), at / VERBS.len());
        let (adjective, noun) = (rest % ADJECTIVES.len(), rest / ADJECTIVES.len());
        text.push_str(&format!("I {} this {}{}\n", VERBS[verb], ADJECTIVES[adjective], NOUNS[noun]));
    }
    text
}
