//! Files of the four published kinds, against the answers of the Hugging Face library (`tok_expected.json`).

use serde_json::Value;
use trainyard::text::{Encoding, Kind, TextError, Tokenizer};

const EXPECTED: &str = include_str!("../../fixtures/tok_expected.json");
const GPT2: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe.json");
const BART: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe_bart.json");
const BERT: &[u8] = include_bytes!("../../fixtures/tok_wordpiece.json");
const T5: &[u8] = include_bytes!("../../fixtures/tok_unigram.json");

/// The texts and pairs of all families with the library's answers.
fn expected() -> Value {
    serde_json::from_str(EXPECTED).expect("the fixture is JSON")
}

/// An encoding under the names of the file.
fn answer(encoding: &Encoding, tokenizer: &Tokenizer) -> Value {
    let special: Vec<u8> = encoding.special.iter().map(|&special| u8::from(special)).collect();
    serde_json::json!({
        "ids": encoding.ids, "tokens": encoding.tokens, "offsets": encoding.offsets, "type_ids": encoding.type_ids,
        "word_ids": encoding.words, "special_tokens_mask": special,
        "decode": tokenizer.decode_skipping_specials(&encoding.ids)
    })
}

/// Compares everything for every text and pair of `family`; returns how many values, or the first difference.
fn compare(tokenizer: &Tokenizer, family: &str, expected: &Value) -> Result<usize, String> {
    let cases = expected[family].as_array().ok_or("no such family")?;
    let mut compared = 0;
    for case in cases {
        let text = case["text"].as_str().or(case["pair"][0].as_str()).ok_or("a case without a text")?;
        let encoding = tokenizer
            .encode_with(text, case["pair"][1].as_str(), true)
            .map_err(|error| format!("{text:?}: {error}"))?;
        let found = answer(&encoding, tokenizer);
        for (key, expected) in case.as_object().ok_or("a case that is no object")? {
            if key != "text" && key != "pair" {
                if found[key] != *expected {
                    return Err(format!("{text:?}: {key} {}, expected {expected}", found[key]));
                }
                compared += 1;
            }
        }
        // `encode` gives what the template did not add.
        if case["pair"].is_null() {
            let plain = tokenizer.encode(text).map_err(|error| format!("{text:?}: {error}"))?;
            let of_text = encoding.ids.iter().zip(&encoding.special).filter(|&(_, &special)| !special);
            if !of_text.map(|(&id, _)| id).eq(plain.iter().copied()) {
                return Err(format!("{text:?}: encode gives {plain:?}"));
            }
        }
    }
    Ok(compared)
}

/// Seven texts with six values each, and a pair with four.
const ALL: usize = 7 * 6 + 4;

#[test]
fn gpt2s_byte_level_bpe() {
    let tokenizer = Tokenizer::from_json(GPT2).expect("the fixture is sound");
    assert_eq!(tokenizer.kind(), Kind::Bpe);
    assert_eq!(tokenizer.eos(), Some(0));
    assert_eq!(compare(&tokenizer, "bytelevel_bpe_gpt2", &expected()), Ok(ALL));
}

#[test]
fn barts_byte_level_bpe() {
    let tokenizer = Tokenizer::from_json(BART).expect("the fixture is sound");
    assert_eq!((tokenizer.kind(), tokenizer.eos()), (Kind::Bpe, Some(2)));
    assert_eq!(compare(&tokenizer, "bytelevel_bpe_bart", &expected()), Ok(ALL));
}

#[test]
fn berts_word_pieces() {
    let tokenizer = Tokenizer::from_json(BERT).expect("the fixture is sound");
    assert_eq!(tokenizer.kind(), Kind::Other);
    assert_eq!(compare(&tokenizer, "wordpiece", &expected()), Ok(ALL));
    let ids = tokenizer.encode("The red book.").expect("known words");
    assert_eq!(tokenizer.decode(&ids), "the red book.");
    assert_eq!(tokenizer.decode(&[61, 9_999_999, 88]), "the\u{FFFD}book");
}

#[test]
fn t5s_unigrams() {
    let tokenizer = Tokenizer::from_json(T5).expect("the fixture is sound");
    assert_eq!(tokenizer.kind(), Kind::Other);
    assert_eq!(compare(&tokenizer, "unigram_t5", &expected()), Ok(ALL));
    assert_eq!(tokenizer.label(3), "␣");
}

/// The comparison itself must be able to fail: with another tokenizer, and with one number changed anywhere.
#[test]
fn a_wrong_tokenizer_is_noticed() {
    let wrong = Tokenizer::from_json(GPT2).expect("the fixture is sound");
    let difference = compare(&wrong, "bytelevel_bpe_bart", &expected()).expect_err("GPT-2's ids are not BART's");
    assert!(difference.contains("expected"), "{difference}");
}

#[test]
fn one_changed_value_is_noticed() {
    let files = [("bytelevel_bpe_gpt2", GPT2), ("bytelevel_bpe_bart", BART), ("wordpiece", BERT), ("unigram_t5", T5)];
    for (family, file) in files {
        let tokenizer = Tokenizer::from_json(file).expect("the fixture is sound");
        for case in 0..8 {
            // The pair, which comes last, has no offsets.
            let third = if case < 7 { "offsets/3/1" } else { "special_tokens_mask/3" };
            for pointer in ["ids/4", "type_ids/2", third] {
                let pointer = format!("/{family}/{case}/{pointer}");
                let mut changed = expected();
                let slot = changed.pointer_mut(&pointer).expect("every case has five tokens");
                *slot = Value::from(slot.as_u64().map_or(0, |value| value + 1));
                let difference = compare(&tokenizer, family, &changed).expect_err(&pointer);
                assert!(difference.contains("expected"), "{difference}");
            }
        }
    }
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
