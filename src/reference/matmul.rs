//! Matrix products. Each element is summed over ascending k, so the bits depend neither on the other rows nor on how
//! many positions the inner loop takes at once.

use super::Float;

/// Extents and layout of one product: C `[m,n]` = op(A) · op(B) with inner extent k.
#[derive(Clone, Copy)]
pub(super) struct MatMul {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub ta: bool,
    pub tb: bool,
}

/// Computes the product into zeros. A row of C gathers rows of op(B), scaled: that loop is contiguous, so it vectorizes.
/// `scratch` holds Bᵀ where B is read transposed.
pub(super) fn matmul<F: Float>(p: MatMul, a: &[F], b: &[F], c: &mut [F], scratch: &mut Vec<F>) {
    let MatMul { m, n, k, ta, tb } = p;
    let b = if tb {
        transpose(b, n, k, scratch);
        scratch.as_slice()
    } else {
        b
    };
    let mut row = vec![F::ZERO; k];
    for (i, c) in c.chunks_mut(n).enumerate() {
        if ta {
            for (x, column) in row.iter_mut().zip(a.chunks(m)) {
                *x = column[i];
            }
        } else {
            row.copy_from_slice(&a[i * k..][..k]);
        }
        gather(&row, b, c);
    }
}

/// `c += Σ a[p] · b[p]` over the rows of b.
fn gather<F: Float>(a: &[F], b: &[F], c: &mut [F]) {
    let n = c.len();
    let (fours, rest) = a.as_chunks::<4>();
    let (b_fours, b_rest) = b.split_at(fours.len() * 4 * n);
    for (&[a0, a1, a2, a3], b) in fours.iter().zip(b_fours.chunks(4 * n)) {
        let ((b0, b1), (b2, b3)) = {
            let (low, high) = b.split_at(2 * n);
            (low.split_at(n), high.split_at(n))
        };
        for ((((c, &b0), &b1), &b2), &b3) in c.iter_mut().zip(b0).zip(b1).zip(b2).zip(b3) {
            // The same sum as one position after the other, with a fourth of the loads and stores of c.
            *c = *c + a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3;
        }
    }
    for (&a, b) in rest.iter().zip(b_rest.chunks(n)) {
        for (c, &b) in c.iter_mut().zip(b) {
            *c += a * b;
        }
    }
}

/// `[rows, columns]` to `[columns, rows]`, in blocks that stay in the cache.
fn transpose<F: Float>(x: &[F], rows: usize, columns: usize, y: &mut Vec<F>) {
    const BLOCK: usize = 16;
    y.clear();
    y.resize(rows * columns, F::ZERO);
    for (block, x) in x.chunks(BLOCK * columns).enumerate() {
        for first in (0..columns).step_by(BLOCK) {
            for column in first..columns.min(first + BLOCK) {
                let y = &mut y[column * rows + block * BLOCK..];
                for (y, x) in y.iter_mut().zip(x.chunks(columns)) {
                    *y = x[column];
                }
            }
        }
    }
}
