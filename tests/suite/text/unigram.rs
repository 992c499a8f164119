//! Unigram training: against its definition on small texts, and against the crate's trainer by likelihood.

use std::collections::BTreeMap;

use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use trainyard::text::{Template, TextError, Tokenizer, TrainKind, TrainSpec};

fn train(text: &str, vocab_size: usize) -> Result<Tokenizer, TextError> {
    Tokenizer::train(text, &TrainSpec::new(TrainKind::Unigram, vocab_size, Template::T5 { sentinels: 0 }))
}

/// The pieces of a file with their scores, the three special tokens left out.
fn pieces(tokenizer: &Tokenizer) -> Vec<(String, f64)> {
    let file: serde_json::Value = tokenizer.to_json().parse().expect("JSON");
    let all: Vec<(String, f64)> = serde_json::from_value(file["model"]["vocab"].clone()).expect("scores");
    all[3..].to_vec()
}

/// ψ(x) as the slope of ln Γ.
fn digamma(x: f64) -> f64 {
    let h = 1e-5 * x;
    (libm::lgamma(x + h) - libm::lgamma(x - h)) / (2.0 * h)
}

/// Every way to write `word`, with its probability.
fn ways(word: &[char], p: &BTreeMap<String, f64>) -> Vec<(Vec<String>, f64)> {
    if word.is_empty() {
        return vec![(Vec::new(), 1.0)];
    }
    let mut all = Vec::new();
    for length in 1..=word.len() {
        let piece: String = word[..length].iter().collect();
        let Some(&probability) = p.get(&piece) else { continue };
        for (mut rest, product) in ways(&word[length..], p) {
            rest.insert(0, piece.clone());
            all.push((rest, probability * product));
        }
    }
    all
}

/// Two steps of EM from the substrings that branch and occur twice, by enumeration of all ways to write every word.
fn learn_naively(words: &[(&str, f64)]) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<String, (f64, Vec<Option<char>>)> = BTreeMap::new();
    for (word, count) in words {
        let letters: Vec<char> = word.chars().collect();
        for start in 0..letters.len() {
            for end in start + 1..=letters.len() {
                let entry = counts.entry(letters[start..end].iter().collect()).or_default();
                entry.0 += count;
                entry.1.push(letters.get(end).copied());
            }
        }
    }
    counts.retain(|piece, (count, next)| {
        next.sort_unstable();
        let branches = next.first() != next.last() || next.first() == Some(&None);
        piece.chars().count() == 1 || (*count >= 2.0 && branches)
    });
    let scores = counts.into_iter().map(|(piece, (count, _))| (count * piece.chars().count() as f64, piece));
    let scores: Vec<(f64, String)> = scores.collect();
    let all: f64 = scores.iter().map(|(score, _)| score).sum();
    let mut p: BTreeMap<String, f64> = scores.into_iter().map(|(score, piece)| (piece, score / all)).collect();
    for _ in 0..2 {
        let mut expected: BTreeMap<String, f64> = BTreeMap::new();
        for (word, count) in words {
            let ways = ways(&word.chars().collect::<Vec<_>>(), &p);
            let all: f64 = ways.iter().map(|(_, product)| product).sum();
            for (pieces, product) in ways {
                for piece in pieces {
                    *expected.entry(piece).or_default() += count * product / all;
                }
            }
        }
        let kept: Vec<(String, f64)> = p
            .keys()
            .map(|piece| (piece.clone(), expected.get(piece).copied().unwrap_or_default()))
            .filter(|(piece, count)| piece.chars().count() == 1 || *count >= 0.5)
            .map(|(piece, count)| (piece, count.max(0.5)))
            .collect();
        let all = digamma(kept.iter().map(|(_, count)| count).sum());
        p = kept.into_iter().map(|(piece, count)| (piece, (digamma(count) - all).exp())).collect();
    }
    p
}

#[test]
fn expectation_and_maximization_are_those_of_the_definition() {
    let text = "abab ab ab bab abc cab cab cab aabb aabb";
    let words = [("▁abab", 1.0), ("▁ab", 2.0), ("▁bab", 1.0), ("▁abc", 1.0), ("▁cab", 3.0), ("▁aabb", 2.0)];
    let expected = learn_naively(&words);
    let found = pieces(&train(text, 100).expect("a text"));
    // Beside the characters of the special tokens' names, which no text has.
    let found: BTreeMap<String, f64> =
        found.into_iter().filter(|(piece, _)| !"<pad>/sunk".contains(piece.as_str()) || piece == "a").collect();
    assert!(expected.len() > 8, "{expected:?}");
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (piece, probability) in &expected {
        let error = (found[piece] - probability.ln()).abs();
        assert!(!(error > 1e-5), "{piece}: {} instead of {}", found[piece], probability.ln());
    }
    let other = learn_naively(&words[1..]);
    assert!(other.iter().any(|(piece, p)| found.get(piece).is_none_or(|score| (score - p.ln()).abs() > 1e-3)));
}

/// Average logarithmic likelihood of the most probable spelling of the words, per word.
fn likelihood(pieces: &[(String, f64)], words: &BTreeMap<String, u32>) -> f64 {
    let scores: BTreeMap<&str, f64> = pieces.iter().map(|(piece, score)| (piece.as_str(), *score)).collect();
    // Digamma takes a little from every probability; what counts is the distribution.
    let all: f64 = pieces.iter().map(|(_, score)| score.exp()).sum();
    let (mut sum, mut count) = (0.0, 0.0);
    for (word, &times) in words {
        let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
        let mut best = vec![f64::NEG_INFINITY; ends.len()];
        best[0] = 0.0;
        for i in 0..ends.len() {
            for j in i + 1..ends.len() {
                if let Some(score) = scores.get(&word[ends[i]..ends[j]]) {
                    best[j] = best[j].max(best[i] + score - all.ln());
                }
            }
        }
        sum += best[ends.len() - 1] * f64::from(times);
        count += f64::from(times);
    }
    sum / count
}

#[test]
fn the_vocabulary_is_as_likely_as_the_crates() {
    let text: String = [include_str!("unigram.rs"), include_str!("kinds.rs"), include_str!("fuzz.rs")].concat();
    let text: String = text.replace(|c: char| !c.is_ascii(), "").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut words: BTreeMap<String, u32> = BTreeMap::new();
    for word in text.split(' ') {
        *words.entry(format!("▁{word}")).or_default() += 1;
    }
    for vocab_size in [200, 500] {
        let tokenizer = train(&text, vocab_size).expect("a text");
        assert_eq!(tokenizer.vocab_size(), vocab_size);
        let ours = likelihood(&pieces(&tokenizer), &words);
        let mut model = Unigram::default();
        let trainer = UnigramTrainer::builder().vocab_size(vocab_size as u32 - 3).show_progress(false).build();
        let sentences = words.iter().map(|(word, &count)| (word.clone(), count)).collect();
        trainer.expect("a trainer").do_train(sentences, &mut model).expect("the crate trains");
        let theirs: Vec<(String, f64)> = model.iter().cloned().collect();
        let theirs = likelihood(&theirs, &words);
        // Ours may be better; how pieces of equal loss fall differs. A vocabulary of half the size is out of the gate.
        assert!(ours >= theirs * 1.01, "{vocab_size}: {ours} against {theirs}");
        let half = likelihood(&pieces(&train(&text, vocab_size / 2).expect("a text")), &words);
        assert!(!(half >= theirs * 1.01), "{vocab_size}: {half} with half the tokens, against {theirs}");
    }
}

#[test]
fn the_alphabet_gives_way_where_the_vocabulary_is_small() {
    let tokenizer = train("aaa aa ab ab ac", 6).expect("a text");
    let mut tokens: Vec<String> = pieces(&tokenizer).into_iter().map(|(piece, _)| piece).collect();
    tokens.sort_unstable();
    // By count: a 8, the space 5, b 2, c 1.
    assert_eq!(tokens, ["a", "b", "▁"]);
    let unk = tokenizer.specials().unk;
    assert!(tokenizer.encode("ac").is_ok_and(|ids| ids.last().copied() == unk));
}

#[test]
fn long_words_and_runs_train() {
    for text in
        ["a".repeat(100_000), "ab".repeat(20_000) + " x", "日本語".repeat(5_000), "\u{2581}\u{200B}x".to_owned()]
    {
        let tokenizer = train(&text, 60).expect("a text");
        let ids = tokenizer.encode(&text[..text.len().min(3_000)]).expect("known");
        assert!(!ids.is_empty() && tokenizer.vocab_size() <= 60);
    }
}
