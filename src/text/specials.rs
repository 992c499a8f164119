//! What the tokens are for that stand for no text, under the names that the model families give them.

/// Ids of the tokens that stand for something other than text. The families name them differently: what starts a text
/// is BERT's `[CLS]`, BART's `<s>`; what ends it BERT's `[SEP]`, T5's and BART's `</s>`, GPT-2's `<|endoftext|>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specials {
    /// Fills rows up.
    pub pad: Option<u32>,
    /// Stands for what the vocabulary lacks.
    pub unk: Option<u32>,
    /// Starts a text.
    pub start: Option<u32>,
    /// Ends a text, and separates the two of a pair.
    pub end: Option<u32>,
    /// Hides a token.
    pub mask: Option<u32>,
    /// T5's `<extra_id_0>`, `<extra_id_1>`, …, in this order.
    pub sentinels: Vec<u32>,
}

impl Specials {
    /// Looks the names up. `id` is to know special tokens only: `<s>` may also be a word of a text about web pages.
    pub(super) fn named(id: impl Fn(&str) -> Option<u32>) -> Self {
        let any = |names: &[&str]| names.iter().find_map(|name| id(name));
        Self {
            pad: any(&["<pad>", "[PAD]"]),
            unk: any(&["<unk>", "[UNK]"]),
            start: any(&["<bos>", "<s>", "[CLS]"]),
            end: any(&["<eos>", "<|endoftext|>", "</s>", "[SEP]"]),
            mask: any(&["<mask>", "[MASK]"]),
            sentinels: (0_u32..).map_while(|n| id(&sentinel(n))).collect(),
        }
    }
}

/// T5's name for the `n`-th span that is left out.
pub(super) fn sentinel(n: u32) -> String {
    format!("<extra_id_{n}>")
}
