//! LU with partial pivoting: `P A = L U`.

use super::solve_triangular;

/// The factors of an `[n, n]` matrix.
pub(crate) struct Lu {
    n: usize,
    /// L below the diagonal, whose own diagonal is 1, and U from the diagonal on.
    factors: Vec<f64>,
    /// The row that was swapped with row k at step k.
    pivots: Vec<usize>,
}

impl Lu {
    /// Factors `a`, whose place the factors take.
    pub(crate) fn new(mut a: Vec<f64>, n: usize) -> Self {
        let mut pivots = Vec::with_capacity(n);
        for k in 0..n {
            let size = |row: usize| a[row * n + k].abs();
            // The first of the largest; a NaN is taken at once and spreads.
            let pivot = (k + 1..n).fold(k, |best, row| if size(row) <= size(best) { best } else { row });
            pivots.push(pivot);
            swap_rows(&mut a, n, k, pivot);
            let (top, below) = a.split_at_mut((k + 1) * n);
            let row = &top[k * n..];
            if row[k] == 0.0 {
                continue;
            }
            for other in below.chunks_exact_mut(n) {
                other[k] /= row[k];
                let factor = other[k];
                if factor != 0.0 {
                    other[k + 1..].iter_mut().zip(&row[k + 1..]).for_each(|(x, y)| *x -= factor * y);
                }
            }
        }
        Self { n, factors: a, pivots }
    }

    /// The first k whose pivot is 0: the matrix is singular.
    pub(crate) fn zero_pivot(&self) -> Option<usize> {
        self.diagonal().position(|u| u == 0.0)
    }

    /// The sign of the determinant (0 for a singular matrix) and the logarithm of its size.
    pub(crate) fn slogdet(&self) -> (f64, f64) {
        let swaps = self.pivots.iter().enumerate().filter(|(k, pivot)| k != *pivot).count();
        let start = if swaps % 2 == 0 { 1.0 } else { -1.0 };
        self.diagonal().fold((start, 0.0), |(sign, log), u| {
            let sign = if u == 0.0 { 0.0 } else { sign * u.signum() };
            (sign, log + u.abs().ln())
        })
    }

    /// The determinant, by the product of the pivots.
    pub(crate) fn det(&self) -> f64 {
        let swaps = self.pivots.iter().enumerate().filter(|(k, pivot)| k != *pivot).count();
        self.diagonal().fold(if swaps % 2 == 0 { 1.0 } else { -1.0 }, |det, u| det * u)
    }

    /// Solves `A X = B`; `b`, of `columns` columns, becomes X.
    pub(crate) fn solve(&self, b: &mut [f64], columns: usize) {
        let n = self.n;
        for (k, &pivot) in self.pivots.iter().enumerate() {
            swap_rows(b, columns, k, pivot);
        }
        // L has ones on its diagonal, so dividing by U's there must be undone: it is solved apart.
        for row in 1..n {
            for other in 0..row {
                super::subtract_row(b, columns, row, other, self.factors[row * n + other]);
            }
        }
        solve_triangular(&self.factors, n, true, b, columns);
    }

    fn diagonal(&self) -> impl Iterator<Item = f64> {
        self.factors.iter().copied().step_by(self.n + 1)
    }
}

fn swap_rows(a: &mut [f64], columns: usize, i: usize, j: usize) {
    if i != j {
        let (low, high) = a.split_at_mut(i.max(j) * columns);
        low[i.min(j) * columns..][..columns].swap_with_slice(&mut high[..columns]);
    }
}
