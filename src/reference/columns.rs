//! Operations that move columns: ranges of them, and rotations of pairs.

use super::Float;

/// Copies a range of columns: as many as the narrower of two rows has, from column `from` of each row of `x` to column
/// `to` of the same row of `y`.
pub(super) fn copy<F: Float>(x: &[F], [from, x_columns]: [usize; 2], y: &mut [F], [to, y_columns]: [usize; 2]) {
    let count = x_columns.min(y_columns);
    for (x, y) in x.chunks(x_columns).zip(y.chunks_mut(y_columns)) {
        y[to..to + count].copy_from_slice(&x[from..from + count]);
    }
}

/// Turns the first `heads` heads of each row by the angles of the row: `head_dim/2` cosines, then as many sines. Column i
/// of a head goes with column `i + head_dim/2`. Fewer rows of angles than of `x` are used again and again.
pub(super) fn rotate<F: Float>(
    heads: usize,
    inverse: bool,
    columns: usize,
    x: &[F],
    (angles, head_dim): (&[F], usize),
    y: &mut [F],
) {
    let half = head_dim / 2;
    let rows = x.chunks(columns).zip(y.chunks_mut(columns)).zip(angles.chunks(head_dim).cycle());
    for ((x, y), angles) in rows {
        y.copy_from_slice(x);
        let (cosines, sines) = angles.split_at(half);
        for head in 0..heads {
            for i in 0..half {
                let (at, sine) = (head * head_dim + i, if inverse { -sines[i] } else { sines[i] });
                y[at] = x[at] * cosines[i] - x[at + half] * sine;
                y[at + half] = x[at + half] * cosines[i] + x[at] * sine;
            }
        }
    }
}
