//! Factorizations of one row-major matrix of f64, and what is solved with them.
//!
//! Everything is computed in f64 whatever the tensor's dtype: a factorization loses digits at each step, and f32 has
//! few to lose.

mod cholesky;
mod lu;
mod qr;
mod svd;

pub(crate) use cholesky::cholesky;
pub(crate) use lu::Lu;
pub(crate) use qr::qr;
pub(crate) use svd::{Svd, svd};

/// Solves `T X = B` for a triangular `[n, n]` matrix, of which the other triangle is not read; `b`, of `columns`
/// columns, becomes X. A zero on the diagonal gives infinities, as in LAPACK's trtrs without its check.
pub(crate) fn solve_triangular(t: &[f64], n: usize, upper: bool, b: &mut [f64], columns: usize) {
    for step in 0..n {
        let row = if upper { n - 1 - step } else { step };
        let known = if upper { row + 1..n } else { 0..row };
        for other in known {
            subtract_row(b, columns, row, other, t[row * n + other]);
        }
        let pivot = t[row * n + row];
        b[row * columns..][..columns].iter_mut().for_each(|x| *x /= pivot);
    }
}

/// `b[row] -= factor · b[other]`.
fn subtract_row(b: &mut [f64], columns: usize, row: usize, other: usize, factor: f64) {
    if factor == 0.0 {
        return;
    }
    let (low, high) = b.split_at_mut(row.max(other) * columns);
    let (low, high) = (&mut low[row.min(other) * columns..][..columns], &mut high[..columns]);
    let (target, source) = if row > other { (high, low) } else { (low, high) };
    for (x, y) in target.iter_mut().zip(source) {
        *x -= factor * *y;
    }
}

/// The sum of products, in index order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
