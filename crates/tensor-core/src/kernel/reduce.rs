//! Folding rows and columns: sums in blocks that depend on sizes only, extremes with their first index.

use super::math::Float;
use super::parallel::{CHUNK, for_each_chunk, map_tasks};
use super::simd::{Isa, Kernel, dispatch};
use crate::Element;

/// Partial sums that run side by side, so that additions need not wait for each other.
const LANES: usize = 32;
/// Elements summed in the element type before the sum goes on in f64: short enough that f32 keeps its accuracy.
const BLOCK: usize = 1024;
/// Elements of one task of a long sum.
const TASK: usize = 64 * BLOCK;

/// `out[r] = scale · Σ x[r, ..]` for rows of `cols` elements.
pub(crate) fn sum_rows<F: Float>(x: &[F], cols: usize, scale: f64, out: &mut [F]) {
    if cols > TASK {
        for (r, y) in out.iter_mut().enumerate() {
            let row = &x[r * cols..(r + 1) * cols];
            let parts = map_tasks(cols.div_ceil(TASK), |i| {
                dispatch(Sum { x: &row[i * TASK..cols.min((i + 1) * TASK)] })
            });
            *y = F::from_f64(parts.iter().sum::<f64>() * scale);
        }
        return;
    }
    for_each_chunk(out, (CHUNK / cols.max(1)).max(1), |start, out| {
        dispatch(SumRows { x: &x[start * cols..(start + out.len()) * cols], cols, scale, out });
    });
}

struct Sum<'a, F> {
    x: &'a [F],
}

impl<F: Float> Kernel for Sum<'_, F> {
    type Output = f64;
    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        let mut total = 0.0;
        for block in self.x.chunks(BLOCK) {
            let mut lanes = [F::ZERO; LANES];
            let groups = block.chunks_exact(LANES);
            let rest = groups.remainder();
            for group in groups {
                for (lane, &x) in lanes.iter_mut().zip(group) {
                    *lane += x;
                }
            }
            for (lane, &x) in lanes.iter_mut().zip(rest) {
                *lane += x;
            }
            let mut width = LANES / 2;
            while width > 0 {
                for i in 0..width {
                    lanes[i] += lanes[i + width];
                }
                width /= 2;
            }
            total += lanes[0].to_f64();
        }
        total
    }
}

struct SumRows<'a, F> {
    x: &'a [F],
    cols: usize,
    scale: f64,
    out: &'a mut [F],
}

impl<F: Float> Kernel for SumRows<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (r, y) in self.out.iter_mut().enumerate() {
            let x = &self.x[r * self.cols..(r + 1) * self.cols];
            *y = F::from_f64(Sum { x }.run::<I>() * self.scale);
        }
    }
}

/// Rows of one task of a column sum.
const COLUMN_ROWS: usize = 2048;
/// Rows added in the element type before the sums go on in f64.
const COLUMN_BLOCK: usize = 16;

/// `out[o, c] = scale · Σ_r x[o, r, c]` for x of shape [outer, rows, cols].
pub(crate) fn sum_columns<F: Float>(x: &[F], rows: usize, cols: usize, scale: f64, out: &mut [F]) {
    let plane = rows * cols;
    for_each_plane(out, cols, plane, |o, out| {
        let x = &x[o * plane..(o + 1) * plane];
        let parts = map_tasks(rows.div_ceil(COLUMN_ROWS), |i| {
            let x = &x[i * COLUMN_ROWS * cols..plane.min((i + 1) * COLUMN_ROWS * cols)];
            dispatch(ColumnSums { x, cols })
        });
        out.fill(F::ZERO);
        let mut parts = parts.into_iter();
        if let Some(mut total) = parts.next() {
            for part in parts {
                total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
            }
            out.iter_mut().zip(total).for_each(|(y, t)| *y = F::from_f64(t * scale));
        }
    });
}

/// Runs `body(o, plane o of out)`, planes in parallel where they are large.
fn for_each_plane<T: Send>(out: &mut [T], cols: usize, plane: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    if cols == 0 {
        return;
    }
    let planes = (CHUNK / plane.max(1)).max(1);
    for_each_chunk(out, planes * cols, |start, out| {
        for (i, out) in out.chunks_mut(cols).enumerate() {
            body(start / cols + i, out);
        }
    });
}

struct ColumnSums<'a, F> {
    x: &'a [F],
    cols: usize,
}

impl<F: Float> Kernel for ColumnSums<'_, F> {
    type Output = Vec<f64>;
    #[inline(always)]
    fn run<I: Isa>(self) -> Vec<f64> {
        let mut total = vec![0.0f64; self.cols];
        let mut sums = vec![F::ZERO; self.cols];
        for block in self.x.chunks(COLUMN_BLOCK * self.cols) {
            sums.fill(F::ZERO);
            for row in block.chunks_exact(self.cols) {
                for (s, &x) in sums.iter_mut().zip(row) {
                    *s += x;
                }
            }
            for (total, sum) in total.iter_mut().zip(&sums) {
                *total += sum.to_f64();
            }
        }
        total
    }
}

/// `out[r] = f(row r)` for rows of `cols` elements, each row on one thread.
pub(crate) fn fold_rows<T: Element, Y: Send>(
    x: &[T],
    cols: usize,
    out: &mut [Y],
    f: impl Fn(&[T]) -> Y + Sync,
) {
    for_each_chunk(out, (CHUNK / cols.max(1)).max(1), |start, out| {
        for (r, y) in out.iter_mut().enumerate() {
            *y = f(&x[(start + r) * cols..(start + r + 1) * cols]);
        }
    });
}

/// For each row of `cols` elements the element that `better` prefers to all before it, and its index. `better(a, b)`
/// says whether `a` replaces the best so far, `b`.
pub(crate) fn select_rows<T: Element>(
    x: &[T],
    cols: usize,
    values: &mut [T],
    indices: &mut [i64],
    better: impl Fn(T, T) -> bool + Sync,
) {
    let rows = (CHUNK / cols.max(1)).max(1);
    let best = |r: usize| {
        let row = &x[r * cols..(r + 1) * cols];
        let mut at = 0;
        for (i, &v) in row.iter().enumerate().skip(1) {
            if better(v, row[at]) {
                at = i;
            }
        }
        (row[at], at as i64)
    };
    for_each_chunk(values, rows, |start, values| {
        values.iter_mut().enumerate().for_each(|(i, v)| *v = best(start + i).0);
    });
    for_each_chunk(indices, rows, |start, indices| {
        indices.iter_mut().enumerate().for_each(|(i, v)| *v = best(start + i).1);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919) % 1009) as f32 / 1009.0 - 0.3).collect()
    }

    #[test]
    fn row_sums_equal_the_naive_sum() {
        for (rows, cols) in [(1, 1), (3, 31), (5, 33), (2, 1025), (1, 3 * TASK + 17), (700, 40)] {
            let x = noise(rows * cols);
            let mut out = vec![0.0f32; rows];
            sum_rows(&x, cols, 1.0, &mut out);
            for r in 0..rows {
                let naive: f64 = x[r * cols..(r + 1) * cols].iter().map(|&v| f64::from(v)).sum();
                assert!((f64::from(out[r]) - naive).abs() <= 1e-6 * naive.abs().max(1.0), "{rows} {cols}");
            }
        }
    }

    #[test]
    fn column_sums_equal_the_naive_sum() {
        for (outer, rows, cols) in [(1, 1, 1), (2, 3, 5), (1, 5000, 7), (9, 130, 64)] {
            let x = noise(outer * rows * cols);
            let mut out = vec![f32::NAN; outer * cols];
            sum_columns(&x, rows, cols, 0.5, &mut out);
            for o in 0..outer {
                for c in 0..cols {
                    let naive: f64 =
                        (0..rows).map(|r| f64::from(x[(o * rows + r) * cols + c])).sum::<f64>() * 0.5;
                    assert!((f64::from(out[o * cols + c]) - naive).abs() <= 1e-6 * naive.abs().max(1.0));
                }
            }
        }
    }

    #[test]
    fn the_first_of_equals_is_selected() {
        let (mut values, mut indices) = ([0.0; 2], [0; 2]);
        select_rows(&[1.0, 3.0, 3.0, -1.0, -1.0, -2.0], 3, &mut values, &mut indices, |a, b| a > b);
        assert_eq!((values, indices), ([3.0, -1.0], [1, 0]));
    }
}
