//! All ways to write the words of a text with the pieces of a vocabulary, and what they add up to.
//!
//! Probabilities are multiplied as they are, not as logarithms: words are short (`seeds::MAX_STRETCH`), and a sum of
//! products in a fixed order has the same bits everywhere.

use super::seeds::MAX_STRETCH;

/// A stretch of the letters, and how often it occurs.
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) count: f64,
}

/// A piece of the vocabulary: where it occurs for the first time, and its logarithmic probability.
pub(super) struct Piece {
    pub(super) at: usize,
    pub(super) length: usize,
    pub(super) score: f64,
}

/// A piece that starts at a letter.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) piece: u32,
    pub(super) length: u32,
}

/// The words, a vocabulary that holds every letter, and the pieces that start at each letter.
pub(super) struct Lattices {
    pub(super) letters: Vec<char>,
    pub(super) words: Vec<Word>,
    pub(super) pieces: Vec<Piece>,
    pub(super) edges: Vec<Vec<Edge>>,
}

impl Lattices {
    /// The text of a piece.
    pub(super) fn text(&self, piece: &Piece) -> &[char] {
        &self.letters[piece.at..piece.at + piece.length]
    }

    /// How often each piece is expected in the words, given the probabilities of the pieces: the E step.
    pub(super) fn expected(&self, p: &[f64]) -> Vec<f64> {
        let mut expected = vec![0.0; self.pieces.len()];
        for word in &self.words {
            let edges = &self.edges[word.start..word.end];
            // Sums over the ways to write what comes before and after a place.
            let (mut before, mut after) = ([0.0_f64; MAX_STRETCH + 1], [0.0_f64; MAX_STRETCH + 1]);
            before[0] = 1.0;
            for (i, edges) in edges.iter().enumerate() {
                for edge in edges {
                    before[i + edge.length as usize] += before[i] * p[edge.piece as usize];
                }
            }
            let all = before[edges.len()];
            if !(all > 0.0) {
                continue;
            }
            after[edges.len()] = 1.0;
            for (i, edges) in edges.iter().enumerate().rev() {
                for edge in edges {
                    let through = p[edge.piece as usize] * after[i + edge.length as usize];
                    after[i] += through;
                    expected[edge.piece as usize] += word.count * (before[i] * through / all);
                }
            }
        }
        expected
    }

    /// How often each piece occurs when every word is written in the most probable way.
    pub(super) fn used(&self, p: &[f64]) -> Vec<f64> {
        let mut used = vec![0.0; self.pieces.len()];
        for word in &self.words {
            self.best(word.start, word.end, None, p, |piece| used[piece] += word.count);
        }
        used
    }

    /// The most probable way to write piece `id` without it.
    pub(super) fn alternative(&self, id: usize, p: &[f64]) -> Vec<usize> {
        let piece = &self.pieces[id];
        let mut parts = Vec::new();
        self.best(piece.at, piece.at + piece.length, Some(id), p, |part| parts.push(part));
        parts
    }

    /// Visits the pieces of the most probable way to write a stretch, last to first. Of equally probable ways the one
    /// whose last piece starts earliest wins, then the one with the earlier piece in the vocabulary.
    fn best(&self, start: usize, end: usize, without: Option<usize>, p: &[f64], mut visit: impl FnMut(usize)) {
        let edges = &self.edges[start..end];
        let mut best = [(0.0_f64, usize::MAX, 0_usize); MAX_STRETCH + 1];
        best[0].0 = 1.0;
        for (i, edges) in edges.iter().enumerate() {
            for edge in edges {
                let (piece, to) = (edge.piece as usize, i + edge.length as usize);
                let probability = best[i].0 * p[piece];
                if end - start >= to && Some(piece) != without && probability > best[to].0 {
                    best[to] = (probability, piece, i);
                }
            }
        }
        let mut at = end - start;
        // A way exists, since every letter is a piece; should its probability be zero, nothing is visited.
        while let (_, piece @ 0..usize::MAX, from) = best[at] {
            visit(piece);
            at = from;
        }
    }

    /// Leaves only the pieces in `kept`, which has their ids in order.
    pub(super) fn retain(&mut self, kept: &[usize]) {
        let mut ids = vec![None; self.pieces.len()];
        for (new, &old) in (0_u32..).zip(kept) {
            ids[old] = Some(new);
        }
        let mut id = ids.iter();
        self.pieces.retain(|_| id.next().is_some_and(Option::is_some));
        for edges in &mut self.edges {
            edges.retain_mut(|edge| match ids[edge.piece as usize] {
                Some(new) => {
                    edge.piece = new;
                    true
                }
                None => false,
            });
        }
    }
}
