//! The words of a text and how often they occur, by the components that will later encode it.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;
use tokenizers::{
    NormalizerWrapper, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, PreTokenizerWrapper,
};

use crate::text::TextError;
use crate::text::pieces::{Cut, pieces};

/// Counts the words, normalized. `null` is no normalizer.
///
/// What stands between two cuts mostly is one word with its space, and recurs: the components, which keep an account
/// of every character, see each such piece once.
pub(super) fn count(text: &str, normalizer: &Value, pre_tokenizer: &Value) -> Result<BTreeMap<String, u64>, TextError> {
    let refused = |error: String| TextError::Engine(error);
    let normalizer =
        Option::<NormalizerWrapper>::deserialize(normalizer).map_err(|error| refused(error.to_string()))?;
    let pre_tokenizer = PreTokenizerWrapper::deserialize(pre_tokenizer).map_err(|error| refused(error.to_string()))?;
    let mut repeats: HashMap<&str, u64> = HashMap::new();
    for piece in pieces(text, Cut::WhiteSpace, 0) {
        *repeats.entry(piece).or_default() += 1;
    }
    let mut counts = BTreeMap::new();
    for (piece, times) in repeats {
        let mut words = PreTokenizedString::from(piece);
        if let Some(normalizer) = &normalizer {
            words
                .normalize(|part| tokenizers::Normalizer::normalize(normalizer, part))
                .map_err(|error| refused(error.to_string()))?;
        }
        pre_tokenizer.pre_tokenize(&mut words).map_err(|error| refused(error.to_string()))?;
        for (word, _, _) in words.get_splits(OffsetReferential::Original, OffsetType::None) {
            match counts.get_mut(word) {
                Some(count) => *count += times,
                None => {
                    counts.insert(word.to_owned(), times);
                }
            }
        }
    }
    Ok(counts)
}
