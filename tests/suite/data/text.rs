//! Texts of the visitor's.

use std::collections::HashSet;

use trainyard::data::{Batch, DataError, Dataset, Objective, Shape, TokenizerChoice};
use trainyard::text::{Kind, TextError, Tokenizer};

const VERSE: &str = "The train stands in the yard,\nits engine cold and its doors barred,\nand rust is hard.\n";

fn characters(text: &str, context: usize) -> Result<Dataset, DataError> {
    Dataset::text("verse.txt", text.as_bytes(), TokenizerChoice::Characters, context)
}

fn train(dataset: &Dataset, seed: u32, step: u32, batch: usize, context: usize) -> Result<Batch, DataError> {
    dataset.train_batch(&Objective::default(), Shape::single(batch, context), seed, step)
}

fn validation(dataset: &Dataset, index: u32, batch: usize, context: usize) -> Result<Batch, DataError> {
    dataset.validation_batch(&Objective::default(), Shape::single(batch, context), index)
}

/// Ids and targets.
fn ids(batch: &Batch) -> (&[u32], &[u32]) {
    let words = |name| batch.words(name).expect("a decoder's batch has it");
    (words("ids"), words("targets"))
}

/// The tokens of both parts, by the summary.
fn parts(dataset: &Dataset) -> (usize, usize) {
    let summary = dataset.summary();
    (summary.train_tokens.unwrap_or_default(), summary.validation_tokens.unwrap_or_default())
}

#[test]
fn the_split_is_nine_to_one_in_order() {
    let text = VERSE.repeat(20);
    let dataset = characters(&text, 8).expect("long enough");
    let total = text.chars().count();
    assert_eq!(parts(&dataset), (total * 9 / 10, total - total * 9 / 10));
    // Tiny Shakespeare's numbers.
    let shakespeare = "abcdefghij".repeat(111_540)[..1_115_394].to_owned();
    assert_eq!(parts(&characters(&shakespeare, 256).expect("long enough")), (1_003_854, 111_540));
}

#[test]
fn a_short_text_gives_validation_a_whole_window_or_is_refused() {
    let text = "abcdefghijklmnopqrst";
    assert_eq!(parts(&characters(text, 9).expect("two windows")), (10, 10));
    let error = characters(text, 10).expect_err("too short");
    assert_eq!(error.to_string(), "verse.txt: the text has 20 tokens; a context of 10 needs at least 22");
    let dataset = characters(text, 4).expect("long enough");
    let error = validation(&dataset, 0, 1, 5).expect_err("a longer context than planned");
    assert_eq!(error.to_string(), "verse.txt: the validation part has 5 tokens; a context of 5 needs at least 6");
    assert!(characters(text, usize::MAX).is_err());
}

#[test]
fn every_window_of_its_part_is_drawn_and_no_other() {
    let text: String = ('a'..='z').chain('A'..='Z').collect();
    let dataset = characters(&text, 4).expect("long enough");
    let (split, _) = parts(&dataset);
    let tokens = dataset.tokenizer().encode(&text).expect("its own text");
    let mut seen = HashSet::new();
    for step in 0..400 {
        let batch = train(&dataset, 1, step, 4, 4).expect("a sound shape");
        let (inputs, targets) = ids(&batch);
        for (ids, targets) in inputs.chunks(4).zip(targets.chunks(4)) {
            assert_eq!(ids[1..], targets[..3]);
            let start = tokens.windows(5).position(|window| window[..4] == *ids && window[4] == targets[3]);
            seen.insert(start.expect("a window of the text"));
        }
        assert_eq!(batch.floats("weights"), Some([1.0 / 16.0; 16].as_slice()));
    }
    assert_eq!(seen, (0..split - 4).collect());
    for index in 0..50 {
        let batch = validation(&dataset, index, 4, 4).expect("a sound shape");
        assert!(ids(&batch).0.iter().chain(ids(&batch).1).all(|id| tokens[split..].contains(id)));
    }
}

#[test]
fn batches_are_functions_of_seed_and_step_and_validation_of_the_index() {
    let dataset = characters(&VERSE.repeat(10), 16).expect("long enough");
    let train = |seed, step| train(&dataset, seed, step, 4, 16).expect("a sound shape");
    assert_eq!(train(1, 5), train(1, 5));
    assert_ne!(train(1, 5), train(1, 6));
    assert_ne!(train(1, 5), train(2, 5));
    let validation = |index| validation(&dataset, index, 4, 16).expect("a sound shape");
    assert_eq!(validation(3), validation(3));
    assert_ne!(validation(3), validation(4));
}

#[test]
fn every_tokenizer_choice_works() {
    let text = VERSE.repeat(20);
    let given = Tokenizer::characters(&text).expect("not empty");
    let choices = [
        (TokenizerChoice::default(), Kind::Characters),
        (TokenizerChoice::Bytes, Kind::Bytes),
        (TokenizerChoice::Bpe(300), Kind::Bpe),
        (TokenizerChoice::Given(given), Kind::Characters),
    ];
    for (choice, kind) in choices {
        let dataset = Dataset::text("verse.txt", text.as_bytes(), choice, 16).expect("long enough");
        assert_eq!(dataset.tokenizer().kind(), kind);
        let (most, least) = parts(&dataset);
        assert!(most >= least && least >= 17, "{kind:?}: {most}, {least}");
        assert!(train(&dataset, 0, 0, 2, 16).is_ok());
        let probe = dataset.probe(&dataset.default_probe(), 16).expect("the default probe");
        assert!(!probe.is_empty() && probe.len() <= 16);
        assert_eq!(dataset.default_prompt(), "\n");
    }
}

#[test]
fn errors_name_the_text() {
    let message = |bytes: &[u8], choice| {
        Dataset::text("verse.txt", bytes, choice, 4).map(|dataset| parts(&dataset)).expect_err("spoiled").to_string()
    };
    let other = Tokenizer::characters("abc").expect("not empty");
    assert_eq!(
        message(VERSE.as_bytes(), TokenizerChoice::Given(other)),
        "verse.txt: 'T' (U+0054) is not in the tokenizer's vocabulary (character 1 of the text)"
    );
    assert_eq!(
        message(b"caf\xE9", TokenizerChoice::Characters),
        "verse.txt: the text is not valid UTF-8: byte 0xE9 at offset 3"
    );
    assert_eq!(
        message(VERSE.as_bytes(), TokenizerChoice::Bpe(9)),
        "verse.txt: a byte-level BPE vocabulary has 256 to 65536 tokens, not 9"
    );
    assert_eq!(message(b"", TokenizerChoice::Characters), "verse.txt: the text is empty");
}

#[test]
fn notices_say_what_is_unusual() {
    assert_eq!(characters(&VERSE.repeat(3), 4).expect("long enough").summary().notices, Vec::<String>::new());
    let unusual: String = ('\u{4E00}'..'\u{5200}').collect();
    let unusual = format!("\u{FEFF}{unusual}\r\n{VERSE}");
    let notices = characters(&unusual, 4).expect("long enough").summary().notices;
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert!(notices[2].starts_with("The text has 1046 different characters"), "{notices:?}");
}

#[test]
fn probes_are_cut_at_the_context_and_never_empty() {
    let dataset = characters(&VERSE.repeat(3), 8).expect("long enough");
    assert_eq!(dataset.probe("The train stands", 8).map(|ids| dataset.show(&ids)), Ok("The trai".to_owned()));
    assert_eq!(dataset.probe("", 8), Err(DataError::EmptyProbe));
    let unknown = TextError::UnknownCharacter { character: 'Z', position: 2 };
    assert_eq!(dataset.probe("TZ", 8), Err(DataError::Text { name: "probe".to_owned(), error: unknown }));
    assert!(dataset.held_out(0).is_none() && dataset.natural_context().is_none());
}

#[test]
fn a_batch_too_large_is_refused_before_it_is_allocated() {
    let dataset = characters(&VERSE.repeat(3), 8).expect("long enough");
    let error = train(&dataset, 0, 0, usize::MAX, 8).expect_err("no memory has so much room");
    assert!(matches!(error, DataError::BatchShape { .. }));
    assert!(train(&dataset, 0, 0, 1 << 22, 8).is_err());
}

#[test]
fn the_summary_is_plain_data() {
    let dataset = characters(&VERSE.repeat(10), 8).expect("long enough");
    let json = serde_json::to_value(dataset.summary()).expect("plain data");
    assert_eq!(json["kind"], "text");
    assert_eq!(json["name"], "verse.txt");
    assert_eq!(json["train_tokens"], 774);
    assert_eq!(json["vocab_size"], dataset.tokenizer().vocab_size());
}
