//! A text as tokens with their places, and how words are counted where the tokenizer has no words of its own.

/// Tokens of a text or of a pair of texts. All lists have the length of `ids`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// The ids.
    pub ids: Vec<u32>,
    /// The tokens as `tokenizer.json` spells them; for what a Unigram model does not know, the text itself.
    pub tokens: Vec<String>,
    /// The segment that a token belongs to, by the template: 0 or 1.
    pub type_ids: Vec<u32>,
    /// First character and end in the token's own text; (0, 0) for a token that the template adds.
    pub offsets: Vec<(usize, usize)>,
    /// Whether the template added the token. A special token that the text spells out is a token of the text.
    pub special: Vec<bool>,
    /// Number of the word, counted from 0 in each of the two texts; `None` for a token that the template adds.
    ///
    /// A word is what the pre-tokenizer cuts out. Tokenizers of characters and of bytes cut nothing out that is
    /// larger than a token, so there it is a run of letters and digits, or one other character.
    pub words: Vec<Option<u32>>,
}

impl Encoding {
    /// Adds a token of the text.
    pub(super) fn push(&mut self, id: u32, token: impl Into<String>, offsets: (usize, usize), word: Option<u32>) {
        self.ids.push(id);
        self.tokens.push(token.into());
        self.type_ids.push(0);
        self.offsets.push(offsets);
        self.special.push(false);
        self.words.push(word);
    }

    /// Adds a token of the template.
    pub(super) fn push_special(&mut self, id: u32, token: String, type_id: u32) {
        self.push(id, token, (0, 0), None);
        if let (Some(last_type), Some(last_special)) = (self.type_ids.last_mut(), self.special.last_mut()) {
            *last_type = type_id;
            *last_special = true;
        }
    }

    /// Adds a whole text as the segment `type_id`.
    pub(super) fn append(&mut self, text: Self, type_id: u32) {
        self.type_ids.extend(text.ids.iter().map(|_| type_id));
        self.ids.extend(text.ids);
        self.tokens.extend(text.tokens);
        self.offsets.extend(text.offsets);
        self.special.extend(text.special);
        self.words.extend(text.words);
    }
}

/// Numbers the words of a text that is read character by character.
#[derive(Default)]
pub(super) struct Words {
    started: u32,
    in_run: bool,
}

impl Words {
    /// The word of the next character.
    pub(super) fn character(&mut self, character: char) -> u32 {
        let in_run = character.is_alphanumeric();
        if !(in_run && self.in_run) {
            self.started += 1;
        }
        self.in_run = in_run;
        self.started - 1
    }

    /// The word of a special token.
    pub(super) fn special(&mut self) -> u32 {
        self.started += 1;
        self.in_run = false;
        self.started - 1
    }
}
