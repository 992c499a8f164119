//! Post-processors: those that are accepted act as the crate's, the others are refused with their place.

use serde_json::{Value, json};
use trainyard::text::{TextError, Tokenizer};

const BART: &[u8] = include_bytes!("../../fixtures/tok_bytelevel_bpe_bart.json");

fn with(post_processor: &Value) -> Result<(Tokenizer, String), TextError> {
    let mut file: Value = serde_json::from_slice(BART).expect("the fixture is JSON");
    file["post_processor"] = post_processor.clone();
    let file = file.to_string();
    Ok((Tokenizer::from_json(file.as_bytes())?, file))
}

fn special(id: &str) -> Value {
    json!({ "SpecialToken": { "id": id, "type_id": 0 } })
}

fn text(id: &str, type_id: u32) -> Value {
    json!({ "Sequence": { "id": id, "type_id": type_id } })
}

/// A template around `single`, with a sound pair.
fn template(single: &[Value]) -> Value {
    json!({
        "type": "TemplateProcessing", "single": single, "pair": [text("B", 1), special("X"), text("A", 0)],
        "special_tokens": {
            "X": { "id": "X", "ids": [2, 0], "tokens": ["</s>", "<s>"] },
            "far": { "id": "far", "ids": [330], "tokens": ["</s>"] },
            "other": { "id": "other", "ids": [2], "tokens": ["<s>"] },
            "uneven": { "id": "uneven", "ids": [2], "tokens": [] }
        }
    })
}

fn byte_level(trim_offsets: bool) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": trim_offsets, "use_regex": true })
}

#[test]
fn accepted_ones_act_as_the_crates() {
    let bert = json!({ "type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0] });
    let roberta = |trim: bool, space: bool| json!({ "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": trim, "add_prefix_space": space });
    let sequence = |parts: &[Value]| json!({ "type": "Sequence", "processors": parts });
    let tokens = template(&[special("X"), text("A", 1), special("X")]);
    let all = [
        Value::Null,
        bert.clone(),
        roberta(false, false),
        roberta(true, false),
        roberta(true, true),
        byte_level(true),
        byte_level(false),
        tokens.clone(),
        sequence(&[byte_level(true), tokens.clone()]),
        sequence(&[byte_level(true), bert]),
        sequence(&[byte_level(true), roberta(false, false)]),
        sequence(&[tokens]),
        sequence(&[]),
    ];
    for post_processor in all {
        let (tokenizer, file) = with(&post_processor).expect("accepted");
        let engine = tokenizers::Tokenizer::from_bytes(file.as_bytes()).expect("the crate reads it");
        for (first, second) in [("  the  red ", None), (" red", Some("\tthe book ")), ("", Some(" "))] {
            for special in [false, true] {
                let theirs = match second {
                    Some(second) => engine.encode_char_offsets((first, second), special),
                    None => engine.encode_char_offsets(first, special),
                };
                let theirs = theirs.expect("the crate encodes");
                let ours = tokenizer.encode_with(first, second, special).expect("bytes cover every text");
                let case = format!("{post_processor} {first:?} {second:?} {special}");
                assert_eq!(ours.ids, theirs.get_ids(), "{case}");
                assert_eq!(ours.offsets, theirs.get_offsets(), "{case}");
                assert_eq!(ours.type_ids, theirs.get_type_ids(), "{case}");
            }
        }
    }
}

#[test]
fn hostile_ones_are_refused() {
    let sequence = |parts: &[Value]| json!({ "type": "Sequence", "processors": parts });
    let roberta = json!({ "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": true, "add_prefix_space": false });
    let many: Vec<Value> = (0..40).map(|_| special("X")).chain([text("A", 0)]).collect();
    let plain = template(&[text("A", 0)]);
    let cases = [
        (json!({ "type": "Sing" }), "post_processor: unknown variant `Sing`"),
        (json!({ "type": "TemplateProcessing", "single": "cyclic" }), "post_processor: invalid type: string"),
        (json!(7), "post_processor: invalid type"),
        // The crate indexes with what is not there.
        (template(&[text("A", 0), special("Y")]), "post_processor.single[1]: \"Y\" is not in special_tokens"),
        (template(&[text("B", 0)]), "post_processor.single: text A occurs 0 times and text B 1 times, not 1 and 0"),
        (template(&[]), "post_processor.single: text A occurs 0 times and text B 0 times, not 1 and 0"),
        (template(&[text("A", 0), text("A", 0)]), "post_processor.single: text A occurs 2 times"),
        (template(&[text("A", 9)]), "post_processor.single[0]: type_id 9 (limit 1)"),
        (template(&[special("far"), text("A", 0)]), "post_processor.single[0]: id 330, but there are 330 tokens"),
        (template(&[special("other"), text("A", 0)]), "post_processor.single[0]: id 2 is \"</s>\", not \"<s>\""),
        (template(&[special("uneven"), text("A", 0)]), "post_processor.single[0]: 1 ids, but 0 tokens"),
        (template(&many), "post_processor.single[32]: more than 64 tokens"),
        (
            json!({ "type": "BertProcessing", "sep": ["</s>", 4_000_000], "cls": ["<s>", 0] }),
            "post_processor.sep: id 4000000, but there are 330 tokens",
        ),
        (
            sequence(&[plain.clone(), byte_level(true)]),
            "post_processor.processors[0]: only a ByteLevel and then a template",
        ),
        (sequence(&[plain.clone(), plain.clone()]), "post_processor.processors[0]: only a ByteLevel and then"),
        (sequence(&[byte_level(true), byte_level(true)]), "post_processor.processors[1]: only a ByteLevel and then"),
        (sequence(&[sequence(&[plain])]), "post_processor.processors[0]: only a ByteLevel and then"),
        (sequence(&[byte_level(true), roberta]), "post_processor.processors[1]: offsets would be trimmed twice"),
    ];
    for (post_processor, expected) in cases {
        let message = with(&post_processor).map(|_| ()).expect_err(expected).to_string();
        assert!(message.starts_with(&format!("tokenizer.json, {expected}")), "{message}\nexpected: {expected}");
    }
}
