//! Reductions of a row in a fixed number of lanes, so that they become vector code and keep one order of addition.

use super::math::Float;

/// Accumulators of a reduction: one 512-bit register of f32.
pub(crate) const LANES: usize = 16;

/// Elements that are summed in one set of lanes: 64 to a lane, so that the rounding error of a long sum stays small.
const PART: usize = 64 * LANES;

/// One block of lanes.
pub(crate) type Block<F> = [F; LANES];

/// The larger of two; a NaN in `a` is passed over.
#[inline(always)]
pub(crate) fn larger<F: Float>(a: F, b: F) -> F {
    if a > b { a } else { b }
}

/// Combines the lanes pairwise: 8 pairs, 4, 2, 1.
#[inline(always)]
pub(crate) fn combine<F: Copy>(mut lanes: Block<F>, op: impl Fn(F, F) -> F) -> F {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = op(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// Sum of the lanes, pairwise.
#[inline(always)]
pub(crate) fn total<F: Float>(lanes: Block<F>) -> F {
    combine(lanes, |a, b| a + b)
}

/// Largest element, NaN passed over; negative infinity when there is none.
#[inline(always)]
pub(crate) fn max<F: Float>(x: &[F]) -> F {
    let (blocks, tail) = x.as_chunks::<LANES>();
    if blocks.is_empty() {
        return tail.iter().fold(F::NEG_INFINITY, |max, &value| larger(value, max));
    }
    let mut lanes = [F::NEG_INFINITY; LANES];
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane = larger(value, *lane);
        }
    }
    // A copy: it is the one that the tail indexes by a variable, so that the lanes of the loop above stay in a vector
    // register. Measured: three times the speed.
    let mut all = lanes;
    for (lane, &value) in all.iter_mut().zip(tail) {
        *lane = larger(value, *lane);
    }
    combine(all, larger)
}

/// Sum over `i` of `f(x[i])`.
#[inline(always)]
pub(crate) fn sum<F: Float>(x: &[F], f: impl Fn(F) -> F) -> F {
    if x.len() < LANES {
        return x.iter().fold(F::ZERO, |sum, &value| sum + f(value));
    }
    x.chunks(PART).fold(F::ZERO, |sum, part| sum + sum_part(part, &f))
}

#[inline(always)]
fn sum_part<F: Float>(x: &[F], f: impl Fn(F) -> F) -> F {
    let (blocks, tail) = x.as_chunks::<LANES>();
    let mut lanes = [F::ZERO; LANES];
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane += f(value);
        }
    }
    // A copy, as in `max`.
    let mut all = lanes;
    for (lane, &value) in all.iter_mut().zip(tail) {
        *lane += f(value);
    }
    total(all)
}

/// Sum over `i` of `f(x[i], y[i])`; the slices have one length.
#[inline(always)]
pub(crate) fn sum2<F: Float>(x: &[F], y: &[F], f: impl Fn(F, F) -> F) -> F {
    if x.len() < LANES {
        return x.iter().zip(y).fold(F::ZERO, |sum, (&x, &y)| sum + f(x, y));
    }
    x.chunks(PART).zip(y.chunks(PART)).fold(F::ZERO, |sum, (x, y)| sum + sum2_part(x, y, &f))
}

#[inline(always)]
fn sum2_part<F: Float>(x: &[F], y: &[F], f: impl Fn(F, F) -> F) -> F {
    let ((x_blocks, x_tail), (y_blocks, y_tail)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut lanes = [F::ZERO; LANES];
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for (lane, (&x, &y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += f(x, y);
        }
    }
    // A copy, as in `max`.
    let mut all = lanes;
    for (lane, (&x, &y)) in all.iter_mut().zip(x_tail.iter().zip(y_tail)) {
        *lane += f(x, y);
    }
    total(all)
}

/// `y[i] = f(x[i])`. A plain loop: the compiler's loop vectorizer does better on it than on blocks.
#[inline(always)]
pub(crate) fn map<F: Float>(x: &[F], y: &mut [F], f: impl Fn(F) -> F) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

/// `z[i] = f(x[i], y[i])`.
#[inline(always)]
pub(crate) fn map2<F: Float>(x: &[F], y: &[F], z: &mut [F], f: impl Fn(F, F) -> F) {
    for ((z, &x), &y) in z.iter_mut().zip(x).zip(y) {
        *z = f(x, y);
    }
}

/// Sum over `i` of `f(x[i])` for an `f` that is long: its values go through a buffer, so that the loop over `f` and
/// the loop that adds are two plain loops, which the compiler vectorizes where it would not the mixed one.
#[inline(always)]
pub(crate) fn sum_of<F: Float>(x: &[F], f: impl Fn(F) -> F) -> F {
    let mut buffer = [F::ZERO; 16 * LANES];
    let mut sum = F::ZERO;
    for part in x.chunks(buffer.len()) {
        let values = &mut buffer[..part.len()];
        map(part, values, &f);
        sum += self::sum(values, |value| value);
    }
    sum
}

/// `x[i] += y[i]`.
#[inline(always)]
pub(crate) fn add<F: Float>(x: &mut [F], y: &[F]) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x += y;
    }
}
