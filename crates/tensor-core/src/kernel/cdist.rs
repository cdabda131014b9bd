//! Distances of every row of one matrix to every row of another, in any p-norm, and their gradient.

use super::lanes;
use super::math::Float;
use super::parallel::{Matrix, for_each_rows, rows_per_task};
use super::simd::{Isa, Kernel, dispatch};

/// Which norm: the common ones have loops of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Norm {
    Zero,
    One,
    Two,
    Infinity,
    P(f64),
}

impl Norm {
    pub fn new(p: f64) -> Norm {
        match p {
            0.0 => Norm::Zero,
            1.0 => Norm::One,
            2.0 => Norm::Two,
            f64::INFINITY => Norm::Infinity,
            _ => Norm::P(p),
        }
    }
}

/// `out[b, i, j] = ‖x[b, i, ..] − y[b, j, ..]‖` for x of shape `[batch, rows, cols]` and y of `[batch, others, cols]`.
pub(crate) fn cdist<F: Float>(
    (x, y): (&[F], &[F]),
    [rows, others, cols]: [usize; 3],
    norm: Norm,
    out: &mut [F],
) {
    let lines = out.len().checked_div(others).unwrap_or(0);
    for_each_rows(Matrix(out, others), lines, rows_per_task(others * cols), |first, out| {
        for (r, out) in (first..).zip(out.0.chunks_exact_mut(others)) {
            let x = &x[r * cols..(r + 1) * cols];
            let y = &y[r / rows * others * cols..][..others * cols];
            dispatch(Line { x, y, norm, out });
        }
    });
}

/// The distances of one row.
struct Line<'a, F> {
    x: &'a [F],
    y: &'a [F],
    norm: Norm,
    out: &'a mut [F],
}

impl<F: Float> Kernel for Line<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Line { x, y, norm, out } = self;
        let cols = x.len();
        for (j, d) in out.iter_mut().enumerate() {
            let y = &y[j * cols..(j + 1) * cols];
            *d = match norm {
                Norm::Zero => lanes::sum2(x, y, |a, b| if a == b { F::ZERO } else { F::ONE }),
                Norm::One => lanes::sum2(x, y, |a, b| size(a - b)),
                Norm::Two => lanes::sum2(x, y, |a, b| (a - b) * (a - b)).sqrt(),
                Norm::Infinity => x.iter().zip(y).fold(F::ZERO, |m, (&a, &b)| size(a - b).max_nan(m)),
                Norm::P(p) => {
                    let sum =
                        x.iter().zip(y).fold(F::ZERO, |s, (&a, &b)| s + size(a - b).pow(F::from_f64(p)));
                    sum.pow(F::from_f64(1.0 / p))
                }
            };
        }
    }
}

/// |x|.
#[inline(always)]
fn size<F: Float>(x: F) -> F {
    if x < F::ZERO { -x } else { x }
}

/// The gradient of x: `dx[b, i] = Σⱼ g[b, i, j] · ∂d[b, i, j] / ∂x[b, i]`, with the distances d. A distance of 0 passes
/// none, and with the largest difference all that are as large get it whole, as in PyTorch.
pub(crate) fn cdist_backward<F: Float>(
    (g, d): (&[F], &[F]),
    (x, y): (&[F], &[F]),
    [rows, others, cols]: [usize; 3],
    norm: Norm,
    dx: &mut [F],
) {
    let lines = dx.len().checked_div(cols).unwrap_or(0);
    for_each_rows(Matrix(dx, cols), lines, rows_per_task(others * cols), |first, dx| {
        for (r, dx) in (first..).zip(dx.0.chunks_exact_mut(cols)) {
            let x = &x[r * cols..(r + 1) * cols];
            let y = &y[r / rows * others * cols..][..others * cols];
            let line = r * others..(r + 1) * others;
            dispatch(LineGradient { g: &g[line.clone()], d: &d[line], x, y, norm, dx });
        }
    });
}

struct LineGradient<'a, F> {
    g: &'a [F],
    d: &'a [F],
    x: &'a [F],
    y: &'a [F],
    norm: Norm,
    dx: &'a mut [F],
}

impl<F: Float> Kernel for LineGradient<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let LineGradient { g, d, x, y, norm, dx } = self;
        dx.fill(F::ZERO);
        let pairs = g.iter().zip(d).zip(y.chunks_exact(x.len()));
        for ((&g, &d), y) in pairs.filter(|((_, d), _)| **d != F::ZERO) {
            match norm {
                Norm::Zero => {}
                Norm::One => add(x, y, dx, |a| if a == F::ZERO { a } else { signed(g, a) }),
                Norm::Two => add(x, y, dx, |a| a * (g / d)),
                Norm::Infinity => {
                    add(x, y, dx, |a| if size(a) == d { signed(g, a) } else { F::ZERO });
                }
                Norm::P(p) => {
                    let (power, scale) = (F::from_f64(p - 1.0), g / d.pow(F::from_f64(p - 1.0)));
                    add(x, y, dx, |a| match a == F::ZERO {
                        true => F::ZERO,
                        false => signed(size(a).pow(power) * scale, a),
                    });
                }
            }
        }
    }
}

/// `dx += f(x − y)`, element by element.
#[inline(always)]
fn add<F: Float>(x: &[F], y: &[F], dx: &mut [F], f: impl Fn(F) -> F) {
    for ((dx, &x), &y) in dx.iter_mut().zip(x).zip(y) {
        *dx += f(x - y);
    }
}

/// `value` if `a` is positive, else its negative.
#[inline(always)]
fn signed<F: Float>(value: F, a: F) -> F {
    if a < F::ZERO { -value } else { value }
}
