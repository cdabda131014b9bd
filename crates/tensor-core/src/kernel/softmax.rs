//! Softmax and log-softmax over one dimension, and their gradients.
//!
//! The data is `outer × dim × inner`, contiguous; the reduced dimension is the middle one. With `inner == 1` a row is
//! contiguous and is reduced in lanes; otherwise `inner` neighbours are reduced side by side.
//!
//! `softmax(x)_i = exp(x_i - max) / sum_j exp(x_j - max)`, `log_softmax(x)_i = (x_i - max) - log(sum_j exp(x_j - max))`.
//! A row that holds NaN or positive infinity, or nothing but negative infinity, is NaN in every place or in the places
//! where PyTorch has NaN: the formulas above decide.

use super::lanes;
use super::math::Float;
use super::parallel::{for_each_chunk, rows_per_task};
use super::simd::{Isa, Kernel, dispatch};

/// Columns of a plane that are reduced side by side: four 512-bit registers of f32.
const COLUMNS: usize = 64;

/// Extents of the data around the reduced dimension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Length of the reduced dimension.
    pub(crate) dim: usize,
    /// Elements after it: the distance between neighbours in the reduced dimension.
    pub(crate) inner: usize,
}

impl Extent {
    /// Elements of one index of the outer dimensions.
    fn plane(self) -> usize {
        self.dim * self.inner
    }
}

/// `y = softmax(x)` over the middle dimension.
pub(crate) fn softmax<F: Float>(x: &[F], y: &mut [F], extent: Extent) {
    for_each_plane(y, extent, |start, y| {
        dispatch(Forward::<F, false> { x: &x[start..start + y.len()], y, extent });
    });
}

/// `y = log_softmax(x)` over the middle dimension.
pub(crate) fn log_softmax<F: Float>(x: &[F], y: &mut [F], extent: Extent) {
    for_each_plane(y, extent, |start, y| {
        dispatch(Forward::<F, true> { x: &x[start..start + y.len()], y, extent });
    });
}

/// `dx = y * (g - sum(g * y))`, with `y` the output of [`softmax`].
pub(crate) fn softmax_backward<F: Float>(g: &[F], y: &[F], dx: &mut [F], extent: Extent) {
    for_each_plane(dx, extent, |start, dx| {
        let range = start..start + dx.len();
        dispatch(Backward::<F, false> { g: &g[range.clone()], y: &y[range], dx, extent });
    });
}

/// `dx = g - exp(y) * sum(g)`, with `y` the output of [`log_softmax`].
pub(crate) fn log_softmax_backward<F: Float>(g: &[F], y: &[F], dx: &mut [F], extent: Extent) {
    for_each_plane(dx, extent, |start, dx| {
        let range = start..start + dx.len();
        dispatch(Backward::<F, true> { g: &g[range.clone()], y: &y[range], dx, extent });
    });
}

/// Calls `body(start, planes)` for runs of whole planes.
fn for_each_plane<F: Float>(out: &mut [F], extent: Extent, body: impl Fn(usize, &mut [F]) + Sync) {
    let plane = extent.plane();
    for_each_chunk(out, rows_per_task(plane) * plane, body);
}

struct Forward<'a, F, const LOG: bool> {
    x: &'a [F],
    y: &'a mut [F],
    extent: Extent,
}

impl<F: Float, const LOG: bool> Kernel for Forward<'_, F, LOG> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Extent { dim, inner } = self.extent;
        if inner == 1 {
            for (x, y) in self.x.chunks_exact(dim).zip(self.y.chunks_exact_mut(dim)) {
                forward_row::<F, I, LOG>(x, y);
            }
            return;
        }
        let plane = dim * inner;
        for (x, y) in self.x.chunks_exact(plane).zip(self.y.chunks_exact_mut(plane)) {
            for first in (0..inner).step_by(COLUMNS) {
                let columns = Columns { inner, first, count: COLUMNS.min(inner - first) };
                forward_columns::<F, I, LOG>(x, y, columns);
            }
        }
    }
}

#[inline(always)]
fn forward_row<F: Float, I: Isa, const LOG: bool>(x: &[F], y: &mut [F]) {
    let max = lanes::max(x);
    lanes::map(x, y, |x| (x - max).exp::<I>());
    let sum = lanes::sum(y, |y| y);
    if LOG {
        let log_sum = sum.log::<I>();
        lanes::map(x, y, |x| (x - max) - log_sum);
    } else {
        let scale = F::ONE / sum;
        for y in y {
            *y = *y * scale;
        }
    }
}

/// Up to [`COLUMNS`] neighbouring columns of a plane of rows of `inner` elements.
#[derive(Clone, Copy)]
struct Columns {
    inner: usize,
    first: usize,
    count: usize,
}

impl Columns {
    /// The columns in each row of `plane`.
    #[inline(always)]
    fn of<F>(self, plane: &[F]) -> impl Iterator<Item = &[F]> {
        plane.chunks_exact(self.inner).map(move |row| &row[self.first..self.first + self.count])
    }

    /// The columns in each row of `plane`.
    #[inline(always)]
    fn of_mut<F>(self, plane: &mut [F]) -> impl Iterator<Item = &mut [F]> {
        plane.chunks_exact_mut(self.inner).map(move |row| &mut row[self.first..self.first + self.count])
    }
}

#[inline(always)]
fn forward_columns<F: Float, I: Isa, const LOG: bool>(x: &[F], y: &mut [F], columns: Columns) {
    let mut max = [F::NEG_INFINITY; COLUMNS];
    for x in columns.of(x) {
        for (max, &x) in max.iter_mut().zip(x) {
            *max = lanes::larger(x, *max);
        }
    }
    let mut sum = [F::ZERO; COLUMNS];
    for (x, y) in columns.of(x).zip(columns.of_mut(y)) {
        for (((sum, &max), &x), y) in sum.iter_mut().zip(&max).zip(x).zip(y) {
            let e = (x - max).exp::<I>();
            *y = if LOG { x - max } else { e };
            *sum += e;
        }
    }
    let factor = sum.map(|sum| if LOG { sum.log::<I>() } else { F::ONE / sum });
    for y in columns.of_mut(y) {
        for (y, &factor) in y.iter_mut().zip(&factor) {
            *y = if LOG { *y - factor } else { *y * factor };
        }
    }
}

struct Backward<'a, F, const LOG: bool> {
    g: &'a [F],
    y: &'a [F],
    dx: &'a mut [F],
    extent: Extent,
}

impl<F: Float, const LOG: bool> Kernel for Backward<'_, F, LOG> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Extent { dim, inner } = self.extent;
        let plane = dim * inner;
        let planes = self.g.chunks_exact(plane).zip(self.y.chunks_exact(plane));
        for ((g, y), dx) in planes.zip(self.dx.chunks_exact_mut(plane)) {
            if inner == 1 {
                backward_row::<F, I, LOG>(g, y, dx);
                continue;
            }
            for first in (0..inner).step_by(COLUMNS) {
                let columns = Columns { inner, first, count: COLUMNS.min(inner - first) };
                backward_columns::<F, I, LOG>(g, y, dx, columns);
            }
        }
    }
}

#[inline(always)]
fn backward_row<F: Float, I: Isa, const LOG: bool>(g: &[F], y: &[F], dx: &mut [F]) {
    let sum = if LOG { lanes::sum(g, |g| g) } else { lanes::sum2(g, y, |g, y| g * y) };
    lanes::map2(g, y, dx, |g, y| input_gradient::<F, I, LOG>(g, y, sum));
}

#[inline(always)]
fn backward_columns<F: Float, I: Isa, const LOG: bool>(g: &[F], y: &[F], dx: &mut [F], columns: Columns) {
    let mut sum = [F::ZERO; COLUMNS];
    for (g, y) in columns.of(g).zip(columns.of(y)) {
        for ((sum, &g), &y) in sum.iter_mut().zip(g).zip(y) {
            *sum += if LOG { g } else { g * y };
        }
    }
    for ((g, y), dx) in columns.of(g).zip(columns.of(y)).zip(columns.of_mut(dx)) {
        for (((dx, &sum), &g), &y) in dx.iter_mut().zip(&sum).zip(g).zip(y) {
            *dx = input_gradient::<F, I, LOG>(g, y, sum);
        }
    }
}

#[inline(always)]
fn input_gradient<F: Float, I: Isa, const LOG: bool>(g: F, y: F, sum: F) -> F {
    if LOG { (-y.exp::<I>()).fma::<I>(sum, g) } else { y * (g - sum) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, bits, narrow, noise, same_bits_for_threads};
    use super::*;

    /// Softmax and log-softmax of every column, written from the definition.
    fn naive(x: &[f64], Extent { dim, inner }: Extent) -> (Vec<f64>, Vec<f64>) {
        let (mut soft, mut log) = (x.to_vec(), x.to_vec());
        for plane in (0..x.len()).step_by((dim * inner).max(1)) {
            for column in 0..inner {
                let index = |i: usize| plane + i * inner + column;
                let max = (0..dim).map(|i| x[index(i)]).fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = (0..dim).map(|i| (x[index(i)] - max).exp()).sum();
                for i in 0..dim {
                    soft[index(i)] = (x[index(i)] - max).exp() / sum;
                    log[index(i)] = x[index(i)] - max - sum.ln();
                }
            }
        }
        (soft, log)
    }

    const SHAPES: [(usize, usize, usize); 12] = [
        (0, 3, 1),
        (2, 0, 1),
        (1, 1, 1),
        (3, 10, 1),
        (5, 16, 1),
        (2, 17, 1),
        (300, 101, 1),
        (1, 40_000, 1),
        (2, 3, 5),
        (3, 7, 16),
        (1, 5, 33),
        (40, 9, 100),
    ];

    #[test]
    fn forward_follows_the_definition() {
        for (outer, dim, inner) in SHAPES {
            let extent = Extent { dim, inner };
            let x: Vec<f64> = noise(outer * dim * inner, 1).iter().map(|x| x * 20.0).collect();
            let x32 = narrow(&x);
            let x: Vec<f64> = x32.iter().map(|&x| f64::from(x)).collect();
            let (soft, log) = naive(&x, extent);
            let mut y = vec![0.0; x.len()];
            softmax(&x, &mut y, extent);
            assert_close(&y, &soft, 1e-13, 1e-14);
            log_softmax(&x, &mut y, extent);
            assert_close(&y, &log, 1e-13, 1e-13);
            let mut y = vec![0.0f32; x.len()];
            softmax(&x32, &mut y, extent);
            assert_close(&y, &soft, 2e-6, 1e-7);
            log_softmax(&x32, &mut y, extent);
            assert_close(&y, &log, 1e-6, 1e-6);
        }
    }

    #[test]
    fn backward_follows_the_definition() {
        for (outer, dim, inner) in SHAPES {
            let extent = Extent { dim, inner };
            let (x, g) = (noise(outer * dim * inner, 1), noise(outer * dim * inner, 2));
            let (soft, log) = naive(&x, extent);
            let (mut expected_soft, mut expected_log) = (g.clone(), g.clone());
            for i in 0..x.len() {
                let first = i / (dim * inner) * dim * inner + i % inner;
                let column = (0..dim).map(|k| first + k * inner);
                expected_soft[i] = soft[i] * (g[i] - column.clone().map(|k| g[k] * soft[k]).sum::<f64>());
                expected_log[i] = g[i] - log[i].exp() * column.map(|k| g[k]).sum::<f64>();
            }
            let mut dx = vec![0.0; x.len()];
            softmax_backward(&g, &soft, &mut dx, extent);
            assert_close(&dx, &expected_soft, 1e-12, 1e-13);
            log_softmax_backward(&g, &log, &mut dx, extent);
            assert_close(&dx, &expected_log, 1e-11, 1e-12);
            let (g, soft, log) = (narrow(&g), narrow(&soft), narrow(&log));
            let mut dx = vec![0.0f32; x.len()];
            softmax_backward(&g, &soft, &mut dx, extent);
            assert_close(&dx, &expected_soft, 1e-4, 1e-6);
            log_softmax_backward(&g, &log, &mut dx, extent);
            assert_close(&dx, &expected_log, 1e-4, 1e-5);
        }
    }

    /// The places of NaN were read off PyTorch 2.15.
    #[test]
    fn rows_with_infinity_and_nan() {
        const INF: f32 = f32::INFINITY;
        const NAN: f32 = f32::NAN;
        let cases = [
            ([-INF, -INF], [NAN, NAN], [NAN, NAN]),
            ([0.0, INF], [NAN, NAN], [NAN, NAN]),
            ([0.0, NAN], [NAN, NAN], [NAN, NAN]),
            ([NAN, 0.0], [NAN, NAN], [NAN, NAN]),
            ([-INF, 3.0], [0.0, 1.0], [-INF, 0.0]),
        ];
        for (x, soft, log) in cases {
            let mut y = [0.0; 2];
            softmax(&x, &mut y, Extent { dim: 2, inner: 1 });
            assert_eq!(bits(&y), bits(&soft), "softmax {x:?}");
            log_softmax(&x, &mut y, Extent { dim: 2, inner: 1 });
            assert_eq!(bits(&y), bits(&log), "log_softmax {x:?}");
            // The same as two columns of a plane.
            let (x, soft) = ([x[0], x[0], x[1], x[1]], [soft[0], soft[0], soft[1], soft[1]]);
            let mut y = [0.0; 4];
            softmax(&x, &mut y, Extent { dim: 2, inner: 2 });
            assert_eq!(bits(&y), bits(&soft), "softmax {x:?}");
        }
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let x = narrow(&noise(300 * 1001, 3));
        for extent in [Extent { dim: 1001, inner: 1 }, Extent { dim: 7, inner: 143 }] {
            same_bits_for_threads(|| {
                let mut y = vec![0.0; x.len()];
                softmax(&x, &mut y, extent);
                let mut dx = vec![0.0; x.len()];
                softmax_backward(&x, &y, &mut dx, extent);
                [y, dx].concat()
            });
        }
    }
}
