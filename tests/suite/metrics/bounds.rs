//! Properties that hold for any input, and edges that the fixtures do not reach.

use proptest::prelude::*;
use trainyard::metrics::{
    MetricError, Scheme, Tokenization, accuracy, average_ranks, bits_per_character, corpus_bleu, d2l_bleu,
    entity_scores, f1, matthews, normalize_answer, pearson, perplexity, rouge, score_answers, sentence_bleu, spearman,
    token_f1,
};

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn lengths_and_empty_inputs_are_refused() {
    let lengths = |metric| MetricError::Lengths { metric, predictions: 1, references: 2 };
    assert_eq!(accuracy(&[1], &[1, 2]), Err(lengths("accuracy")));
    assert_eq!(f1(&[1], &[1, 2], 1), Err(lengths("F1")));
    assert_eq!(pearson(&[1.0], &[1.0, 2.0]), Err(lengths("Pearson correlation")));
    assert_eq!(matthews(&[], &[]), Err(MetricError::Empty { metric: "Matthews correlation" }));
    let one = [words("O")];
    assert_eq!(entity_scores(&one, &[words("O"), words("O")], Scheme::Strict), Err(lengths("entity F1")));
    assert!(entity_scores(&one, &[words("O O")], Scheme::Strict).is_err());
    assert!(corpus_bleu(&["a"], &[vec![]], Tokenization::None).is_err(), "a hypothesis without a reference");
    assert!(score_answers::<&str>(&[], &[]).is_err());
}

#[test]
fn what_is_undefined_is_an_error() {
    let metric = "Spearman correlation";
    assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), Err(MetricError::Constant { metric, side: "predictions" }));
    assert_eq!(spearman(&[1.0, 2.0], &[-0.0, 0.0]), Err(MetricError::Constant { metric, side: "references" }));
    let nan = spearman(&[1.0, f64::NAN], &[1.0, 2.0]);
    assert_eq!(nan, Err(MetricError::NotFinite { metric, side: "predictions", index: 1 }));
    assert_eq!(matthews(&[1, 1], &[0, 1]), Ok(0.0));
    assert_eq!(bits_per_character(1.0, 5, 0), None);
}

#[test]
fn correlations_do_not_overflow() {
    // 1e-320 has three digits left.
    for (values, gate) in
        [([-1.7e308, 0.0, 1.7e308], 1e-15), ([1e-320, 2e-320, 3e-320], 1e-3), ([5e-324, 0.0, 0.0], 1e-15)]
    {
        let found = pearson(&values, &values).expect("neither is constant");
        assert!((found - 1.0).abs() <= gate, "{values:?}: {found}");
    }
}

#[test]
fn ranks_are_shared() {
    assert_eq!(average_ranks(&[3.0, 1.0, 3.0, -0.0, 0.0, 3.0]), [5.0, 3.0, 5.0, 1.5, 1.5, 5.0]);
}

#[test]
fn tags_of_other_schemes_are_named() {
    for tag in ["S-PER", "B", "I-", "-", "", "o", "B_PER"] {
        let error = entity_scores(&[vec!["O", "O"]], &[vec!["O", tag]], Scheme::Lenient).expect_err("no tag of IOB2");
        assert_eq!(error, MetricError::Tag { tag: tag.to_owned(), side: "references", sequence: 0, token: 1 });
    }
}

#[test]
fn the_best_gold_answer_counts() {
    let golds = [vec!["a red kitchen", "kitchen"], vec![], vec![], vec!["garden"]];
    let found = score_answers(&["The kitchen!", "", "kitchen", "the big garden"], &golds).expect("lengths agree");
    assert_eq!(found.exact_match, 0.5);
    assert!((found.f1 - (1.0 + 1.0 + 0.0 + 2.0 / 3.0) / 4.0).abs() < 1e-15, "{found:?}");
}

#[test]
fn several_references_clip_together_and_the_nearest_length_counts() {
    let hypothesis = "the the cat sat";
    let references = ["the cat sat down there today", "the the mat"];
    let found = corpus_bleu(&[hypothesis], &[references.to_vec()], Tokenization::None).expect("lengths agree");
    assert_eq!((found.hypothesis_tokens, found.reference_tokens), (4, 3));
    // Of four words all are allowed; of three pairs all three; of two triples one.
    assert_eq!(found.precisions, [100.0, 100.0, 50.0, 50.0]);
    let short = sentence_bleu("the cat", &["the cat"], Tokenization::V13a).expect("a reference");
    assert!((short.score - 100.0).abs() < 1e-12, "only the orders that it has count: {short:?}");
}

#[test]
fn long_texts_are_refused_before_memory_is_taken() {
    let text = "a ".repeat(20_000);
    let error = rouge(&text, &text).expect_err("the table would have 400 million cells");
    assert_eq!(error, MetricError::TooLong { reference: 20_000, prediction: 20_000, limit: 1 << 26 });
}

#[test]
fn figures_of_language_models() {
    assert!((perplexity(65_f64.ln()) - 65.0).abs() < 1e-12);
    let bits = bits_per_character(2.0 * core::f64::consts::LN_2, 30, 20);
    assert!((bits.expect("there are characters") - 3.0).abs() < 1e-15);
}

proptest! {
    /// Whatever the text: scores lie between 0 and 1 and a text with words equals itself.
    #[test]
    fn any_texts_have_scores(a in "\\PC{0,40}|[a-c .,\\n0-9-]{0,60}", b in "\\PC{0,40}|[a-c .,\\n0-9-]{0,60}") {
        let unit = |x: f64| (0.0..=1.0).contains(&x);
        let found = rouge(&a, &b).expect("short");
        for part in [found.rouge1, found.rouge2, found.rouge_l, found.rouge_lsum] {
            prop_assert!(unit(part.precision) && unit(part.recall) && unit(part.f1), "{found:?}");
        }
        prop_assert!(found.rouge_l.f1 <= found.rouge1.f1 + 1e-12);
        let same = rouge(&a, &a).expect("short");
        prop_assert_eq!(same.rouge_l.f1, same.rouge_lsum.f1);
        prop_assert!(unit(token_f1(&a, &b)) && token_f1(&a, &a) == 1.0);
        prop_assert_eq!(token_f1(&a, &b), token_f1(&b, &a));
        prop_assert_eq!(normalize_answer(&normalize_answer(&a)), normalize_answer(&a));
        prop_assert!(unit(d2l_bleu(&a, &b, 4)));
        for tokenization in [Tokenization::None, Tokenization::V13a] {
            let bleu = corpus_bleu(&[&a], &[vec![&b]], tokenization).expect("lengths agree");
            prop_assert!((0.0..=100.0 + 1e-9).contains(&bleu.score) && unit(bleu.brevity), "{bleu:?}");
        }
    }

    #[test]
    fn correlations_are_symmetric_and_blind_to_scale(pairs in prop::collection::vec((-9i32..9, -9i32..9), 2..20)) {
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).unzip();
        let scaled: Vec<f64> = a.iter().map(|x| 3.0 * x + 100.0).collect();
        for f in [pearson, spearman] {
            if let (Ok(one), Ok(other), Ok(third)) = (f(&a, &b), f(&b, &a), f(&scaled, &b)) {
                prop_assert!((-1.0..=1.0).contains(&one));
                prop_assert!((one - other).abs() < 1e-12 && (one - third).abs() < 1e-9);
            }
        }
    }
}
