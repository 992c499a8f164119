//! How BLEU and ROUGE cut texts into tokens.

/// sacrebleu's tokenizations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tokenization {
    /// As it stands: tokens between blanks.
    None,
    /// That of mteval-v13a, sacrebleu's default: punctuation stands alone, save inside numbers.
    V13a,
}

impl Tokenization {
    /// The text with a blank between tokens.
    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::V13a => v13a(text),
        }
    }
}

fn v13a(text: &str) -> String {
    let mut line = text.trim_end().replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    // In this order, so that `&amp;lt;` becomes `<`, as the script has it.
    for (entity, character) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
        line = line.replace(entity, character);
    }
    let mut spaced = String::from(" ");
    for c in line.chars() {
        if c == ' ' || (c.is_ascii_punctuation() && !matches!(c, '\'' | ',' | '-' | '.')) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    spaced.push(' ');
    let stop = |c: char| c == '.' || c == ',';
    // A stop or comma not after a digit; one not before a digit; a dash after a digit.
    let spaced = split_pairs(&spaced, |a, b| !a.is_ascii_digit() && stop(b), |a, b| [a, ' ', b, ' ']);
    let spaced = split_pairs(&spaced, |a, b| stop(a) && !b.is_ascii_digit(), |a, b| [' ', a, ' ', b]);
    split_pairs(&spaced, |a, b| a.is_ascii_digit() && b == '-', |a, b| [a, ' ', b, ' '])
}

/// Replaces pairs of characters from left to right, none of them overlapping, as a regular expression does.
fn split_pairs(text: &str, wanted: impl Fn(char, char) -> bool, spaced: impl Fn(char, char) -> [char; 4]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(a) = characters.next() {
        match characters.next_if(|&b| wanted(a, b)) {
            Some(b) => out.extend(spaced(a, b)),
            None => out.push(a),
        }
    }
    out
}

/// rouge-score's tokens without stemming: lower case, runs of `a`–`z` and digits.
pub(super) fn words(lower: &str) -> Vec<&str> {
    let other = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit());
    lower.split(other).filter(|word| !word.is_empty()).collect()
}
