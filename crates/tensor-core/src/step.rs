//! What optimizers are built from: one pass over a parameter, its gradient and its state, in place, in vectors, on all
//! threads, with the same bits for any number of threads and any instruction set.

use crate::kernel::step as kernel;
use crate::{Element, Error, ErrorKind, Result};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A floating-point element with the arithmetic of an update rule: f32 or f64.
///
/// Every operation rounds as IEEE 754 says and none is fused, so a rule gives the same bits on every processor.
pub trait Real:
    Element
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The distance from 1 to the next number: `torch.finfo(dtype).eps`.
    const EPSILON: Self;

    /// The nearest values of `numbers`: how a rule rounds what does not depend on the element.
    #[inline(always)]
    fn array<const N: usize>(numbers: [f64; N]) -> [Self; N] {
        numbers.map(<Self as Element>::from_f64)
    }

    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// -1, 0 or 1; 0 for NaN, as `torch.sign`.
    fn sign(self) -> Self;
    /// The larger number; NaN if either is NaN, as `torch.maximum`.
    fn max(self, other: Self) -> Self;
    /// The smaller number; NaN if either is NaN, as `torch.minimum`.
    fn min(self, other: Self) -> Self;
    /// The way from `self` to `end`, `weight` of it, as `torch.lerp` computes it.
    #[inline(always)]
    fn lerp(self, end: Self, weight: Self) -> Self {
        // The form that is exact at the nearer end.
        if weight.to_f64() < 0.5 {
            self + weight * (end - self)
        } else {
            end - (end - self) * (Self::ONE - weight)
        }
    }
}

macro_rules! real {
    ($($t:ident),*) => {$(
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;

            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn sign(self) -> Self {
                ((self > 0.0) as u8 as $t) - ((self < 0.0) as u8 as $t)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if self > other || self != self { self } else { other }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if self < other || self != self { self } else { other }
            }
        }
    )*};
}
real!(f32, f64);

/// Replaces each element of `param` and of each slice of `state` by what `body(param, grad, state)` makes of the
/// elements at its place: a whole update rule in one pass over memory, with no temporary. Long slices are cut in
/// pieces for all threads.
///
/// # Errors
/// If a slice has another length than `param`.
///
/// ```
/// let (mut p, g, mut m) = ([1.0f32, 2.0], [1.0, -1.0], [0.0, 2.0]);
/// tensor_core::step::update(&mut p, &g, [&mut m], |p, g, [m]| {
///     let m = 0.5 * m + g;
///     (p - 0.1 * m, [m])
/// })?;
/// assert_eq!((p, m), ([0.9, 2.0], [1.0, 0.0]));
/// # Ok::<(), tensor_core::Error>(())
/// ```
#[track_caller]
pub fn update<F: Real, const N: usize>(
    param: &mut [F],
    grad: &[F],
    state: [&mut [F]; N],
    body: impl Fn(F, F, [F; N]) -> (F, [F; N]) + Sync,
) -> Result<()> {
    same_length("update", param.len(), std::iter::once(grad.len()).chain(state.iter().map(|s| s.len())))?;
    kernel::update(param, grad, state, body);
    Ok(())
}

/// Replaces each element of `x` by `body(x)`, in place.
///
/// ```
/// let mut x = [1.0f32, 2.0];
/// tensor_core::step::map(&mut x, |x| 0.5 * x);
/// assert_eq!(x, [0.5, 1.0]);
/// ```
pub fn map<F: Real>(x: &mut [F], body: impl Fn(F) -> F + Sync) {
    kernel::map(x, body);
}

/// The sum of `term` over the elements of slices, taken together, in f64, added in an order that depends on the length
/// alone.
///
/// # Errors
/// If the slices differ in length.
///
/// ```
/// let (x, y) = ([1.0f32, 2.0], [3.0, 4.0]);
/// assert_eq!(tensor_core::step::sum([&x, &y], |[x, y]| f64::from(x * y))?, 11.0);
/// # Ok::<(), tensor_core::Error>(())
/// ```
#[track_caller]
pub fn sum<F: Real, const N: usize>(x: [&[F]; N], term: impl Fn([F; N]) -> f64 + Sync) -> Result<f64> {
    let count = x.first().map_or(0, |x| x.len());
    same_length("sum", count, x.iter().map(|x| x.len()))?;
    Ok(kernel::sum(x, term))
}

#[track_caller]
fn same_length(op: &'static str, count: usize, others: impl Iterator<Item = usize>) -> Result<()> {
    let mut others = others;
    if let Some(other) = others.find(|&other| other != count) {
        let value = format!("{other} elements beside one of {count}");
        let expected = "as many elements as the first has";
        return Err(Error::new(op, ErrorKind::Argument { argument: "slice", value, expected }));
    }
    Ok(())
}

/// Calls `body` on each item, on all threads where the sizes together (in elements) are worth it: the loop over all
/// parameters of a model.
pub fn for_each<T: Send>(items: &mut [T], size: impl Fn(&T) -> usize + Sync, body: impl Fn(&mut T) + Sync) {
    kernel::for_each(items, &size, &body);
}
