//! Reductions of a row in a fixed number of lanes, so that they become vector code and keep one order of addition.

use super::math::Float;

/// Accumulators of a reduction: one 512-bit register of f32.
pub(crate) const LANES: usize = 16;

/// Accumulators of a long sum: four registers, so that one addition need not wait for the one before.
const WIDE: usize = 4 * LANES;

/// One block of lanes.
pub(crate) type Block<F> = [F; LANES];

/// The larger of two; a NaN in `a` is passed over.
#[inline(always)]
pub(crate) fn larger<F: Float>(a: F, b: F) -> F {
    if a > b { a } else { b }
}

/// Copies a tail shorter than a block and fills up with `pad`.
#[inline(always)]
pub(crate) fn padded<F: Copy>(tail: &[F], pad: F) -> Block<F> {
    let mut block = [pad; LANES];
    block[..tail.len()].copy_from_slice(tail);
    block
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
    let mut lanes = padded(tail, F::NEG_INFINITY);
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane = larger(value, *lane);
        }
    }
    combine(lanes, larger)
}

/// Sum over `i` of `f(x[i])`.
#[inline(always)]
pub(crate) fn sum<F: Float>(x: &[F], f: impl Fn(F) -> F) -> F {
    let (wide, rest) = x.as_chunks::<WIDE>();
    let mut sums = [F::ZERO; WIDE];
    for block in wide {
        for (sum, &value) in sums.iter_mut().zip(block) {
            *sum += f(value);
        }
    }
    let mut lanes = fold(&sums);
    let (blocks, tail) = rest.as_chunks::<LANES>();
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane += f(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(tail) {
        *lane += f(value);
    }
    total(lanes)
}

/// Sum over `i` of `f(x[i], y[i])`; the slices have one length.
#[inline(always)]
pub(crate) fn sum2<F: Float>(x: &[F], y: &[F], f: impl Fn(F, F) -> F) -> F {
    let (x_wide, x_rest) = x.as_chunks::<WIDE>();
    let (y_wide, y_rest) = y.as_chunks::<WIDE>();
    let mut sums = [F::ZERO; WIDE];
    for (x, y) in x_wide.iter().zip(y_wide) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += f(a, b);
        }
    }
    let mut lanes = fold(&sums);
    let (x_blocks, x_tail) = x_rest.as_chunks::<LANES>();
    let (y_blocks, y_tail) = y_rest.as_chunks::<LANES>();
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += f(a, b);
        }
    }
    for (lane, (&a, &b)) in lanes.iter_mut().zip(x_tail.iter().zip(y_tail)) {
        *lane += f(a, b);
    }
    total(lanes)
}

/// Adds the registers of a wide block.
#[inline(always)]
fn fold<F: Float>(wide: &[F; WIDE]) -> Block<F> {
    let mut lanes = [F::ZERO; LANES];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = (wide[i] + wide[LANES + i]) + (wide[2 * LANES + i] + wide[3 * LANES + i]);
    }
    lanes
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
