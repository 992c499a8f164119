//! Matrix products in register tiles. Whatever the tile, each element is summed over ascending k, so that tiles change
//! the speed and not the bits.

use super::Float;

/// Columns of a tile. With four rows, 32 f32 sums fill half the vector registers that every x86-64 has.
const COLUMNS: usize = 8;

/// Extents and layout of one product: C `[m,n]` = op(A) · op(B) with inner extent k.
#[derive(Clone, Copy)]
pub(super) struct MatMul {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub ta: bool,
    pub tb: bool,
}

/// Computes the product; `panel` is scratch.
pub(super) fn matmul<F: Float>(p: MatMul, a: &[F], b: &[F], c: &mut [F], panel: &mut Vec<F>) {
    let MatMul { m, n, k, ta, .. } = p;
    panel.clear();
    panel.resize(k * COLUMNS, F::ZERO);
    // Element (i, p) of op(A) stands at i · row + p · step.
    let (row, step) = if ta { (1, m) } else { (k, 1) };
    for first in (0..n).step_by(COLUMNS) {
        let columns = COLUMNS.min(n - first);
        pack(p, b, first, columns, panel);
        let mut i = 0;
        while i < m {
            let a = &a[i * row..];
            let c = &mut c[i * n + first..];
            i += if m - i >= 4 {
                tile::<F, 4>(a, row, step, panel, c, n, columns);
                4
            } else {
                tile::<F, 1>(a, row, step, panel, c, n, columns);
                1
            };
        }
    }
}

/// Columns `first..first + columns` of op(B) as k rows of [`COLUMNS`]. Left over from the panel before, the columns beyond
/// are computed and not stored.
fn pack<F: Float>(p: MatMul, b: &[F], first: usize, columns: usize, panel: &mut [F]) {
    let MatMul { n, k, tb, .. } = p;
    if tb {
        for (j, column) in b[first * k..].chunks(k).take(columns).enumerate() {
            for (row, &x) in panel.chunks_mut(COLUMNS).zip(column) {
                row[j] = x;
            }
        }
    } else {
        for (row, b) in panel.chunks_mut(COLUMNS).zip(b.chunks(n)) {
            row[..columns].copy_from_slice(&b[first..first + columns]);
        }
    }
}

/// R rows of one panel's columns.
fn tile<F: Float, const R: usize>(
    a: &[F],
    row: usize,
    step: usize,
    panel: &[F],
    c: &mut [F],
    n: usize,
    columns: usize,
) {
    let mut sums = [[F::ZERO; COLUMNS]; R];
    for (p, b) in panel.chunks_exact(COLUMNS).enumerate() {
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = a[i * row + p * step];
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum += a * b;
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        c[i * n..][..columns].copy_from_slice(&sums[..columns]);
    }
}
