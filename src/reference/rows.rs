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

/// Row i of `dy` is added to row `ids[i]` of the table, which starts at zero.
pub(super) fn embedding_grad<F: Float>(ids: &[u32], dy: &[F], table: &mut [F], columns: usize) {
    for (dy, &id) in dy.chunks(columns).zip(ids) {
        accumulate(&mut table[id as usize * columns..][..columns], dy);
    }
}

/// `x` with row `i mod period` of the table added to row i.
pub(super) fn add_rows<F: Float>(x: &[F], table: &[F], period: usize, y: &mut [F], columns: usize) {
    let rows = y.chunks_mut(columns).zip(x.chunks(columns)).zip(table.chunks(columns).take(period).cycle());
    for ((y, x), addend) in rows {
        super::elementwise::add(x, addend, y);
    }
}

/// Row i of `dy` is added to row `i mod period` of the table, which starts at zero.
pub(super) fn sum_rows<F: Float>(dy: &[F], period: usize, table: &mut [F], columns: usize) {
    for (i, dy) in dy.chunks(columns).enumerate() {
        accumulate(&mut table[i % period * columns..][..columns], dy);
    }
}

fn accumulate<F: Float>(sum: &mut [F], addend: &[F]) {
    for (sum, &addend) in sum.iter_mut().zip(addend) {
        *sum += addend;
    }
}
