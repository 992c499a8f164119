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
