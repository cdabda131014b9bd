//! Weighted sums of elements along one dimension: a product with a sparse matrix, a few elements a row.

use super::lanes;
use super::math::Float;
use super::parallel::{Matrix, for_each_rows, rows_per_task};
use super::simd::{Isa, Kernel, dispatch};
use std::collections::TryReserveError;

/// Neighbouring columns of one weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) weight: f64,
}

/// A sparse `[outputs, inputs]` matrix by rows. One element may be named twice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taps {
    /// Columns.
    inputs: usize,
    /// Where the runs of row i end; those of row 0 begin at 0.
    ends: Vec<usize>,
    runs: Vec<Run>,
}

impl Taps {
    /// A matrix of no rows yet with room for `outputs` of `runs` each, or an error where there is no memory for them.
    pub(crate) fn with_room(inputs: usize, outputs: usize, runs: usize) -> Result<Self, TryReserveError> {
        let mut taps = Self { inputs, ends: Vec::new(), runs: Vec::new() };
        taps.ends.try_reserve_exact(outputs)?;
        taps.runs.try_reserve_exact(outputs.saturating_mul(runs))?;
        Ok(taps)
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Run>) {
        self.runs.extend(row);
        self.ends.push(self.runs.len());
    }

    /// Rows.
    pub(crate) fn outputs(&self) -> usize {
        self.ends.len()
    }

    fn row(&self, row: usize) -> &[Run] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.runs[start..self.ends[row]]
    }

    /// Columns named in an average row, at least 1.
    fn density(&self) -> usize {
        self.runs.iter().map(|run| run.len).sum::<usize>().div_ceil(self.outputs().max(1)).max(1)
    }

    /// The same matrix with rows and columns exchanged.
    pub(crate) fn transposed(&self) -> Self {
        let mut columns: Vec<Vec<Run>> = vec![Vec::new(); self.inputs];
        for row in 0..self.outputs() {
            for run in self.row(row) {
                for column in &mut columns[run.start..run.start + run.len] {
                    match column.last_mut() {
                        Some(last) if last.start + last.len == row && last.weight == run.weight => {
                            last.len += 1
                        }
                        _ => column.push(Run { start: row, len: 1, ..*run }),
                    }
                }
            }
        }
        let mut taps =
            Self { inputs: self.outputs(), ends: Vec::with_capacity(self.inputs), runs: Vec::new() };
        columns.into_iter().for_each(|column| taps.push(column));
        taps
    }
}

/// `y[o, i, :] = Σ weight · x[o, column, :]` over the entries of row i, for `x` of `[outer, inputs, inner]`.
pub(crate) fn resample<F: Float>(x: &[F], taps: &Taps, inner: usize, y: &mut [F]) {
    if y.is_empty() {
        return;
    }
    let rows = y.len() / inner;
    let cost = inner.saturating_mul(taps.density());
    for_each_rows(Matrix(y, inner), rows, rows_per_task(cost), |first, Matrix(y, _)| {
        dispatch(Resample { x, taps, inner, first, y });
    });
}

struct Resample<'a, F> {
    x: &'a [F],
    taps: &'a Taps,
    inner: usize,
    /// The first row of `y`, counted over all planes.
    first: usize,
    y: &'a mut [F],
}

impl<F: Float> Kernel for Resample<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, taps, inner, first, y } = self;
        let (outputs, plane) = (taps.outputs(), taps.inputs * inner);
        let (mut row, mut start) = (first % outputs, first / outputs * plane);
        for y in y.chunks_exact_mut(inner) {
            y.fill(F::ZERO);
            for run in taps.row(row) {
                let weight = F::from_f64(run.weight);
                let from = &x[start + run.start * inner..][..run.len * inner];
                if let [y] = y {
                    *y = lanes::sum(from, |x| x).fma::<I>(weight, *y);
                } else {
                    for from in from.chunks_exact(inner) {
                        y.iter_mut().zip(from).for_each(|(y, &x)| *y = x.fma::<I>(weight, *y));
                    }
                }
            }
            row += 1;
            if row == outputs {
                (row, start) = (0, start + plane);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, narrow, noise, same_bits_for_threads};
    use super::*;

    /// Row i has runs at i, from 0 to i, and twice at 0; every fourth row has none.
    fn taps(inputs: usize, outputs: usize) -> Taps {
        let mut taps = Taps::with_room(inputs, outputs, 4).unwrap();
        let run = |start, len, weight| Run { start, len, weight };
        for i in 0..outputs {
            let row =
                [run(i % inputs, 1, 0.5), run(0, i % inputs + 1, -1.5), run(0, 1, 2.0), run(0, 1, 0.25)];
            taps.push(row.into_iter().filter(|_| i % 4 != 3));
        }
        taps
    }

    fn naive(x: &[f64], taps: &Taps, inner: usize) -> Vec<f64> {
        let outer = x.len() / (taps.inputs * inner).max(1);
        let mut y = vec![0.0; outer * taps.outputs() * inner];
        for (i, y) in y.iter_mut().enumerate() {
            let (o, row) = (i / inner / taps.outputs(), i / inner % taps.outputs());
            for run in taps.row(row) {
                for column in run.start..run.start + run.len {
                    *y += run.weight * x[(o * taps.inputs + column) * inner + i % inner];
                }
            }
        }
        y
    }

    #[test]
    fn a_product_follows_the_definition_and_so_does_its_transpose() {
        for (outer, inputs, outputs, inner) in [(3, 5, 9, 1), (2, 9, 4, 7), (1, 1, 1, 1), (40, 30, 60, 33)] {
            let taps = taps(inputs, outputs);
            let x = noise(outer * inputs * inner, 1);
            let mut y = vec![9.0; outer * outputs * inner];
            resample(&x, &taps, inner, &mut y);
            assert_close(&y, &naive(&x, &taps, inner), 1e-12, 1e-12);
            let transposed = taps.transposed();
            assert_eq!((transposed.inputs, transposed.outputs()), (outputs, inputs));
            let mut dx = vec![9.0; x.len()];
            resample(&y, &transposed, inner, &mut dx);
            assert_close(&dx, &naive(&y, &transposed, inner), 1e-12, 1e-12);
            let (left, right): (f64, f64) =
                (y.iter().map(|y| y * y).sum(), x.iter().zip(&dx).map(|(x, dx)| x * dx).sum());
            assert_close(&[left], &[right], 1e-10, 0.0);
        }
        resample::<f32>(&[], &taps(3, 4), 0, &mut []);
        resample::<f32>(&[1.0; 3], &taps(3, 0), 1, &mut []);
        assert!(Taps::with_room(1, usize::MAX, 1).is_err());
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let taps = taps(50, 90);
        let x = narrow(&noise(20 * 50 * 30, 2));
        same_bits_for_threads(|| {
            let mut y = vec![0.0; 20 * 90 * 30];
            resample(&x, &taps, 30, &mut y);
            y
        });
    }
}
