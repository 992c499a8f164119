//! Files of the four published kinds, against the answers of the Hugging Face library (`tok_expected.json`).

use serde_json::Value;
use trainyard::text::{Kind, TextError, Tokenizer};

const EXPECTED: &str = include_str!("../../fixtures/tok_expected.json");
const GPT2: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe.json");
const BART: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe_bart.json");
const BERT: &[u8] = include_bytes!("../../fixtures/tok_wordpiece.json");
const T5: &[u8] = include_bytes!("../../fixtures/tok_unigram.json");

/// Compares ids and tokens for every single text of `family`; returns how many, or the first difference.
///
/// The expected ids include the special tokens of the family's template; they stand at known offsets (0, 0).
fn compare(tokenizer: &Tokenizer, family: &str) -> Result<usize, String> {
    let expected: Value = serde_json::from_str(EXPECTED).map_err(|error| error.to_string())?;
    let cases = expected[family].as_array().ok_or("no such family")?;
    let mut compared = 0;
    for case in cases.iter().filter(|case| case.get("pair").is_none_or(Value::is_null)) {
        let text = case["text"].as_str().ok_or("a case without a text")?;
        let words = case["word_ids"].as_array().ok_or("a case without word ids")?;
        let of_text = |key: &str| -> Vec<Value> {
            let all = case[key].as_array().into_iter().flatten();
            all.zip(words).filter(|(_, word)| !word.is_null()).map(|(value, _)| value.clone()).collect()
        };
        let ids = tokenizer.encode(text).map_err(|error| format!("{text:?}: {error}"))?;
        let found: Vec<Value> = ids.iter().map(|&id| Value::from(id)).collect();
        if found != of_text("ids") {
            return Err(format!("{text:?}: ids {found:?}, expected {:?}", of_text("ids")));
        }
        let tokens: Vec<Value> = ids.iter().map(|&id| Value::from(tokenizer.token(id))).collect();
        // Where the library could not encode, it names the unknown token by its text.
        if family.starts_with("bytelevel") && tokens != of_text("tokens") {
            return Err(format!("{text:?}: tokens {tokens:?}, expected {:?}", of_text("tokens")));
        }
        compared += 1;
    }
    Ok(compared)
}

#[test]
fn gpt2s_byte_level_bpe() {
    let tokenizer = Tokenizer::from_json(GPT2).expect("the fixture is sound");
    assert_eq!(tokenizer.kind(), Kind::Bpe);
    assert_eq!(tokenizer.eos(), Some(0));
    assert_eq!(compare(&tokenizer, "bytelevel_bpe_gpt2"), Ok(7));
}

#[test]
fn barts_byte_level_bpe() {
    let tokenizer = Tokenizer::from_json(BART).expect("the fixture is sound");
    assert_eq!((tokenizer.kind(), tokenizer.eos()), (Kind::Bpe, Some(2)));
    assert_eq!(compare(&tokenizer, "bytelevel_bpe_bart"), Ok(7));
}

#[test]
fn berts_word_pieces() {
    let tokenizer = Tokenizer::from_json(BERT).expect("the fixture is sound");
    assert_eq!(tokenizer.kind(), Kind::Other);
    assert_eq!(compare(&tokenizer, "wordpiece"), Ok(7));
    let ids = tokenizer.encode("The red book.").expect("known words");
    assert_eq!(tokenizer.decode(&ids), "the red book.");
    assert_eq!(tokenizer.decode(&[61, 9_999_999, 88]), "the\u{FFFD}book");
}

#[test]
fn t5s_unigrams() {
    let tokenizer = Tokenizer::from_json(T5).expect("the fixture is sound");
    assert_eq!(tokenizer.kind(), Kind::Other);
    assert_eq!(compare(&tokenizer, "unigram_t5"), Ok(7));
    assert_eq!(tokenizer.label(3), "␣");
}

/// The comparison itself must be able to fail.
#[test]
fn a_wrong_tokenizer_is_noticed() {
    let wrong = Tokenizer::from_json(GPT2).expect("the fixture is sound");
    let difference = compare(&wrong, "bytelevel_bpe_bart").expect_err("GPT-2's ids are not BART's");
    assert!(difference.contains("expected"), "{difference}");
}

#[test]
fn a_loaded_file_is_returned_as_it_was() {
    for file in [GPT2, BART, BERT, T5] {
        let json = Tokenizer::from_json(file).expect("the fixture is sound").to_json();
        assert_eq!(json.as_bytes(), file);
    }
}

#[test]
fn byte_level_tokens_decode_to_the_text() {
    let tokenizer = Tokenizer::from_json(GPT2).expect("the fixture is sound");
    let text = "Größe 日本 \u{1F686}\n\n\tend";
    let ids = tokenizer.encode(text).expect("bytes cover every text");
    assert_eq!(tokenizer.decode(&ids), text);
    assert_eq!(tokenizer.decode(&[1, 4_000_000_000, 2]), "!\u{FFFD}\"");
}

#[test]
fn a_byte_without_a_token_is_an_error_not_a_loss() {
    // Without "é"'s second byte (©), which nothing is merged with once its merges are gone.
    let mut file: Value = serde_json::from_slice(GPT2).expect("the fixture is sound");
    let vocab = file["model"]["vocab"].as_object_mut().expect("a vocabulary");
    vocab.retain(|token, id| *token != "©" && id.as_u64().is_some_and(|id| id < 257));
    let names: Vec<String> = vocab.keys().cloned().collect();
    for (id, name) in names.iter().enumerate() {
        vocab[name] = Value::from(id);
    }
    file["model"]["merges"] = Value::from(Vec::<Value>::new());
    let tokenizer = Tokenizer::from_json(file.to_string().as_bytes()).expect("still sound");
    assert!(tokenizer.encode("cafe").is_ok());
    assert_eq!(tokenizer.encode("café"), Err(TextError::UnknownCharacter { character: 'é', position: 4 }));
}
