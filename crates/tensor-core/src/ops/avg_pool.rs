//! Means under windows that slide over one to three trailing dimensions, or that cover them evenly. A mean over a box is
//! a mean of means: one dimension after the other.

use crate::kernel::max_pool::even_part;
use crate::kernel::resample::{Run, Taps};
use crate::kernel::window::Window;
use crate::ops::max_pool::{MaxPoolOptions, windows};
use crate::ops::resample::{Resampling, room, spatial};
use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// Keywords of `torch.nn.functional.avg_pool1d`, `avg_pool2d` and `avg_pool3d`; a number for each of the `N` dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPoolOptions<const N: usize = 2> {
    /// Elements under a window.
    pub kernel: [usize; N],
    /// Distance between windows. Default: the kernel.
    pub stride: [usize; N],
    /// Zeros added on each side; at most half the kernel. Default 0.
    pub padding: [usize; N],
    /// Whether a window may hang over the end. Default false.
    pub ceil_mode: bool,
    /// Whether the padding counts in the mean. Default true.
    pub count_include_pad: bool,
    /// What sums are divided by, in place of the number of elements. Default none.
    pub divisor_override: Option<i64>,
}

impl<const N: usize> AvgPoolOptions<N> {
    /// Windows of `kernel` side by side.
    pub fn new(kernel: [usize; N]) -> Self {
        let (padding, ceil_mode) = ([0; N], false);
        Self { kernel, stride: kernel, padding, ceil_mode, count_include_pad: true, divisor_override: None }
    }
}

/// Sums under `output` windows over `input` elements, each divided by `divisor(with padding, without)`.
#[track_caller]
fn sums(
    op: &'static str,
    input: usize,
    (window, output): (Window, usize),
    divisor: impl Fn(usize, usize) -> f64,
) -> Result<Taps> {
    let Window { kernel, stride, padding, .. } = window;
    let mut taps = room(op, input, output, 1)?;
    for i in 0..output {
        let start = i * stride;
        let end = (start + kernel).min(input + 2 * padding);
        let inside = start.max(padding) - padding..end.saturating_sub(padding).min(input);
        let weight = 1.0 / divisor(end.saturating_sub(start), inside.len());
        taps.push((!inside.is_empty()).then_some(Run { start: inside.start, len: inside.len(), weight }));
    }
    Ok(taps)
}

impl Resampling {
    /// The means under windows over the trailing `N` dimensions of an input of shape `x`: see [`Tensor::avg_pool2d`].
    ///
    /// # Errors
    /// If the input is smaller than the kernel or an option is out of range.
    #[track_caller]
    pub fn avg_pool<const N: usize>(x: &Shape, options: AvgPoolOptions<N>) -> Result<Self> {
        let op = const { ["avg_pool1d", "avg_pool2d", "avg_pool3d"][N - 1] };
        let AvgPoolOptions { kernel, stride, padding, ceil_mode, .. } = options;
        if options.divisor_override == Some(0) {
            let (argument, value) = ("divisor_override", "0".to_string());
            return Err(Error::new(op, ErrorKind::Argument { argument, value, expected: "not 0" }));
        }
        let sizes = spatial::<N>(op, x)?;
        let windows =
            windows(op, x, MaxPoolOptions { kernel, stride, padding, dilation: [1; N], ceil_mode })?;
        let mut taps = Vec::with_capacity(N);
        for (d, (&input, window)) in sizes.iter().zip(windows).enumerate() {
            taps.push(Some(sums(op, input, window, |all, inside| match options.divisor_override {
                Some(divisor) if d == 0 => divisor as f64,
                Some(_) => 1.0,
                None => {
                    if options.count_include_pad {
                        all as f64
                    } else {
                        inside as f64
                    }
                }
            })?));
        }
        Ok(Self::new(op, x, taps))
    }

    /// The means over an even grid of `output` parts of the trailing `N` dimensions of an input of shape `x`: see
    /// [`Tensor::adaptive_avg_pool2d`].
    ///
    /// # Errors
    /// If the shape does not fit.
    #[track_caller]
    pub fn adaptive_avg_pool<const N: usize>(x: &Shape, output: [Option<usize>; N]) -> Result<Self> {
        let op = const { ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"][N - 1] };
        let sizes = spatial::<N>(op, x)?;
        let mut taps = Vec::with_capacity(N);
        for (&input, output) in sizes.iter().zip(output) {
            taps.push(match output {
                Some(output) => Some(means(op, input, output)?),
                None => None,
            });
        }
        Ok(Self::new(op, x, taps))
    }
}

/// Row i holds the mean over elements ⌊i n / m⌋ to ⌈(i + 1) n / m⌉ of `input` n, for `output` m.
#[track_caller]
pub(super) fn means(op: &'static str, input: usize, output: usize) -> Result<Taps> {
    let mut taps = room(op, input, output, 1)?;
    for i in 0..output {
        let part = even_part(input, output, i);
        taps.push([Run { start: part.start, len: part.len(), weight: 1.0 / part.len() as f64 }]);
    }
    Ok(taps)
}

impl Tensor {
    /// The mean under each window of `[N, C, L]` or `[C, L]`: `torch.nn.functional.avg_pool1d`.
    ///
    /// # Errors
    /// As for [`avg_pool2d`](Tensor::avg_pool2d).
    #[track_caller]
    pub fn avg_pool1d(&self, options: AvgPoolOptions<1>) -> Result<Tensor> {
        self.resample(&Resampling::avg_pool(self.shape(), options)?)
    }

    /// The mean under each window of `[N, C, H, W]` or `[C, H, W]`: `torch.nn.functional.avg_pool2d`.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn avg_pool2d(&self, options: AvgPoolOptions) -> Result<Tensor> {
        self.resample(&Resampling::avg_pool(self.shape(), options)?)
    }

    /// The mean under each window of `[N, C, D, H, W]` or `[C, D, H, W]`: `torch.nn.functional.avg_pool3d`.
    ///
    /// # Errors
    /// As for [`avg_pool2d`](Tensor::avg_pool2d).
    #[track_caller]
    pub fn avg_pool3d(&self, options: AvgPoolOptions<3>) -> Result<Tensor> {
        self.resample(&Resampling::avg_pool(self.shape(), options)?)
    }

    /// The means over `output` even parts of `[N, C, L]` or `[C, L]`: `torch.nn.functional.adaptive_avg_pool1d`.
    ///
    /// # Errors
    /// As for [`adaptive_avg_pool2d`](Tensor::adaptive_avg_pool2d).
    #[track_caller]
    pub fn adaptive_avg_pool1d(&self, output: usize) -> Result<Tensor> {
        self.resample(&Resampling::adaptive_avg_pool(self.shape(), [Some(output)])?)
    }

    /// The means over an even grid of `output` (height, width) parts of `[N, C, H, W]` or `[C, H, W]`, part i of m over
    /// rows ⌊i H / m⌋ to ⌈(i + 1) H / m⌉: `torch.nn.functional.adaptive_avg_pool2d`. A size of `None` stays that of the
    /// input.
    ///
    /// # Errors
    /// If there are other dimensions, a height or width of 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn adaptive_avg_pool2d(&self, output: [Option<usize>; 2]) -> Result<Tensor> {
        self.resample(&Resampling::adaptive_avg_pool(self.shape(), output)?)
    }

    /// [`adaptive_avg_pool2d`](Tensor::adaptive_avg_pool2d) over depth, height and width:
    /// `torch.nn.functional.adaptive_avg_pool3d`.
    ///
    /// # Errors
    /// As for `adaptive_avg_pool2d`.
    #[track_caller]
    pub fn adaptive_avg_pool3d(&self, output: [Option<usize>; 3]) -> Result<Tensor> {
        self.resample(&Resampling::adaptive_avg_pool(self.shape(), output)?)
    }
}
