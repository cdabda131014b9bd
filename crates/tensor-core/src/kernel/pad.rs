//! A block copied into the middle of a larger one.

use super::parallel::{Matrix, for_each_rows, rows_per_task};
use super::walk::Walk;
use crate::{Element, Shape};

/// Where the elements of row-major `x`, a block of `sizes` for each plane, go in the planes of `out`.
pub(crate) struct Frame<'a> {
    pub(crate) sizes: &'a [usize],
    /// Sizes of a plane of the result, at least `sizes` and `before` together.
    pub(crate) framed: &'a [usize],
    /// Elements before the block in each dimension.
    pub(crate) before: &'a [usize],
}

/// Writes each plane of `x` into one of `out`, and `value` around it.
pub(crate) fn pad<T: Element>(x: &[T], frame: &Frame, value: T, out: &mut [T]) {
    let (inner, outer): (usize, usize) = (frame.sizes.iter().product(), frame.framed.iter().product());
    if out.is_empty() {
        return;
    }
    let (from, to) =
        (Shape::new(frame.sizes).contiguous_strides(), Shape::new(frame.framed).contiguous_strides());
    let first: usize = frame.before.iter().zip(&to).map(|(before, step)| before * step).sum();
    let walk = Walk::new(frame.sizes, [&from, &to]);
    let [x_step, y_step] = walk.inner_strides();
    let planes = out.len() / outer;
    for_each_rows(Matrix(out, outer), planes, rows_per_task(outer), |plane, Matrix(out, _)| {
        out.fill(value);
        for (i, out) in out.chunks_exact_mut(outer).enumerate() {
            let x = &x[(plane + i) * inner..][..inner];
            for (_, length, [from, to]) in walk.rows(0, inner) {
                if x_step == 1 && y_step == 1 {
                    out[first + to..][..length].copy_from_slice(&x[from..][..length]);
                } else {
                    (0..length).for_each(|i| out[first + to + i * y_step] = x[from + i * x_step]);
                }
            }
        }
    });
}
