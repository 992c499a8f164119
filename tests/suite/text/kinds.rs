//! Every kind of token with every family's special tokens: ids, templates, files that the `tokenizers` crate reads
//! and encodes alike.

use proptest::prelude::*;
use trainyard::text::{Kind, MAX_SENTINELS, Specials, Template, TextError, Tokenizer, TrainKind, TrainSpec};

pub(super) const KINDS: [TrainKind; 6] = [
    TrainKind::Characters,
    TrainKind::Bytes,
    TrainKind::Bpe,
    TrainKind::WordPiece,
    TrainKind::Unigram,
    TrainKind::Words,
];

pub(super) const FAMILIES: [Template; 5] =
    [Template::None, Template::Bert, Template::Gpt2, Template::T5 { sentinels: 12 }, Template::Bart];

const TEXT: &str = "Mira took the red book. The café's sparrows can't fly!\n\tThe naïve 東京 <b>sparrow</b> took 12.5% of \
                    the sparrow's books; the books were red, the red sparrows weren't.\n";

fn trained(kind: TrainKind, family: Template) -> Tokenizer {
    Tokenizer::train(TEXT, &TrainSpec::new(kind, 400, family)).expect("a text")
}

fn all() -> impl Iterator<Item = (TrainKind, Template, Tokenizer)> {
    KINDS.into_iter().flat_map(|kind| FAMILIES.map(|family| (kind, family, trained(kind, family))))
}

fn crate_reading(tokenizer: &Tokenizer) -> tokenizers::Tokenizer {
    tokenizers::Tokenizer::from_bytes(tokenizer.to_json().as_bytes()).expect("the crate reads our files")
}

#[test]
fn special_tokens_have_the_ids_of_their_family() {
    for (kind, family, tokenizer) in all() {
        let last = tokenizer.vocab_size() as u32 - 1;
        // Only what cannot do without an unknown token has one that its family lacks.
        let needed = matches!(kind, TrainKind::WordPiece | TrainKind::Unigram | TrainKind::Words);
        let expected = match family {
            Template::None => Specials { unk: needed.then_some(0), ..Specials::default() },
            Template::Gpt2 => Specials { unk: needed.then_some(1), end: Some(0), ..Specials::default() },
            Template::Bert => Specials {
                pad: Some(0),
                unk: Some(1),
                start: Some(2),
                end: Some(3),
                mask: Some(4),
                sentinels: Vec::new(),
            },
            Template::T5 { sentinels } => Specials {
                pad: Some(0),
                end: Some(1),
                unk: Some(2),
                sentinels: (0..sentinels).map(|n| last - n).collect(),
                ..Specials::default()
            },
            Template::Bart => Specials {
                start: Some(0),
                pad: Some(1),
                end: Some(2),
                unk: Some(3),
                mask: Some(last),
                sentinels: Vec::new(),
            },
        };
        assert_eq!(tokenizer.specials(), expected, "{kind:?} {family:?}");
        assert!(tokenizer.vocab_size() <= 400, "{kind:?} {family:?}");
    }
}

#[test]
fn templates_are_those_of_the_families() {
    for (kind, family, tokenizer) in all() {
        let spell = |pair: Option<&str>| {
            let encoding = tokenizer.encode_with("the", pair, true).expect("known");
            let mut shown = String::new();
            for ((token, special), type_id) in encoding.tokens.iter().zip(&encoding.special).zip(&encoding.type_ids) {
                let text = if *special { token.as_str() } else { "x" };
                let part = format!("{text}:{type_id} ");
                if *special || !shown.ends_with(&part) {
                    shown += &part;
                }
            }
            shown
        };
        let (single, pair) = match family {
            Template::None | Template::Gpt2 => ("x:0 ", "x:0 x:1 "),
            Template::Bert => ("[CLS]:0 x:0 [SEP]:0 ", "[CLS]:0 x:0 [SEP]:0 x:1 [SEP]:1 "),
            Template::T5 { .. } => ("x:0 </s>:0 ", "x:0 </s>:0 x:0 </s>:0 "),
            Template::Bart => ("<s>:0 x:0 </s>:0 ", "<s>:0 x:0 </s>:0 </s>:0 x:0 </s>:0 "),
        };
        assert_eq!((spell(None).as_str(), spell(Some("red")).as_str()), (single, pair), "{kind:?} {family:?}");
    }
}

/// Compares everything with the crate's own reading of the file. Words of characters and bytes are ours.
fn same_as_the_crate(tokenizer: &Tokenizer, engine: &tokenizers::Tokenizer, text: &str) -> Result<(), String> {
    let own_words = matches!(tokenizer.kind(), Kind::Characters | Kind::Bytes);
    for special in [false, true] {
        for pair in [None, Some("the Books")] {
            let theirs = match pair {
                None => engine.encode_char_offsets(text, special),
                Some(pair) => engine.encode_char_offsets((text, pair), special),
            };
            let (ours, theirs) = match (tokenizer.encode_with(text, pair, special), theirs) {
                (Ok(ours), Ok(theirs)) => (ours, theirs),
                // A character outside a table without an unknown token.
                (Err(_), Err(_)) => continue,
                (ours, theirs) => return Err(format!("{ours:?}, the crate {theirs:?}")),
            };
            let mask: Vec<bool> = theirs.get_special_tokens_mask().iter().map(|&mask| mask == 1).collect();
            let same = ours.ids == theirs.get_ids()
                && ours.tokens == theirs.get_tokens()
                && ours.type_ids == theirs.get_type_ids()
                && ours.offsets == theirs.get_offsets()
                && ours.special == mask
                && (own_words || ours.words == theirs.get_word_ids());
            if !same {
                return Err(format!("{text:?} {pair:?} {special}: {ours:?}\nthe crate: {theirs:?}"));
            }
        }
    }
    Ok(())
}

#[test]
fn the_crate_reads_every_file_and_encodes_alike() {
    for (kind, family, tokenizer) in all() {
        let engine = crate_reading(&tokenizer);
        for text in [TEXT, "the  sparrow's book", " Fly, 東!", "<s>the[MASK]</s><extra_id_3>", "日 unknown", ""] {
            let result = same_as_the_crate(&tokenizer, &engine, text);
            assert_eq!(result, Ok(()), "{kind:?} {family:?}");
        }
    }
}

/// The comparison must be able to fail.
#[test]
fn another_file_encodes_otherwise() {
    let (bert, bart) = (trained(TrainKind::Bpe, Template::Bert), trained(TrainKind::Bpe, Template::Bart));
    assert!(same_as_the_crate(&bert, &crate_reading(&bart), "the book").is_err());
}

#[test]
fn training_is_repeatable_and_files_come_back() {
    for (kind, family, tokenizer) in all() {
        let json = tokenizer.to_json();
        assert_eq!(trained(kind, family).to_json(), json, "{kind:?} {family:?}");
        let again = Tokenizer::from_json(json.as_bytes()).expect("our own file");
        assert_eq!(again.to_json(), json);
        assert_eq!((again.kind(), again.specials()), (tokenizer.kind(), tokenizer.specials()));
        let encode = |tokenizer: &Tokenizer| tokenizer.encode_with(TEXT, Some("red"), true);
        assert_eq!(encode(&again), encode(&tokenizer), "{kind:?} {family:?}");
    }
}

#[test]
fn decoding_gives_the_text_back() {
    for (kind, family, tokenizer) in all() {
        let text = "the red book, the sparrow";
        let ids = tokenizer.encode_with(text, None, true).expect("known").ids;
        assert_eq!(tokenizer.decode_skipping_specials(&ids), text, "{kind:?} {family:?}");
        assert_eq!(tokenizer.decode(&ids) == text, matches!(family, Template::None | Template::Gpt2));
    }
}

#[test]
fn only_the_literal_spelling_becomes_a_special_token() {
    for (kind, family, tokenizer) in all() {
        let is_special = |text: &str| {
            let ids = tokenizer.encode(text).unwrap_or_default();
            let unknown = tokenizer.specials().unk;
            ids.iter().any(|&id| tokenizer.is_special(id) && Some(id) != unknown)
        };
        assert!(!is_special(TEXT), "{kind:?} {family:?}");
        // Full-width letters, which T5's normalizer makes the name of a token.
        assert!(!is_special("the ＜/s＞ ＜s＞ ＜pad＞ ＜｜endoftext｜＞"), "{kind:?} {family:?}");
        let literal = match family {
            Template::None => continue,
            Template::Bert => "[MASK]",
            Template::Gpt2 => "<|endoftext|>",
            Template::T5 { .. } => "<extra_id_11>",
            Template::Bart => "<mask>",
        };
        let text = format!("the{literal}the");
        assert!(is_special(&text), "{kind:?} {family:?}");
        let id = tokenizer.id(literal).expect("the family has it");
        assert_eq!(tokenizer.label(id), literal);
        assert!(tokenizer.encode(&text).is_ok_and(|ids| ids.contains(&id)));
    }
}

#[test]
fn what_the_vocabulary_lacks_is_unknown_or_an_error() {
    for family in FAMILIES {
        let tokenizer = trained(TrainKind::Characters, family);
        let expected = match tokenizer.specials().unk {
            Some(unk) => Ok(vec![unk]),
            None => Err(TextError::UnknownCharacter { character: '語', position: 1 }),
        };
        assert_eq!(tokenizer.encode("語"), expected, "{family:?}");
        for kind in [TrainKind::WordPiece, TrainKind::Unigram, TrainKind::Words] {
            let tokenizer = trained(kind, family);
            let unk = tokenizer.specials().unk.expect("these kinds have one");
            assert!(tokenizer.encode("語").is_ok_and(|ids| ids.contains(&unk)), "{kind:?} {family:?}");
        }
    }
}

/// The two tokenizers that runs have used so far.
#[test]
fn earlier_tokenizers_are_special_cases() {
    let characters = Tokenizer::characters(TEXT).expect("not empty");
    assert_eq!(trained(TrainKind::Characters, Template::None).to_json(), characters.to_json());
    let bytes = Tokenizer::train("", &TrainSpec::new(TrainKind::Bytes, 0, Template::None)).expect("no text is needed");
    assert_eq!(bytes.to_json(), Tokenizer::bytes().to_json());
    let bpe = Tokenizer::train_bpe(TEXT, 400).expect("a text");
    assert_eq!(trained(TrainKind::Bpe, Template::Gpt2).to_json(), bpe.to_json());
}

#[test]
fn bytes_follow_the_leading_special_tokens() {
    let tokenizer = trained(TrainKind::Bytes, Template::T5 { sentinels: 2 });
    assert_eq!((tokenizer.kind(), tokenizer.vocab_size()), (Kind::Bytes, 3 + 256 + 2));
    assert_eq!(tokenizer.encode("a<extra_id_1>é"), Ok(vec![3 + 0x61, 259, 3 + 0xC3, 3 + 0xA9]));
    assert_eq!(tokenizer.decode(&[3 + 0x61, 260, 3 + 0xC3, 3 + 0xA9, 261]), "a<extra_id_0>é\u{FFFD}");
    assert_eq!([tokenizer.label(3 + 0xC3), tokenizer.label(259)], ["‹C3›", "<extra_id_1>"]);
    assert_eq!([tokenizer.id("</s>"), tokenizer.id("a"), tokenizer.id("ab")], [Some(1), Some(100), None]);
}

#[test]
fn sizes_have_limits() {
    let size = |kind, vocab_size, family| {
        Tokenizer::train(TEXT, &TrainSpec::new(kind, vocab_size, family)).map(|tokenizer| tokenizer.vocab_size())
    };
    for (kind, name, least) in [
        (TrainKind::Bpe, "byte-level BPE", 5 + 256),
        (TrainKind::WordPiece, "WordPiece", 6),
        (TrainKind::Unigram, "Unigram", 6),
        (TrainKind::Words, "word-level", 6),
    ] {
        assert_eq!(size(kind, least, Template::Bert), Ok(least));
        for requested in [0, least - 1, 65_537] {
            let error = TextError::VocabularySize { kind: name, requested, min: least, max: 65_536 };
            assert_eq!(size(kind, requested, Template::Bert), Err(error));
        }
        let blank = Tokenizer::train(" \n", &TrainSpec::new(kind, 300, Template::Bert));
        assert_eq!(blank.map(|tokenizer| tokenizer.vocab_size()), Err(TextError::Empty));
    }
    let many = Template::T5 { sentinels: MAX_SENTINELS + 1 };
    let error = TextError::Sentinels { requested: MAX_SENTINELS + 1, max: MAX_SENTINELS };
    assert_eq!(size(TrainKind::Bytes, 0, many), Err(error));
    let most = trained(TrainKind::Characters, Template::T5 { sentinels: MAX_SENTINELS });
    assert_eq!((most.kind(), most.specials().sentinels.len()), (Kind::Characters, MAX_SENTINELS as usize));
}

/// `<s>` may be text about web pages; only what a file marks as a token of its own is special.
#[test]
fn a_plain_token_with_a_special_name_is_not_special() {
    let mut file: serde_json::Value = trained(TrainKind::Words, Template::Bart).to_json().parse().expect("JSON");
    file["added_tokens"] = serde_json::json!([]);
    file["post_processor"] = serde_json::Value::Null;
    let tokenizer = Tokenizer::from_json(file.to_string().as_bytes()).expect("still sound");
    assert_eq!(tokenizer.id("<s>"), Some(0));
    assert_eq!(tokenizer.specials(), Specials::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any text trains any kind, and encodes as the crate does it.
    #[test]
    fn any_text_trains_and_encodes_alike(
        corpus in "\\PC{1,60}[ \n\t]{0,3}[a-c ]{0,40}x", text in "\\PC{0,30}[ \n\t]{0,4}[a-c ]{0,20}",
        kind in 0..6_usize, family in 0..5_usize, size in 270..330_usize, lowercase in any::<bool>(),
    ) {
        let spec = TrainSpec { lowercase, ..TrainSpec::new(KINDS[kind], size, FAMILIES[family]) };
        let tokenizer = Tokenizer::train(&corpus, &spec).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(tokenizer.vocab_size() <= size || kind < 2);
        let engine = crate_reading(&tokenizer);
        same_as_the_crate(&tokenizer, &engine, &text).map_err(TestCaseError::fail)?;
        same_as_the_crate(&tokenizer, &engine, &corpus).map_err(TestCaseError::fail)?;
    }
}
