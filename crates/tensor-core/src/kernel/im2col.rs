//! Patches of an image as columns of a matrix: what makes a convolution a matrix product.
//!
//! The matrix of one image and group has a row for each (channel, offset in the kernel) and a column for each output
//! position. It is made in strips of whole output rows, so that its room is bounded.

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;

use super::math::Float;
use super::pool::Window;

/// One spatial dimension: input and output length, and the window that slides along it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Elements of the input.
    pub(crate) input: usize,
    /// Positions of the window, from [`Window::output_size`].
    pub(crate) output: usize,
    /// The window.
    pub(crate) window: Window,
}

impl Axis {
    /// A dimension that is not there: one element, one position.
    pub(crate) const UNIT: Self =
        Self { input: 1, output: 1, window: Window { kernel: 1, stride: 1, padding: 0, dilation: 1 } };

    /// The input index under offset `k` of the window at `position`, `None` in the padding.
    fn index(self, position: usize, k: usize) -> Option<usize> {
        let index =
            (position * self.window.stride + k * self.window.dilation).checked_sub(self.window.padding)?;
        (index < self.input).then_some(index)
    }

    /// The positions whose offset `k` lies inside the input.
    fn inside(self, k: usize) -> Range<usize> {
        let Window { stride, padding, dilation, .. } = self.window;
        let offset = k * dilation;
        let start = padding.saturating_sub(offset).div_ceil(stride).min(self.output);
        let end = (self.input + padding).saturating_sub(offset).div_ceil(stride).min(self.output);
        start..end.max(start)
    }
}

/// The spatial part of a convolution, outermost dimension first; missing ones lead as [`Axis::UNIT`].
pub(crate) type Axes = [Axis; 3];

/// Elements of a plane of the input.
pub(crate) fn input_len(axes: &Axes) -> usize {
    axes.iter().map(|axis| axis.input).product()
}

/// Positions of the window.
pub(crate) fn output_len(axes: &Axes) -> usize {
    axes.iter().map(|axis| axis.output).product()
}

/// Elements under the window.
pub(crate) fn kernel_len(axes: &Axes) -> usize {
    axes.iter().map(|axis| axis.window.kernel).product()
}

/// Whether the patch matrix is the image itself.
pub(crate) fn is_pointwise(axes: &Axes) -> bool {
    axes.iter().all(|axis| axis.window == Axis::UNIT.window)
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

/// Calls `each(patch row, output row, input row)` for every output row in `rows`: where in the strip a run of
/// positions begins, the offset along the last axis, and where in the image its input row begins, `None` in padding.
fn for_each_run(
    channels: usize,
    axes: &Axes,
    rows: &Range<usize>,
    mut each: impl FnMut(usize, usize, Option<usize>),
) {
    let [deep, down, across] = axes;
    let mut to = 0;
    for channel in 0..channels {
        for kd in 0..deep.window.kernel {
            for kh in 0..down.window.kernel {
                for kw in 0..across.window.kernel {
                    for row in rows.clone() {
                        let plane = deep.index(row / down.output, kd).map(|z| channel * deep.input + z);
                        let line =
                            plane.zip(down.index(row % down.output, kh)).map(|(z, y)| z * down.input + y);
                        each(to, kw, line.map(|line| line * across.input));
                        to += across.output;
                    }
                }
            }
        }
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
    let across = axes[2];
    let Window { stride, padding, dilation, .. } = across.window;
    for_each_run(channels, axes, rows, |to, kw, from| {
        let run = &mut columns[to..to + across.output];
        let Some(from) = from else { return run.fill(F::ZERO) };
        let inside = across.inside(kw);
        run[..inside.start].fill(F::ZERO);
        run[inside.end..].fill(F::ZERO);
        if inside.is_empty() {
            return;
        }
        let first = from + inside.start * stride + kw * dilation - padding;
        let run = &mut run[inside];
        if stride == 1 {
            run.copy_from_slice(&image[first..first + run.len()]);
        } else {
            run.iter_mut().zip(image[first..].iter().step_by(stride)).for_each(|(to, &from)| *to = from);
        }
    });
}

/// Adds the columns of the output rows `rows` to the places of `image` that [`im2col`] takes them from.
pub(crate) fn col2im<F: Float>(
    columns: &[F],
    channels: usize,
    axes: &Axes,
    rows: &Range<usize>,
    image: &mut [F],
) {
    let across = axes[2];
    let Window { stride, padding, dilation, .. } = across.window;
    for_each_run(channels, axes, rows, |at, kw, to| {
        let inside = across.inside(kw);
        let Some(to) = to.filter(|_| !inside.is_empty()) else { return };
        let first = to + inside.start * stride + kw * dilation - padding;
        let run = &columns[at..at + across.output][inside];
        if stride == 1 {
            image[first..first + run.len()].iter_mut().zip(run).for_each(|(to, &from)| *to += from);
        } else {
            image[first..].iter_mut().step_by(stride).zip(run).for_each(|(to, &from)| *to += from);
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
