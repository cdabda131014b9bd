//! A window that slides along one to three dimensions: what convolution, pooling and patches have in common.

use std::ops::Range;

/// The window along one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Elements under the window.
    pub(crate) kernel: usize,
    /// Distance between windows.
    pub(crate) stride: usize,
    /// Elements added on both sides.
    pub(crate) padding: usize,
    /// Distance between elements under the window.
    pub(crate) dilation: usize,
}

impl Window {
    /// One element at each place.
    pub(crate) const UNIT: Self = Self { kernel: 1, stride: 1, padding: 0, dilation: 1 };

    /// Number of windows over `input` elements, `None` if not even one fits.
    ///
    /// `floor((input + 2 padding - dilation (kernel - 1) - 1) / stride) + 1`, or with `ceil_mode` the ceiling, less one
    /// if the last window would start in the right padding or beyond.
    pub(crate) fn output_size(self, input: usize, ceil_mode: bool) -> Option<usize> {
        let reach = self.kernel.checked_sub(1)?.checked_mul(self.dilation)?.checked_add(1)?;
        let padded = self.padding.checked_mul(2)?.checked_add(input)?;
        let room = match padded.checked_sub(reach) {
            Some(room) => room,
            // With `ceil_mode` a window may hang over by less than one stride.
            None if ceil_mode && reach - padded < self.stride => {
                return (self.padding > 0 || input > 0).then_some(1);
            }
            None => return None,
        };
        if !ceil_mode {
            return Some(room.checked_div(self.stride)? + 1);
        }
        let last = if self.stride == 0 { return None } else { room.div_ceil(self.stride) };
        Some(if last.saturating_mul(self.stride) >= input + self.padding { last } else { last + 1 })
    }
}

/// One spatial dimension: input and output length, and the window that slides along it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Elements of the input.
    pub(crate) input: usize,
    /// Positions of the window: at most [`Window::output_size`], or `input` where the window is padded to keep it.
    pub(crate) output: usize,
    /// The window.
    pub(crate) window: Window,
}

impl Axis {
    /// A dimension that is not there: one element, one position.
    pub(crate) const UNIT: Self = Self { input: 1, output: 1, window: Window::UNIT };

    /// The input index under offset `k` of the window at `position`, `None` in the padding.
    pub(crate) fn index(self, position: usize, k: usize) -> Option<usize> {
        // Sizes are checked to be addressable together with the padding, a stride that is never taken is not.
        let start = position.saturating_mul(self.window.stride);
        let index = start.saturating_add(k * self.window.dilation).checked_sub(self.window.padding)?;
        (index < self.input).then_some(index)
    }

    /// The positions whose offset `k` lies inside the input.
    pub(crate) fn inside(self, k: usize) -> Range<usize> {
        let Window { stride, padding, dilation, .. } = self.window;
        let offset = k * dilation;
        let start = padding.saturating_sub(offset).div_ceil(stride).min(self.output);
        let end = (self.input + padding).saturating_sub(offset).div_ceil(stride).min(self.output);
        start..end.max(start)
    }
}

/// The spatial dimensions, outermost first; missing ones lead as [`Axis::UNIT`].
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// PyTorch's formula as it stands in its sources, in signed numbers.
    fn naive_output_size(window: Window, input: usize, ceil_mode: bool) -> Option<usize> {
        let [input, kernel, stride, padding, dilation] =
            [input, window.kernel, window.stride, window.padding, window.dilation].map(|n| n as i64);
        let up = if ceil_mode { stride - 1 } else { 0 };
        let mut out = (input + 2 * padding - dilation * (kernel - 1) - 1 + up).div_euclid(stride) + 1;
        if ceil_mode && (out - 1) * stride >= input + padding {
            out -= 1;
        }
        (out > 0).then_some(out as usize)
    }

    /// Every small window over every small plane height.
    pub(in crate::kernel) fn windows() -> impl Iterator<Item = (usize, Window, bool)> {
        let sizes = (1..9).flat_map(|input| (1..5).map(move |kernel| (input, kernel)));
        let strides = sizes.flat_map(|(i, k)| (1..5).map(move |s| (i, k, s)));
        let paddings = strides.flat_map(|(i, k, s)| (0..=k / 2).map(move |p| (i, k, s, p)));
        let dilations = paddings.flat_map(|(i, k, s, p)| (1..3).map(move |d| (i, k, s, p, d)));
        dilations.flat_map(|(input, kernel, stride, padding, dilation)| {
            [false, true].map(|ceil| (input, Window { kernel, stride, padding, dilation }, ceil))
        })
    }

    #[test]
    fn output_size_is_that_of_pytorch() {
        for (input, window, ceil) in windows() {
            assert_eq!(
                window.output_size(input, ceil),
                naive_output_size(window, input, ceil),
                "{input} {window:?} {ceil}"
            );
        }
        let huge = Window { kernel: usize::MAX, stride: 1, padding: usize::MAX, dilation: usize::MAX };
        assert_eq!(huge.output_size(5, true), None);
        assert_eq!(Window { stride: 0, ..huge }.output_size(5, false), None);
    }
}
