//! The one random number generator: counter-based, stateless, the same bits on every device.
//!
//! [`pcg4d`] hashes four 32-bit counters into four 32-bit words (Jarzynski & Olano, *Hash Functions for GPU
//! Rendering*, JCGT 9(3), 2020). Whoever needs randomness names *what* it is for instead of advancing a state, so a
//! batch, a mask or an initial weight can be recomputed anywhere, in any order. Its WGSL twin is
//! `shaders/lib/rng.wgsl`; a test holds the two together.
//!
//! | use | x | y | z | w |
//! |---|---|---|---|---|
//! | dropout | element / 4 | site | step | seed |
//! | data, world | draw / 4 | document, or step | stream + 256 · example | seed |
//! | initial values | element / 4 | FNV-1a of the parameter's name | [`Stream::Init`] | seed |

/// What a draw is for. Streams with different numbers are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// The synthetic world's vocabulary.
    Lexicon = 1,
    /// The synthetic world's facts.
    KnowledgeBase = 2,
    /// Which template, how many clauses.
    DocStructure = 3,
    /// Which words fill a document's slots.
    DocLexical = 4,
    /// Training objectives that corrupt their input.
    Noise = 5,
    /// Initial parameter values.
    Init = 6,
    /// Offsets of training windows in a text.
    Windows = 7,
    /// Offsets of validation windows in a text.
    Validation = 8,
    /// Examples of the algorithmic tasks.
    Task = 9,
    /// Sampling of generated tokens.
    Sampling = 10,
    /// What corrupts the inputs of validation batches.
    ValidationNoise = 11,
}

/// Hashes four counters into four words. Check: `[0; 4]` gives 251852841, 760645481, 850445371, 3542436074.
#[must_use]
pub const fn pcg4d(v: [u32; 4]) -> [u32; 4] {
    const fn mix(v: [u32; 4]) -> [u32; 4] {
        let [mut x, mut y, mut z, mut w] = v;
        x = x.wrapping_add(y.wrapping_mul(w));
        y = y.wrapping_add(z.wrapping_mul(x));
        z = z.wrapping_add(x.wrapping_mul(y));
        w = w.wrapping_add(y.wrapping_mul(z));
        [x, y, z, w]
    }
    const fn step(v: u32) -> u32 {
        v.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
    }
    let [x, y, z, w] = mix([step(v[0]), step(v[1]), step(v[2]), step(v[3])]);
    mix([x ^ (x >> 16), y ^ (y >> 16), z ^ (z >> 16), w ^ (w >> 16)])
}

/// Word `n` of the sequence that (`item`, `stream`, `seed`) names.
#[must_use]
pub const fn draw(n: u32, item: u32, stream: Stream, seed: u32) -> u32 {
    word(n, item, stream as u32, seed)
}

const fn word(n: u32, item: u32, stream: u32, seed: u32) -> u32 {
    pcg4d([n / 4, item, stream, seed])[(n % 4) as usize]
}

/// A cursor over one sequence of [`draw`]s.
#[derive(Clone, Debug)]
pub struct Draws {
    next: u32,
    item: u32,
    stream: u32,
    seed: u32,
}

impl Draws {
    /// The sequence of (`item`, `stream`, `seed`), from its first word.
    #[must_use]
    pub const fn new(item: u32, stream: Stream, seed: u32) -> Self {
        Self::of_example(item, 0, stream, seed)
    }

    /// The sequence of one example of a step. Examples below 2²⁴ have sequences of their own; example 0 has that of
    /// [`Self::new`].
    #[must_use]
    pub const fn of_example(step: u32, example: u32, stream: Stream, seed: u32) -> Self {
        Self { next: 0, item: step, stream: stream as u32 | example << 8, seed }
    }

    /// The next word.
    pub const fn word(&mut self) -> u32 {
        let word = word(self.next, self.item, self.stream, self.seed);
        self.next = self.next.wrapping_add(1);
        word
    }

    /// A number in `0..n` (0 if `n` is 0). Multiply-shift: the bias is below n / 2³².
    pub const fn below(&mut self, n: u32) -> u32 {
        ((self.word() as u64 * n as u64) >> 32) as u32
    }

    /// True with probability `numerator` / `denominator`.
    pub const fn chance(&mut self, numerator: u32, denominator: u32) -> bool {
        self.below(denominator) < numerator
    }
}

/// Maps a word to `[0, 1)` with 24 bits, exact in f32.
#[must_use]
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 / 16_777_216.0
}

/// The random word of one element of a tensor under dropout.
///
/// `index` is the row-major index in the tensor whose last dimension is rounded up to a multiple of four, so that
/// the mask depends neither on tile sizes nor on padding.
#[must_use]
pub const fn dropout_word(index: u32, site: u32, step: u32, seed: u32) -> u32 {
    pcg4d([index / 4, site, step, seed])[(index % 4) as usize]
}

/// 32-bit FNV-1a of a name. Check: `"shared.weight"` gives 3685263478.
#[must_use]
pub const fn fnv1a32(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mut hash = 0x811C_9DC5_u32;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

/// Four standard normal values from the four words of one [`pcg4d`] call (Box–Muller, in f64 through `libm`).
#[must_use]
pub fn normals(words: [u32; 4]) -> [f64; 4] {
    let pair = |a: u32, b: u32| {
        // (a + 1) / 2³² lies in (0, 1], so the logarithm is finite.
        let radius = libm::sqrt(-2.0 * libm::log((f64::from(a) + 1.0) / 4_294_967_296.0));
        let angle = core::f64::consts::TAU * f64::from(b) / 4_294_967_296.0;
        (radius * libm::cos(angle), radius * libm::sin(angle))
    };
    let (a, b) = pair(words[0], words[1]);
    let (c, d) = pair(words[2], words[3]);
    [a, b, c, d]
}
