//! Reductions of a row in a fixed number of lanes, so that they become vector code and keep one order of addition.
//!
//! Loops, not `fold` and `for_each`: those are functions of the standard library, which the compiler may keep apart from
//! the loop's instruction set.

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
pub(crate) fn combine<F: Copy>(lanes: Block<F>, op: impl Fn(F, F) -> F) -> F {
    // The compiler is not to look from here back into the loop that filled the lanes: seeing the pairs, it would keep them
    // in vectors of two there. Measured: layer norm takes two thirds of the time.
    let mut lanes = std::hint::black_box(lanes);
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
        let mut max = F::NEG_INFINITY;
        for &value in tail {
            max = larger(value, max);
        }
        return max;
    }
    let mut lanes = [F::NEG_INFINITY; LANES];
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane = larger(value, *lane);
        }
    }
    // Apart from the lanes, which nothing may index by a variable: so they stay in a vector register. Measured: three
    // times the speed.
    let mut rest = F::NEG_INFINITY;
    for &value in tail {
        rest = larger(value, rest);
    }
    larger(rest, combine(lanes, larger))
}

/// Sum over `i` of `f(x[i])`.
#[inline(always)]
pub(crate) fn sum<F: Float>(x: &[F], f: impl Fn(F) -> F) -> F {
    let mut sum = F::ZERO;
    if x.len() < LANES {
        for &x in x {
            sum += f(x);
        }
        return sum;
    }
    for part in x.chunks(PART) {
        sum += sum_part(part, &f);
    }
    sum
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
    // Apart from the lanes, as in `max`.
    let mut rest = [F::ZERO; LANES];
    for (rest, &value) in rest.iter_mut().zip(tail) {
        *rest = f(value);
    }
    for (lane, rest) in lanes.iter_mut().zip(rest) {
        *lane += rest;
    }
    total(lanes)
}

/// Sum over `i` of `f(x[i], y[i])`; the slices have one length.
#[inline(always)]
pub(crate) fn sum2<F: Float>(x: &[F], y: &[F], f: impl Fn(F, F) -> F) -> F {
    let mut sum = F::ZERO;
    if x.len() < LANES {
        for (&x, &y) in x.iter().zip(y) {
            sum += f(x, y);
        }
        return sum;
    }
    for (x, y) in x.chunks(PART).zip(y.chunks(PART)) {
        sum += sum2_part(x, y, &f);
    }
    sum
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
    // Apart from the lanes, as in `max`.
    let mut rest = [F::ZERO; LANES];
    for (rest, (&x, &y)) in rest.iter_mut().zip(x_tail.iter().zip(y_tail)) {
        *rest = f(x, y);
    }
    for (lane, rest) in lanes.iter_mut().zip(rest) {
        *lane += rest;
    }
    total(lanes)
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
