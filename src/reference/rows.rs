//! Operations that move or sum whole rows: lookups, biases, positions and their gradients.

use super::Float;

/// The first id that names no row: its position and itself.
pub(super) fn find_outside(ids: &[u32], rows: usize) -> Option<(usize, u32)> {
    ids.iter().copied().enumerate().find(|&(_, id)| id as usize >= rows)
}

/// Row `ids[i]` of the table becomes row i of `y`. The ids are within the table.
pub(super) fn embedding<F: Float>(table: &[F], ids: &[u32], y: &mut [F], columns: usize) {
    for (y, &id) in y.chunks_mut(columns).zip(ids) {
        y.copy_from_slice(&table[id as usize * columns..][..columns]);
    }
}

/// Row i of `dy` is added to row `ids[i]` of the table, which starts at zero; rows of the id `padding` are left out.
pub(super) fn embedding_grad<F: Float>(ids: &[u32], padding: Option<u32>, dy: &[F], table: &mut [F], columns: usize) {
    for (dy, &id) in dy.chunks(columns).zip(ids).filter(|&(_, &id)| Some(id) != padding) {
        accumulate(&mut table[id as usize * columns..][..columns], dy);
    }
}

/// Rows of a table in turn: `first`, …, `first + period - 1`, and again.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    /// How many rows there are.
    pub period: usize,
    /// The first of them.
    pub first: usize,
    /// Columns of the table.
    pub columns: usize,
}

/// `x` with row `first + i mod period` of the table added to row i.
pub(super) fn add_rows<F: Float>(x: &[F], table: &[F], turn: Turn, y: &mut [F]) {
    let Turn { period, first, columns } = turn;
    let table = table.chunks(columns).skip(first).take(period).cycle();
    let rows = y.chunks_mut(columns).zip(x.chunks(columns)).zip(table);
    for ((y, x), addend) in rows {
        super::elementwise::add(x, addend, y);
    }
}

/// Row i of `dy` is added to row `first + i mod period` of the table, which starts at zero.
pub(super) fn sum_rows<F: Float>(dy: &[F], turn: Turn, table: &mut [F]) {
    let Turn { period, first, columns } = turn;
    for (i, dy) in dy.chunks(columns).enumerate() {
        accumulate(&mut table[(first + i % period) * columns..][..columns], dy);
    }
}

fn accumulate<F: Float>(sum: &mut [F], addend: &[F]) {
    for (sum, &addend) in sum.iter_mut().zip(addend) {
        *sum += addend;
    }
}
