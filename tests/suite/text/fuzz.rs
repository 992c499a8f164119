//! Tokenizer files and texts at random: an error or a tokenizer, never a panic.

use proptest::prelude::*;
use serde_json::{Value, json};
use trainyard::text::Tokenizer;

use super::hostile::small;

const GPT2: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe.json");
const BART: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe_bart.json");
const BERT: &[u8] = include_bytes!("../../fixtures/tok_wordpiece.json");
const T5: &[u8] = include_bytes!("../../fixtures/tok_unigram.json");

fn normalizers() -> Vec<Value> {
    let replace = |from: &str, to: &str| json!({ "type": "Replace", "pattern": { "String": from }, "content": to });
    vec![
        json!({ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": true, "lowercase": true }),
        json!({ "type": "NFD" }),
        json!({ "type": "NFKC" }),
        json!({ "type": "Strip", "strip_left": true, "strip_right": true }),
        json!({ "type": "StripAccents" }),
        json!({ "type": "Lowercase" }),
        json!({ "type": "Nmt" }),
        json!({ "type": "Prepend", "prepend": "\u{2581}" }),
        replace("a", ""),
        replace(" ", "\u{2581}"),
        json!({ "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": " " }),
    ]
}

fn pre_tokenizers() -> Vec<Value> {
    let split = |behavior: &str, invert: bool| json!({ "type": "Split", "pattern": { "Regex": "\\s+" }, "behavior": behavior, "invert": invert });
    vec![
        json!({ "type": "BertPreTokenizer" }),
        json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true }),
        json!({ "type": "Digits", "individual_digits": true }),
        json!({ "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first", "split": true }),
        json!({ "type": "Punctuation", "behavior": "Contiguous" }),
        json!({ "type": "Whitespace" }),
        json!({ "type": "WhitespaceSplit" }),
        split("Removed", false),
        split("MergedWithNext", true),
        split("Contiguous", false),
    ]
}

fn decoders() -> Vec<Value> {
    vec![
        json!({ "type": "BPEDecoder", "suffix": "</w>" }),
        json!({ "type": "ByteFallback" }),
        json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true }),
        json!({ "type": "Fuse" }),
        json!({ "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true }),
        json!({ "type": "Replace", "pattern": { "String": "\u{2581}" }, "content": " " }),
        json!({ "type": "Strip", "content": " ", "start": 3, "stop": 0 }),
        json!({ "type": "WordPiece", "prefix": "##", "cleanup": true }),
    ]
}

/// Parts of templates: texts and tokens that may or may not exist.
fn template_pieces() -> impl Strategy<Value = Vec<Value>> {
    let text = (prop::sample::select(vec!["A", "B"]), 0..3_u32)
        .prop_map(|(id, type_id)| json!({ "Sequence": { "id": id, "type_id": type_id } }));
    let special = (prop::sample::select(vec!["x", "y", "z"]), 0..3_u32)
        .prop_map(|(id, type_id)| json!({ "SpecialToken": { "id": id, "type_id": type_id } }));
    prop::collection::vec(prop_oneof![text, special], 0..4)
}

/// Everything that can be done with a text. All lists of an encoding have one length, all ids are in the vocabulary,
/// all places in the text.
fn exercise(tokenizer: &Tokenizer, text: &str) {
    if let Ok(ids) = tokenizer.encode(text) {
        assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
        let _ = tokenizer.decode(&ids);
        let _ = tokenizer.decode_skipping_specials(&ids);
    }
    let specials = tokenizer.specials();
    assert!(specials.sentinels.iter().chain(&specials.mask).all(|&id| (id as usize) < tokenizer.vocab_size()));
    for (pair, special) in [(None, false), (None, true), (Some(text), true)] {
        let Ok(encoding) = tokenizer.encode_with(text, pair, special) else { continue };
        let count = encoding.ids.len();
        assert_eq!([encoding.tokens.len(), encoding.type_ids.len(), encoding.offsets.len()], [count; 3]);
        assert_eq!([encoding.special.len(), encoding.words.len()], [count; 2]);
        assert!(encoding.ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
        let characters = text.chars().count();
        assert!(encoding.offsets.iter().all(|&(start, end)| start <= end && end <= characters), "{encoding:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever one byte of a file becomes: an error or a tokenizer that encodes, never a panic.
    #[test]
    fn a_changed_byte_never_panics(at in any::<prop::sample::Index>(), value in any::<u8>(), pick in 0..3_usize) {
        let small = small().to_string().into_bytes();
        let mut file = match pick {
            0 => small,
            1 => BERT.to_vec(),
            _ => T5.to_vec(),
        };
        let at = at.index(file.len());
        file[at] = value;
        if let Ok(tokenizer) = Tokenizer::from_json(&file) {
            exercise(&tokenizer, "The ab café's sparrows, 12 a\n\n");
            let all: Vec<u32> = (0..=tokenizer.vocab_size() as u32).collect();
            let _ = tokenizer.decode(&all);
        }
    }

    /// Every accepted component, in any combination and on any text.
    #[test]
    fn accepted_components_never_panic(
        normalizers in prop::sample::subsequence(normalizers(), 0..4),
        pre_tokenizers in prop::sample::subsequence(pre_tokenizers(), 0..3),
        decoders in prop::sample::subsequence(decoders(), 0..3),
        model in 0..3_usize,
        text in "[ ab\u{301}é日\u{2581}#0-9.\n\u{0}\u{FFFD}]{0,24}\\PC{0,8}",
    ) {
        let files = [
            &small().to_string().into_bytes(),
            &BERT.to_vec(),
            &T5.to_vec(),
        ];
        let mut file: Value = serde_json::from_slice(files[model]).expect("the fixtures are JSON");
        file["normalizer"] = json!({ "type": "Sequence", "normalizers": normalizers });
        file["pre_tokenizer"] = json!({ "type": "Sequence", "pretokenizers": pre_tokenizers });
        file["decoder"] = json!({ "type": "Sequence", "decoders": decoders });
        let tokenizer = Tokenizer::from_json(file.to_string().as_bytes())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        exercise(&tokenizer, &text);
        let all: Vec<u32> = (0..tokenizer.vocab_size() as u32).collect();
        let _ = tokenizer.decode(&all);
    }

    /// The same for whole parts exchanged between files and random values.
    #[test]
    fn mixed_parts_never_panic(
        normalizer in 0..4_usize, pre_tokenizer in 0..4_usize, decoder in 0..4_usize, model in 0..4_usize,
        post_processor in 0..4_usize,
        text in "[ a-zA-Z0-9éß日\u{2581}#\n]{0,30}",
    ) {
        let files: Vec<Value> = [
            GPT2,
            BART,
            BERT,
            T5,
        ]
        .iter()
        .filter_map(|file| serde_json::from_slice(file).ok())
        .collect();
        let mut file = files[model].clone();
        file["normalizer"] = files[normalizer]["normalizer"].clone();
        file["pre_tokenizer"] = files[pre_tokenizer]["pre_tokenizer"].clone();
        file["decoder"] = files[decoder]["decoder"].clone();
        file["post_processor"] = files[post_processor]["post_processor"].clone();
        if let Ok(tokenizer) = Tokenizer::from_json(file.to_string().as_bytes()) {
            exercise(&tokenizer, &text);
        }
    }

    /// Templates of any parts around the small file: refused, or applied.
    #[test]
    fn templates_never_panic(
        single in template_pieces(), pair in template_pieces(), ids in prop::collection::vec(0..5_u32, 0..3),
        kind in 0..3_usize, trim in any::<bool>(), text in "[ ab]{0,12}",
    ) {
        let tokens: Vec<&str> = ids.iter().map(|&id| ["a", "b", "ab"].get(id as usize).copied().unwrap_or("a")).collect();
        let template = json!({
            "type": "TemplateProcessing", "single": single, "pair": pair,
            "special_tokens": {
                "x": { "id": "x", "ids": ids, "tokens": tokens }, "y": { "id": "y", "ids": [2], "tokens": ["ab"] }
            }
        });
        let id = ids.first().copied().unwrap_or_default();
        let roberta = json!({
            "type": "RobertaProcessing", "sep": ["b", id], "cls": ["a", 0], "trim_offsets": trim, "add_prefix_space": trim
        });
        let byte_level = json!({ "type": "ByteLevel", "add_prefix_space": trim, "trim_offsets": true });
        let mut file = small();
        file["post_processor"] = match kind {
            0 => template,
            1 => roberta,
            _ => json!({ "type": "Sequence", "processors": [byte_level, template] }),
        };
        if let Ok(tokenizer) = Tokenizer::from_json(file.to_string().as_bytes()) {
            exercise(&tokenizer, &text);
        }
    }
}
