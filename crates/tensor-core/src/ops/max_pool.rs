//! The largest element under windows that slide over one to three trailing dimensions, or that cover them evenly.

use crate::dtype::dispatch_float;
use crate::kernel::max_pool::{self as kernel, Division, Windows};
use crate::kernel::window::{Axis, Window};
use crate::ops::convolution::positive;
use crate::ops::resample::spatial;
use crate::storage::Storage;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

/// Keywords of `torch.nn.functional.max_pool1d`, `max_pool2d` and `max_pool3d`; a number for each of the `N` dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPoolOptions<const N: usize = 2> {
    /// Elements under a window.
    pub kernel: [usize; N],
    /// Distance between windows. Default: the kernel.
    pub stride: [usize; N],
    /// Elements added on each side, never the largest; at most half the kernel. Default 0.
    pub padding: [usize; N],
    /// Distance between elements under a window. Default 1.
    pub dilation: [usize; N],
    /// Whether a window may hang over the end. Default false.
    pub ceil_mode: bool,
}

impl<const N: usize> MaxPoolOptions<N> {
    /// Windows of `kernel` side by side.
    pub fn new(kernel: [usize; N]) -> Self {
        Self { kernel, stride: kernel, padding: [0; N], dilation: [1; N], ceil_mode: false }
    }
}

/// The windows over the trailing dimensions of `x`, checked, and how many there are in each.
#[track_caller]
pub(super) fn windows<const N: usize>(
    op: &'static str,
    x: &Shape,
    options: MaxPoolOptions<N>,
) -> Result<Vec<(Window, usize)>> {
    let MaxPoolOptions { kernel, stride, padding, dilation, ceil_mode } = options;
    positive(op, "kernel", &kernel)?;
    positive(op, "stride", &stride)?;
    positive(op, "dilation", &dilation)?;
    let sizes = spatial::<N>(op, x)?;
    let mut windows = Vec::with_capacity(N);
    for d in 0..N {
        // Beyond half of it a window could lie in the padding alone.
        if padding[d] > (kernel[d] - 1).saturating_mul(dilation[d]).saturating_add(1) / 2 {
            let (value, expected) = (format!("{padding:?}"), "at most half of the kernel");
            return Err(Error::new(op, ErrorKind::Argument { argument: "padding", value, expected }));
        }
        let window =
            Window { kernel: kernel[d], stride: stride[d], padding: padding[d], dilation: dilation[d] };
        match window.output_size(sizes[d], ceil_mode) {
            Some(count) if count > 0 => windows.push((window, count)),
            _ => {
                let expected = format!("at least as large, padded, as the kernel {kernel:?}, dilated");
                return Err(Error::new(
                    op,
                    ErrorKind::ShapeMismatch { argument: "input", found: x.clone(), expected },
                ));
            }
        }
    }
    Ok(windows)
}

/// A max pooling of inputs of one shape: of which elements each output is the largest.
#[derive(Clone, Debug)]
pub struct MaxPooling {
    op: &'static str,
    input: Shape,
    windows: Windows,
    /// Pooled dimensions.
    rank: usize,
}

impl MaxPooling {
    fn new<const N: usize>(
        op: &'static str,
        x: &Shape,
        divisions: impl IntoIterator<Item = Division>,
    ) -> Self {
        let mut windows = Windows([Division::Sliding(Axis::UNIT); 3]);
        windows.0[3 - N..].iter_mut().zip(divisions).for_each(|(to, from)| *to = from);
        Self { op, input: x.clone(), windows, rank: N }
    }

    /// Under windows over the trailing `N` dimensions of an input of shape `x`: see [`Tensor::max_pool2d`].
    ///
    /// # Errors
    /// If the input is smaller than the kernel or an option is out of range.
    #[track_caller]
    pub fn sliding<const N: usize>(x: &Shape, options: MaxPoolOptions<N>) -> Result<Self> {
        let op = const { ["max_pool1d", "max_pool2d", "max_pool3d"][N - 1] };
        let windows = windows(op, x, options)?.into_iter().zip(spatial::<N>(op, x)?);
        let axes = windows.map(|((window, output), input)| Division::Sliding(Axis { input, output, window }));
        Ok(Self::new::<N>(op, x, axes))
    }

    /// Over an even grid of `output` parts of the trailing `N` dimensions of an input of shape `x`: see
    /// [`Tensor::adaptive_max_pool2d`].
    ///
    /// # Errors
    /// If the shape does not fit.
    #[track_caller]
    pub fn adaptive<const N: usize>(x: &Shape, output: [Option<usize>; N]) -> Result<Self> {
        let op = const { ["adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"][N - 1] };
        let sizes = spatial::<N>(op, x)?.into_iter().zip(output);
        Ok(Self::new::<N>(
            op,
            x,
            sizes.map(|(input, m)| Division::Even { input, output: m.unwrap_or(input) }),
        ))
    }

    /// The number of pooled dimensions, the trailing ones.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The operation's name.
    pub fn op(&self) -> &'static str {
        self.op
    }

    fn output_shape(&self) -> Shape {
        let divisions = self.windows.0[3 - self.rank..].iter().map(|division| division.sizes().1);
        self.input[..self.input.len() - self.rank].iter().copied().chain(divisions).collect()
    }
}

impl Tensor {
    /// The largest element that `pooling` finds for each output, the first of equals, and its index (i64) among the
    /// elements of the pooled dimensions. NaN is the largest.
    ///
    /// # Errors
    /// If the shape is not the one that the pooling was made for or the dtype is not floating-point.
    #[track_caller]
    pub fn max_pool(&self, pooling: &MaxPooling) -> Result<(Tensor, Tensor)> {
        let MaxPooling { op, windows, .. } = *pooling;
        self.expect_shape(op, "input", &pooling.input)?;
        let (x, shape) = (self.contiguous()?, pooling.output_shape());
        shape.checked_numel(op, DType::I64.size())?;
        dispatch_float!(op, [x], T => {
            let mut indices = Storage::recycled(op, DType::I64, shape.numel())?;
            let y = Tensor::build::<T>(op, shape.clone(), |y| {
                kernel::max_pool(x.dense::<T>(), windows, y, indices.slice_mut());
            })?;
            Ok((y, Tensor::from_storage(indices, shape)))
        })
    }

    /// The gradient of the input of [`max_pool`](Tensor::max_pool), with this tensor as the gradient of its output and
    /// the indices that it returned.
    ///
    /// # Errors
    /// If the shapes do not fit or an index is outside the pooled dimensions.
    #[track_caller]
    pub fn max_pool_backward(&self, indices: &Tensor, pooling: &MaxPooling) -> Result<Tensor> {
        let MaxPooling { op, windows, rank, ref input } = *pooling;
        let shape = pooling.output_shape();
        self.expect_shape(op, "the gradient", &shape)?;
        indices.expect_shape(op, "indices", &shape)?;
        if indices.dtype() != DType::I64 {
            let found = indices.dtype();
            return Err(Error::new(op, ErrorKind::DType { argument: "indices", found, expected: "i64" }));
        }
        let (g, indices) = (self.contiguous()?, indices.contiguous()?);
        let mut inside = true;
        let dx = dispatch_float!(op, [g], T => Tensor::build::<T>(op, input.clone(), |dx| {
            inside = kernel::max_pool_backward(g.dense::<T>(), indices.dense::<i64>(), windows, dx);
        }))?;
        if inside {
            return Ok(dx);
        }
        let dim = input.len() - rank;
        let size: usize = input[dim..].iter().product();
        let outside = indices.dense::<i64>().iter().find(|&&i| i < 0 || i as u64 >= size as u64);
        let index = outside.copied().unwrap_or_default();
        Err(Error::new(op, ErrorKind::IndexOutOfRange { index, dim, size }))
    }

    #[track_caller]
    fn expect_shape(&self, op: &'static str, argument: &'static str, expected: &Shape) -> Result<()> {
        if self.shape() == expected {
            return Ok(());
        }
        let (found, expected) = (self.shape().clone(), expected.to_string());
        Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found, expected }))
    }

    /// The largest element under each window of `[N, C, L]` or `[C, L]`, the first of equals, and its index (i64):
    /// `torch.nn.functional.max_pool1d` with `return_indices`. NaN is the largest.
    ///
    /// # Errors
    /// As for [`max_pool2d`](Tensor::max_pool2d).
    #[track_caller]
    pub fn max_pool1d(&self, options: MaxPoolOptions<1>) -> Result<(Tensor, Tensor)> {
        self.max_pool(&MaxPooling::sliding(self.shape(), options)?)
    }

    /// The largest element under each window of `[N, C, H, W]` or `[C, H, W]`, the first of equals, and its index (i64)
    /// in the plane: `torch.nn.functional.max_pool2d` with `return_indices`. NaN is the largest.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    ///
    /// ```
    /// use tensor_core::{DType, MaxPoolOptions, Tensor};
    /// let x = Tensor::arange(0.0, 16.0, 1.0, DType::F32)?.reshape([1, 4, 4])?;
    /// let (y, indices) = x.max_pool2d(MaxPoolOptions::new([2, 2]))?;
    /// assert_eq!(y.to_vec::<f32>()?, [5.0, 7.0, 13.0, 15.0]);
    /// assert_eq!(indices.to_vec::<i64>()?, [5, 7, 13, 15]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn max_pool2d(&self, options: MaxPoolOptions) -> Result<(Tensor, Tensor)> {
        self.max_pool(&MaxPooling::sliding(self.shape(), options)?)
    }

    /// The largest element under each window of `[N, C, D, H, W]` or `[C, D, H, W]`, the first of equals, and its index
    /// (i64) in the volume: `torch.nn.functional.max_pool3d` with `return_indices`. NaN is the largest.
    ///
    /// # Errors
    /// As for [`max_pool2d`](Tensor::max_pool2d).
    #[track_caller]
    pub fn max_pool3d(&self, options: MaxPoolOptions<3>) -> Result<(Tensor, Tensor)> {
        self.max_pool(&MaxPooling::sliding(self.shape(), options)?)
    }

    /// The largest elements of `output` even parts of `[N, C, L]` or `[C, L]`, and their indices (i64):
    /// `torch.nn.functional.adaptive_max_pool1d` with `return_indices`.
    ///
    /// # Errors
    /// As for [`adaptive_max_pool2d`](Tensor::adaptive_max_pool2d).
    #[track_caller]
    pub fn adaptive_max_pool1d(&self, output: usize) -> Result<(Tensor, Tensor)> {
        self.max_pool(&MaxPooling::adaptive(self.shape(), [Some(output)])?)
    }

    /// The largest elements of an even grid of `output` (height, width) parts of `[N, C, H, W]` or `[C, H, W]`, and their
    /// indices (i64) in the plane: `torch.nn.functional.adaptive_max_pool2d` with `return_indices`. The parts are those
    /// of [`adaptive_avg_pool2d`](Tensor::adaptive_avg_pool2d); a size of `None` stays that of the input.
    ///
    /// # Errors
    /// If there are other dimensions, a height or width of 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn adaptive_max_pool2d(&self, output: [Option<usize>; 2]) -> Result<(Tensor, Tensor)> {
        self.max_pool(&MaxPooling::adaptive(self.shape(), output)?)
    }

    /// [`adaptive_max_pool2d`](Tensor::adaptive_max_pool2d) over depth, height and width:
    /// `torch.nn.functional.adaptive_max_pool3d`.
    ///
    /// # Errors
    /// As for `adaptive_max_pool2d`.
    #[track_caller]
    pub fn adaptive_max_pool3d(&self, output: [Option<usize>; 3]) -> Result<(Tensor, Tensor)> {
        self.max_pool(&MaxPooling::adaptive(self.shape(), output)?)
    }
}
