//! Layer norm and RMS norm over rows, and their gradients.
//!
//! `y = (x - mean) * rstd * weight + bias` with `rstd = 1 / sqrt(var + eps)` and the biased variance, taken in two
//! passes over the row. RMS norm is the same with the mean left out: `rstd = 1 / sqrt(mean(x²) + eps)`, no bias.

use super::lanes;
use super::math::Float;
use super::parallel::{Matrix, for_each_rows, map_rows, rows_per_task};
use super::simd::{Isa, Kernel, dispatch};

/// What is taken out of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Norm {
    /// Mean and standard deviation.
    Layer,
    /// Root of the mean square alone.
    Rms,
}

/// The scale and the shift of the columns, each absent or as long as a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine<'a, F> {
    /// Factor of each column.
    pub(crate) weight: Option<&'a [F]>,
    /// Summand of each column.
    pub(crate) bias: Option<&'a [F]>,
}

/// What a row keeps for the gradient: `mean` (0 for RMS norm) and `rstd`.
pub(crate) const KEPT: usize = 2;

/// Writes `y`, the normed rows of `x`, and the [`KEPT`] numbers of each row; `kept` gives the number of rows.
pub(crate) fn norm<F: Float>(
    norm: Norm,
    x: &[F],
    cols: usize,
    affine: Affine<F>,
    eps: f64,
    y: &mut [F],
    kept: &mut [F],
) {
    let rows = kept.len() / KEPT;
    let out = (Matrix(y, cols), Matrix(kept, KEPT));
    for_each_rows(out, rows, rows_per_task(cols), |first, (y, kept)| {
        let x = &x[first * cols..first * cols + y.0.len()];
        dispatch(Forward { norm, x, cols, affine, eps, y: y.0, kept: kept.0 });
    });
}

/// Gradients of the scale and the shift.
#[derive(Clone, Debug)]
pub(crate) struct AffineGradient<F> {
    /// Sum over the rows of `g * (x - mean) * rstd`.
    pub(crate) weight: Vec<F>,
    /// Sum over the rows of `g`.
    pub(crate) bias: Vec<F>,
}

/// Writes `dx` and returns the gradients of weight and bias. With `h = g * weight` and `n = (x - mean) * rstd`,
/// `dx = rstd * (h - mean(h) - n * mean(h * n))`, without `mean(h)` for RMS norm.
pub(crate) fn norm_backward<F: Float>(
    norm: Norm,
    g: &[F],
    x: &[F],
    cols: usize,
    weight: Option<&[F]>,
    kept: &[F],
    dx: &mut [F],
) -> AffineGradient<F> {
    let rows = kept.len() / KEPT;
    let size = rows_per_block(rows, cols);
    let zeros = || AffineGradient { weight: vec![F::ZERO; cols], bias: vec![F::ZERO; cols] };
    let add = |mut left: AffineGradient<F>, right: AffineGradient<F>| {
        lanes::add(&mut left.weight, &right.weight);
        lanes::add(&mut left.bias, &right.bias);
        left
    };
    let body = |first: usize, Matrix(dx, _): Matrix<F>| {
        let mut sums = zeros();
        for (i, dx) in dx.chunks_mut((RUN * cols).max(1)).enumerate() {
            let first = first + i * RUN;
            let range = first * cols..first * cols + dx.len();
            let kept = &kept[first * KEPT..][..range.len() / cols * KEPT];
            let mut run = zeros();
            let (g, x) = (&g[range.clone()], &x[range]);
            dispatch(Backward { norm, g, x, cols, weight, kept, dx, sums: &mut run });
            sums = add(sums, run);
        }
        sums
    };
    map_rows(Matrix(dx, cols), rows, size, body, add).unwrap_or_else(zeros)
}

/// Rows whose contributions are added up before they join the others: a short sum rounds less.
const RUN: usize = 16;

/// Most blocks of rows: bounds the room for their sums over rows.
const MAX_BLOCKS: usize = 64;

/// Rows of a task.
fn rows_per_block(rows: usize, cols: usize) -> usize {
    rows_per_task(cols).max(rows.div_ceil(MAX_BLOCKS))
}

struct Forward<'a, F> {
    norm: Norm,
    x: &'a [F],
    cols: usize,
    affine: Affine<'a, F>,
    eps: f64,
    y: &'a mut [F],
    kept: &'a mut [F],
}

impl<F: Float> Kernel for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let count = F::from_f64(self.cols as f64);
        let eps = F::from_f64(self.eps);
        for (row, kept) in self.kept.as_chunks_mut::<KEPT>().0.iter_mut().enumerate() {
            let range = row * self.cols..(row + 1) * self.cols;
            let (x, y) = (&self.x[range.clone()], &mut self.y[range]);
            let mean = match self.norm {
                Norm::Layer => lanes::sum(x, |x| x) / count,
                Norm::Rms => F::ZERO,
            };
            let squares = lanes::sum(x, |x| (x - mean) * (x - mean));
            let rstd = F::ONE / (squares / count + eps).sqrt();
            *kept = [mean, rstd];
            match (self.affine.weight, self.affine.bias) {
                (None, None) => lanes::map(x, y, |x| (x - mean) * rstd),
                (Some(weight), None) => lanes::map2(x, weight, y, |x, w| (x - mean) * rstd * w),
                (None, Some(bias)) => lanes::map2(x, bias, y, |x, b| (x - mean) * rstd + b),
                (Some(weight), Some(bias)) => {
                    for (((y, &x), &w), &b) in y.iter_mut().zip(x).zip(weight).zip(bias) {
                        *y = ((x - mean) * rstd).fma::<I>(w, b);
                    }
                }
            }
        }
    }
}

struct Backward<'a, F> {
    norm: Norm,
    g: &'a [F],
    x: &'a [F],
    cols: usize,
    weight: Option<&'a [F]>,
    kept: &'a [F],
    dx: &'a mut [F],
    sums: &'a mut AffineGradient<F>,
}

impl<F: Float> Kernel for Backward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let count = F::from_f64(self.cols as f64);
        for (row, &[mean, rstd]) in self.kept.as_chunks::<KEPT>().0.iter().enumerate() {
            let range = row * self.cols..(row + 1) * self.cols;
            let (g, x, dx) = (&self.g[range.clone()], &self.x[range.clone()], &mut self.dx[range]);
            // `dx` holds `h = g * weight` first.
            match self.weight {
                Some(weight) => lanes::map2(g, weight, dx, |g, w| g * w),
                None => dx.copy_from_slice(g),
            }
            let dot = lanes::sum2(dx, x, |h, x| h * (x - mean));
            let shift = match self.norm {
                Norm::Layer => lanes::sum(dx, |h| h) / count,
                Norm::Rms => F::ZERO,
            };
            let slope = rstd * rstd * dot / count;
            let sums = self.sums.weight.iter_mut().zip(self.sums.bias.iter_mut());
            for (((dx, &x), &g), (weight, bias)) in dx.iter_mut().zip(x).zip(g).zip(sums) {
                let d = x - mean;
                *dx = rstd * ((*dx - shift) - d * slope);
                *weight += g * (d * rstd);
                *bias += g;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, bits, narrow, noise, same_bits_for_threads};
    use super::*;

    const SHAPES: [(usize, usize); 9] =
        [(0, 5), (3, 0), (1, 1), (4, 7), (5, 16), (3, 33), (700, 65), (2, 20_000), (1300, 10)];

    /// Normed row, mean and rstd, from the definition.
    fn naive_row(kind: Norm, x: &[f64], eps: f64) -> (Vec<f64>, f64, f64) {
        let count = x.len() as f64;
        let mean = if kind == Norm::Layer { x.iter().sum::<f64>() / count } else { 0.0 };
        let rstd = 1.0 / (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count + eps).sqrt();
        (x.iter().map(|x| (x - mean) * rstd).collect(), mean, rstd)
    }

    fn rounded(x: &[f64]) -> Vec<f64> {
        x.iter().map(|&x| f64::from(x as f32)).collect()
    }

    #[test]
    fn forward_follows_the_definition() {
        for ((rows, cols), kind) in SHAPES.into_iter().flat_map(|s| [(s, Norm::Layer), (s, Norm::Rms)]) {
            // A mean far from 0, where a one-pass variance would fail.
            let x = rounded(&noise(rows * cols, 1).iter().map(|x| x + 30.0).collect::<Vec<_>>());
            let (weight, bias) = (rounded(&noise(cols, 2)), rounded(&noise(cols, 3)));
            for (weight, bias) in
                [(None, None), (Some(&weight), None), (None, Some(&bias)), (Some(&weight), Some(&bias))]
            {
                let mut want = Vec::new();
                let mut want_kept = Vec::new();
                for row in 0..rows {
                    let (n, mean, rstd) = naive_row(kind, &x[row * cols..(row + 1) * cols], 1e-5);
                    want_kept.extend([mean, rstd]);
                    want.extend(
                        n.iter()
                            .enumerate()
                            .map(|(i, n)| n * weight.map_or(1.0, |w| w[i]) + bias.map_or(0.0, |b| b[i])),
                    );
                }
                let (mut y, mut kept) = (vec![9.0; x.len()], vec![9.0; rows * KEPT]);
                let affine = Affine { weight: weight.map(|w| &w[..]), bias: bias.map(|b| &b[..]) };
                norm(kind, &x, cols, affine, 1e-5, &mut y, &mut kept);
                assert_close(&y, &want, 1e-11, 1e-11);
                assert_close(&kept, &want_kept, 1e-11, 1e-11);
                let (mut y, mut kept) = (vec![9.0f32; x.len()], vec![9.0; rows * KEPT]);
                let (weight, bias) = (weight.map(|w| narrow(w)), bias.map(|b| narrow(b)));
                let affine = Affine { weight: weight.as_deref(), bias: bias.as_deref() };
                norm(kind, &narrow(&x), cols, affine, 1e-5, &mut y, &mut kept);
                // The mean, near 30, is a rounded f32: 2e-6 for each rounding of the sum.
                assert_close(&y, &want, 1e-5, 5e-5);
            }
        }
    }

    #[test]
    fn backward_follows_the_definition() {
        for ((rows, cols), kind) in SHAPES.into_iter().flat_map(|s| [(s, Norm::Layer), (s, Norm::Rms)]) {
            let (x, g) = (rounded(&noise(rows * cols, 1)), rounded(&noise(rows * cols, 4)));
            let weight = rounded(&noise(cols, 2));
            for weight in [None, Some(&weight)] {
                let (mut kept, mut want, mut want_weight, mut want_bias) =
                    (Vec::new(), Vec::new(), vec![0.0; cols], vec![0.0; cols]);
                for row in 0..rows {
                    let g = &g[row * cols..(row + 1) * cols];
                    let (n, mean, rstd) = naive_row(kind, &x[row * cols..(row + 1) * cols], 1e-5);
                    kept.extend([mean, rstd]);
                    let h: Vec<f64> = (0..cols).map(|i| g[i] * weight.map_or(1.0, |w| w[i])).collect();
                    let shift = if kind == Norm::Layer { h.iter().sum::<f64>() / cols as f64 } else { 0.0 };
                    let slope = h.iter().zip(&n).map(|(h, n)| h * n).sum::<f64>() / cols as f64;
                    for i in 0..cols {
                        want.push(rstd * (h[i] - shift - n[i] * slope));
                        want_weight[i] += g[i] * n[i];
                        want_bias[i] += g[i];
                    }
                }
                let mut dx = vec![9.0; x.len()];
                let sums = norm_backward(kind, &g, &x, cols, weight.map(|w| &w[..]), &kept, &mut dx);
                assert_close(&dx, &want, 1e-10, 1e-11);
                assert_close(&sums.weight, &want_weight, 1e-10, 1e-11);
                assert_close(&sums.bias, &want_bias, 1e-10, 1e-11);
                let mut dx = vec![9.0f32; x.len()];
                let weight = weight.map(|w| narrow(w));
                let (g, x, kept) = (narrow(&g), narrow(&x), narrow(&kept));
                let sums = norm_backward(kind, &g, &x, cols, weight.as_deref(), &kept, &mut dx);
                assert_close(&dx, &want, 1e-4, 2e-5);
                assert_close(&sums.weight, &want_weight, 1e-4, 2e-5);
                assert_close(&sums.bias, &want_bias, 1e-4, 2e-5);
            }
        }
    }

    #[test]
    fn a_row_with_nan_or_infinity_is_nan_and_its_neighbours_are_not() {
        let x = [1.0, f32::NAN, 1.0, 3.0, f32::INFINITY, 0.0];
        let (mut y, mut kept) = ([0.0; 6], [0.0; 6]);
        norm(Norm::Layer, &x, 2, Affine { weight: None, bias: None }, 0.0, &mut y, &mut kept);
        let nan = f32::NAN;
        assert_eq!(bits(&y), bits(&[nan, nan, -1.0, 1.0, nan, nan]));
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let (rows, cols) = (5000, 67);
        let (x, g, weight) =
            (narrow(&noise(rows * cols, 5)), narrow(&noise(rows * cols, 6)), narrow(&noise(cols, 7)));
        same_bits_for_threads(|| {
            let (mut y, mut kept, mut dx) = (vec![0.0; x.len()], vec![0.0; rows * KEPT], vec![0.0; x.len()]);
            let affine = Affine { weight: Some(&weight[..]), bias: None };
            norm(Norm::Layer, &x, cols, affine, 1e-5, &mut y, &mut kept);
            let sums = norm_backward(Norm::Layer, &g, &x, cols, Some(&weight), &kept, &mut dx);
            [y, kept, dx, sums.weight, sums.bias].concat()
        });
    }
}
