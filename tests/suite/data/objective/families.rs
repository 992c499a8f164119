//! Every family's tokenizers under its objectives.

use trainyard::data::objective::{Denoise, Mlm, Objective, Selection};
use trainyard::data::{Dataset, Shape, TokenizerChoice};
use trainyard::text::{Template, TrainKind, TrainSpec};

use super::{counted, words};

const FAMILIES: [(Template, &[TrainKind]); 3] = [
    (Template::Bert, &[TrainKind::WordPiece, TrainKind::Words, TrainKind::Characters]),
    (Template::T5 { sentinels: 40 }, &[TrainKind::Unigram, TrainKind::Bytes]),
    (Template::Bart, &[TrainKind::Bpe, TrainKind::Characters]),
];

/// Documents of the world, as a text of the visitor's with a tokenizer trained on it.
fn dataset(kind: TrainKind, template: Template) -> Dataset {
    let text = trainyard::data::world::text(0, 0, 400);
    let choice = TokenizerChoice::Trained(TrainSpec::new(kind, 600, template));
    Dataset::text("documents.txt", text.as_bytes(), choice, 64).expect("long enough")
}

/// Segments are encoded one by one; a document of them reads as if it had been encoded whole.
#[test]
fn segments_add_up_to_the_document() {
    for (template, kinds) in FAMILIES {
        for &kind in kinds {
            let dataset = dataset(kind, template);
            let tokenizer = dataset.tokenizer();
            let shape = Shape::single(32, 800);
            let mlm = Objective::Mlm(Mlm { probability: 0.01, ..Mlm::default() });
            // T5 has no mask; the clean target of any other objective does as well.
            let off = Objective::Denoise(Denoise::OFF);
            let batch = match template {
                Template::T5 { .. } => {
                    let deshuffle: Objective = "all_permute".parse().expect("it is known");
                    dataset.train_batch(&deshuffle, Shape { batch: 4, source: 64, target: 64 }, 1, 0)
                }
                Template::Bart => dataset.train_batch(&off, Shape { target: 800, ..shape }, 1, 0),
                _ => dataset.train_batch(&mlm, shape, 1, 0),
            };
            let batch = batch.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            counted(&batch, "weights");
            if template != Template::Bart {
                continue;
            }
            for row in words(&batch, "targets").chunks(800) {
                let body: Vec<u32> = row.iter().copied().filter(|&id| !dataset.vocabulary().is_special(id)).collect();
                assert_eq!(tokenizer.encode(&tokenizer.decode(&body)), Ok(body), "{kind:?}");
            }
        }
    }
}

/// In a trained WordPiece vocabulary whole words are hidden: the pieces that follow a hidden one are hidden as well.
#[test]
fn whole_word_masking_follows_the_pieces() {
    let dataset = dataset(TrainKind::WordPiece, Template::Bert);
    let options = Mlm { selection: Selection::WholeWord, ..Mlm::default() };
    let batch = dataset.train_batch(&Objective::Mlm(options), Shape::single(16, 96), 1, 0).expect("a sound shape");
    let mut ids = words(&batch, "ids").to_vec();
    let used = batch.counted as usize;
    let mut hidden = vec![false; ids.len()];
    for (&row, &target) in words(&batch, "rows")[..used].iter().zip(words(&batch, "targets")) {
        ids[row as usize] = target;
        hidden[row as usize] = true;
    }
    let continues = |id: u32| dataset.tokenizer().token(id).is_some_and(|token| token.starts_with("##"));
    let followers: Vec<usize> = (1..ids.len()).filter(|&at| continues(ids[at])).collect();
    assert!(followers.iter().filter(|&&at| hidden[at]).count() > 10);
    assert!(followers.iter().all(|&at| hidden[at] == hidden[at - 1]));
}
