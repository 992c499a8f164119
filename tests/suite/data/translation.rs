//! Sentence pairs of the world.

use std::collections::{HashMap, HashSet};

use trainyard::data::world::Translator;
use trainyard::data::{Dataset, Frame, Objective, Shape, TokenizerChoice};
use trainyard::text::{Template, TrainKind, TrainSpec};

#[test]
fn each_sentence_has_one_translation_and_each_translation_one_sentence() {
    for seed in [0, 1, 7] {
        let translator = Translator::new(seed);
        let (mut forth, mut back) = (HashMap::new(), HashMap::new());
        for index in 0..20_000 {
            let (english, zorish) = translator.pair(index);
            assert_eq!(forth.entry(english.clone()).or_insert_with(|| zorish.clone()), &zorish, "{english}");
            assert_eq!(back.entry(zorish.clone()).or_insert_with(|| english.clone()), &english, "{zorish}");
            assert!([&english, &zorish].iter().all(|side| side.ends_with(" .") && !side.contains("  ")));
        }
        assert!(forth.len() > 19_500, "{} of 20000 differ", forth.len());
    }
    assert_ne!(Translator::new(0).pair(3).1, Translator::new(1).pair(3).1, "words are of a world");
}

const ADJECTIVES: [&str; 10] = ["old", "young", "red", "blue", "small", "big", "tired", "quiet", "strange", "good"];

/// Order, case, number, agreement, tense and negation, each against the English words.
#[test]
fn the_grammar_holds() {
    let translator = Translator::new(0);
    let mut stems: HashMap<&str, String> = HashMap::new();
    let mut agreement: HashMap<String, HashSet<String>> = HashMap::new();
    let (mut plurals, mut negations) = (0, 0);
    let pairs: Vec<_> = (0..4000).map(|index| translator.pair(index)).collect();
    for (english, zorish) in &pairs {
        let source: Vec<&str> = english.split(' ').collect();
        let target: Vec<&str> = zorish.split(' ').collect();
        let described = ADJECTIVES.contains(&source[1]);
        let noun = source[1 + usize::from(described)];
        let plural = noun.ends_with('s');
        let subject = target[0].strip_suffix("ka").expect("the subject comes first");
        assert_eq!(subject.len(), if plural { 6 } else { 4 }, "{english} | {zorish}");
        let stem = &subject[subject.len() - 4..];
        assert!(!plural || subject[..2] == stem[..2], "the first syllable stands twice: {zorish}");
        let known = stems.entry(noun.trim_end_matches('s')).or_insert_with(|| stem.to_owned());
        assert_eq!(known, stem, "{english} | {zorish}");
        if described {
            let adjective = target[1];
            agreement.entry(stem.to_owned()).or_default().insert(adjective[adjective.len() - 2..].to_owned());
        }
        assert!(target[1 + usize::from(described)].ends_with("no"), "the object follows: {zorish}");
        // Stem, tense, and the prefix.
        let (verb, negated) = (target[target.len() - 2], source.contains(&"not"));
        assert_eq!(verb.len(), if negated { 8 } else { 6 }, "{english} | {zorish}");
        assert!(!negated || verb.starts_with("ze") && verb.ends_with("tu") == source.contains(&"did"), "{zorish}");
        plurals += usize::from(plural);
        negations += usize::from(negated);
    }
    assert_eq!(stems.len(), 16);
    assert!(agreement.len() == 16 && agreement.values().all(|endings| endings.len() == 1), "{agreement:?}");
    assert_eq!(agreement.values().flatten().collect::<HashSet<_>>().len(), 2, "both classes occur");
    // Four standard deviations of 4000 draws.
    assert!((1874..=2126).contains(&plurals) && (891..=1109).contains(&negations), "{plurals}, {negations}");
}

#[test]
fn translation_is_a_data_set_of_pairs() {
    let spec = TrainSpec::new(TrainKind::Words, 500, Template::Bart);
    let dataset = Dataset::translation(0, TokenizerChoice::Trained(spec), 32).expect("long enough");
    let dataset = dataset.with_frame(Frame::Transformer);
    let shape = Shape { batch: 64, source: 16, target: 16 };
    let sources = |batch: &trainyard::data::Batch| -> HashSet<Vec<u32>> {
        batch.words("ids").expect("a batch has ids").chunks(16).map(<[u32]>::to_vec).collect()
    };
    let mut trained = HashSet::new();
    for step in 0..50 {
        let batch = dataset.train_batch(&Objective::Seq2Seq, shape, 1, step).expect("a sound shape");
        assert_eq!(batch.dropped, 0);
        trained.extend(sources(&batch));
    }
    let validation = dataset.validation_batch(&Objective::Seq2Seq, shape, 0).expect("a sound shape");
    let shared = sources(&validation).intersection(&trained).count();
    assert!(shared <= 1, "{shared} of 64 sentences were trained on");
}
