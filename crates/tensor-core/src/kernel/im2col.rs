//! Patches of an image as columns of a matrix: what makes a convolution a matrix product.
//!
//! The matrix of one image and group has a row for each (channel, offset in the kernel) and a column for each output
//! position. It is made in strips of whole output rows, so that its room is bounded.

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;

use super::lanes;
use super::math::Float;
use super::window::{Axes, Window};

/// Whether the patch matrix is the image itself.
pub(crate) fn is_pointwise(axes: &Axes) -> bool {
    axes.iter().all(|axis| axis.window == Window::UNIT)
}

/// Most elements of a strip, unless one output row has more: 256 KiB of f32, a quarter of a 1 MiB L2 cache.
const STRIP: usize = 64 * 1024;

/// Output rows in a strip of a patch matrix with `patch` rows.
pub(crate) fn strip_rows(axes: &Axes, patch: usize) -> usize {
    let row = (patch * axes[2].output).max(1);
    let rows = axes[0].output * axes[1].output;
    let most = (STRIP / row).clamp(1, rows.max(1));
    // Strips of even height instead of a short last one.
    rows.div_ceil(rows.div_ceil(most).max(1)).max(1)
}

/// The patches of one row of the patch matrix over some output rows of one depth.
struct Patch {
    /// Where in the strip they begin.
    columns: usize,
    /// The output rows, and the ones among them that are not in the padding.
    rows: Range<usize>,
    inside: Range<usize>,
    /// The positions in a row that are not in the padding.
    across: Range<usize>,
    /// Where the first element inside lies in the image.
    image: usize,
}

impl Patch {
    /// Whether anything lies inside.
    fn is_empty(&self) -> bool {
        self.inside.is_empty() || self.across.is_empty()
    }

    /// The part of the strip for the output row `row`.
    fn row(&self, row: usize, width: usize) -> Range<usize> {
        let start = self.columns + (row - self.rows.start) * width;
        start..start + width
    }
}

/// Calls `each` with the patches of every row of the patch matrix, for each depth that `rows` touches.
fn for_each_patch(channels: usize, axes: &Axes, rows: &Range<usize>, mut each: impl FnMut(Patch)) {
    let [deep, down, across] = axes;
    let mut columns = 0;
    let kernel = [deep, down, across].map(|axis| axis.window.kernel);
    for i in 0..channels * kernel.iter().product::<usize>() {
        let (channel, kd) =
            (i / (kernel[2] * kernel[1] * kernel[0]), i / (kernel[2] * kernel[1]) % kernel[0]);
        let (kh, kw) = (i / kernel[2] % kernel[1], i % kernel[2]);
        let positions = across.inside(kw);
        for depth in rows.start / down.output..rows.end.div_ceil(down.output) {
            let first = depth * down.output;
            let rows = rows.start.max(first) - first..rows.end.min(first + down.output) - first;
            let inside = down.inside(kh);
            let inside = inside.start.max(rows.start)..inside.end.min(rows.end);
            let plane = deep.index(depth, kd);
            let at = [plane, down.index(inside.start, kh), across.index(positions.start, kw)];
            let (image, inside) = match at {
                [Some(z), Some(y), Some(x)] => {
                    (((channel * deep.input + z) * down.input + y) * across.input + x, inside)
                }
                _ => (0, 0..0),
            };
            let count = rows.len() * across.output;
            each(Patch { columns, rows, inside, across: positions.clone(), image });
            columns += count;
        }
    }
}

/// Whether the inside of all rows of a patch is one run of the image, with a wrapped-around gap between rows.
fn is_one_run(axes: &Axes) -> bool {
    axes[2].window.stride == 1 && axes[1].window.stride == 1 && axes[2].input == axes[2].output
}

/// From the first to the last element of the strip that lies inside.
fn span(patch: &Patch, width: usize) -> Range<usize> {
    let (first, last) = (patch.row(patch.inside.start, width), patch.row(patch.inside.end - 1, width));
    first.start + patch.across.start..last.start + patch.across.end
}

/// Clears what lies in the padding to the left and right of the rows inside.
fn clear_sides<F: Float>(patch: &Patch, width: usize, columns: &mut [F]) {
    let (first, last) = (patch.row(patch.inside.start, width), patch.row(patch.inside.end - 1, width));
    let rows = &mut columns[first.start..last.end];
    for position in (0..patch.across.start).chain(patch.across.end..width) {
        rows[position..].iter_mut().step_by(width).for_each(|value| *value = F::ZERO);
    }
}

/// Writes the columns of the output rows `rows` (counted over the two outer axes) of `image`, `[channels, input…]`.
pub(crate) fn im2col<F: Float>(
    image: &[F],
    channels: usize,
    axes: &Axes,
    rows: &Range<usize>,
    columns: &mut [F],
) {
    let (width, step) = (axes[2].output, axes[2].window.stride);
    for_each_patch(channels, axes, rows, |patch| {
        let all = patch.columns..patch.columns + patch.rows.len() * width;
        if patch.is_empty() {
            return columns[all].fill(F::ZERO);
        }
        columns[all.start..patch.row(patch.inside.start, width).start].fill(F::ZERO);
        columns[patch.row(patch.inside.end - 1, width).end..all.end].fill(F::ZERO);
        if is_one_run(axes) {
            let span = span(&patch, width);
            columns[span.clone()].copy_from_slice(&image[patch.image..patch.image + span.len()]);
        } else {
            for (i, row) in patch.inside.clone().enumerate() {
                let to = &mut columns[patch.row(row, width)][patch.across.clone()];
                let from = &image[patch.image + i * axes[1].window.stride * axes[2].input..];
                if step == 1 {
                    to.copy_from_slice(&from[..to.len()]);
                } else {
                    to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| *to = from);
                }
            }
        }
        clear_sides(&patch, width, columns);
    });
}

/// Adds the columns of the output rows `rows` to the places of `image` that [`im2col`] takes them from; `columns` is
/// used up.
pub(crate) fn col2im<F: Float>(
    columns: &mut [F],
    channels: usize,
    axes: &Axes,
    rows: &Range<usize>,
    image: &mut [F],
) {
    let (width, step) = (axes[2].output, axes[2].window.stride);
    for_each_patch(channels, axes, rows, |patch| {
        if patch.is_empty() {
            return;
        }
        if is_one_run(axes) {
            // With zeros in the gaps the wrapped-around places get nothing.
            clear_sides(&patch, width, columns);
            let from = &columns[span(&patch, width)];
            return lanes::add(&mut image[patch.image..patch.image + from.len()], from);
        }
        for (i, row) in patch.inside.clone().enumerate() {
            let from = &columns[patch.row(row, width)][patch.across.clone()];
            let to = &mut image[patch.image + i * axes[1].window.stride * axes[2].input..];
            if step == 1 {
                lanes::add(&mut to[..from.len()], from);
            } else {
                to.iter_mut().step_by(step).zip(from).for_each(|(to, &from)| *to += from);
            }
        }
    });
}

thread_local! {
    /// The last buffer of this thread, so that a step of fixed shapes asks for no memory.
    static SCRATCH: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// Calls `body` with a buffer of `len` elements that hold anything.
pub(crate) fn with_scratch<F: Float, R>(len: usize, body: impl FnOnce(&mut [F]) -> R) -> R {
    let kept = SCRATCH.take().and_then(|buffer| buffer.downcast::<Vec<F>>().ok());
    let mut buffer = kept.unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, F::ZERO);
    }
    let result = body(&mut buffer[..len]);
    SCRATCH.set(Some(buffer));
    result
}
