//! Max and average pooling over the two trailing dimensions, and their gradients.

use crate::dtype::dispatch_float;
use crate::kernel::pool::{self as kernel, Divisor, Geometry};
use crate::kernel::window::Window;
use crate::ops::convolution::positive;
use crate::storage::Storage;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

/// Keywords of `torch.nn.functional.max_pool2d`; pairs are height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPoolOptions {
    /// Elements under a window.
    pub kernel: [usize; 2],
    /// Distance between windows. Default: the kernel.
    pub stride: [usize; 2],
    /// Elements added on each side, never the largest; at most half the kernel. Default 0.
    pub padding: [usize; 2],
    /// Distance between elements under a window. Default 1.
    pub dilation: [usize; 2],
    /// Whether a window may hang over the end. Default false.
    pub ceil_mode: bool,
}

impl MaxPoolOptions {
    /// Windows of `kernel` side by side.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: kernel, padding: [0; 2], dilation: [1; 2], ceil_mode: false }
    }
}

/// Keywords of `torch.nn.functional.avg_pool2d`; pairs are height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPoolOptions {
    /// Elements under a window.
    pub kernel: [usize; 2],
    /// Distance between windows. Default: the kernel.
    pub stride: [usize; 2],
    /// Zeros added on each side; at most half the kernel. Default 0.
    pub padding: [usize; 2],
    /// Whether a window may hang over the end. Default false.
    pub ceil_mode: bool,
    /// Whether the padding counts in the mean. Default true.
    pub count_include_pad: bool,
    /// What sums are divided by, in place of the number of elements. Default none.
    pub divisor_override: Option<i64>,
}

impl AvgPoolOptions {
    /// Windows of `kernel` side by side.
    pub fn new(kernel: [usize; 2]) -> Self {
        let (padding, ceil_mode) = ([0; 2], false);
        Self { kernel, stride: kernel, padding, ceil_mode, count_include_pad: true, divisor_override: None }
    }

    /// As windows, which are never dilated.
    fn windows(self) -> MaxPoolOptions {
        let Self { kernel, stride, padding, ceil_mode, .. } = self;
        MaxPoolOptions { kernel, stride, padding, dilation: [1; 2], ceil_mode }
    }

    #[track_caller]
    fn divisor(self, op: &'static str) -> Result<Divisor> {
        match self.divisor_override {
            Some(0) => {
                let (argument, value) = ("divisor_override", "0".to_string());
                Err(Error::new(op, ErrorKind::Argument { argument, value, expected: "not 0" }))
            }
            Some(divisor) => Ok(Divisor::Fixed(divisor)),
            None if self.count_include_pad => Ok(Divisor::WithPadding),
            None => Ok(Divisor::WithoutPadding),
        }
    }
}

/// The sizes of a pooling of `[.., H, W]`, checked, and the shape of its output.
#[track_caller]
fn geometry(op: &'static str, x: &Shape, options: MaxPoolOptions) -> Result<(Geometry, Shape)> {
    let MaxPoolOptions { kernel, stride, padding, dilation, ceil_mode } = options;
    positive(op, "kernel", &kernel)?;
    positive(op, "stride", &stride)?;
    positive(op, "dilation", &dilation)?;
    let mismatch = |expected: String| {
        Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found: x.clone(), expected }))
    };
    let (height, width) = match **x {
        [_, height, width] | [_, _, height, width] => (height, width),
        _ => return mismatch("[N, C, H, W] or [C, H, W]".to_string()),
    };
    let mut output = [0; 2];
    let mut window = [Window { kernel: 1, stride: 1, padding: 0, dilation: 1 }; 2];
    for (d, input) in [height, width].into_iter().enumerate() {
        // Beyond half of it a window could lie in the padding alone.
        if padding[d] > (kernel[d] - 1).saturating_mul(dilation[d]).saturating_add(1) / 2 {
            let (value, expected) = (format!("{padding:?}"), "at most half of the kernel");
            return Err(Error::new(op, ErrorKind::Argument { argument: "padding", value, expected }));
        }
        window[d] =
            Window { kernel: kernel[d], stride: stride[d], padding: padding[d], dilation: dilation[d] };
        match window[d].output_size(input, ceil_mode) {
            Some(size) if size > 0 && input > 0 => output[d] = size,
            _ => return mismatch(format!("at least as large, padded, as the kernel {kernel:?}, dilated")),
        }
    }
    let lead = &x[..x.len() - 2];
    let shape = lead.iter().copied().chain(output).collect();
    Ok((Geometry { input: [height, width], output, window }, shape))
}

impl Tensor {
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
        const OP: &str = "max_pool2d";
        let (geometry, shape) = geometry(OP, self.shape(), options)?;
        let x = self.contiguous()?;
        dispatch_float!(OP, [x], T => {
            let mut indices = Storage::recycled(OP, DType::I64, shape.numel())?;
            let y = Tensor::build::<T>(OP, shape.clone(), |y| {
                kernel::max_pool(x.dense::<T>(), geometry, y, indices.slice_mut());
            })?;
            Ok((y, Tensor::from_storage(indices, shape)))
        })
    }

    /// The gradient of the input of shape `input` of [`max_pool2d`](Tensor::max_pool2d), with this tensor as the
    /// gradient of its output and the indices that it returned.
    ///
    /// # Errors
    /// If the shapes do not fit or an index is outside the plane.
    #[track_caller]
    pub fn max_pool2d_backward(
        &self,
        indices: &Tensor,
        input: &Shape,
        options: MaxPoolOptions,
    ) -> Result<Tensor> {
        const OP: &str = "max_pool2d_backward";
        let (geometry, shape) = geometry(OP, input, options)?;
        for (argument, tensor) in [("the gradient", self), ("indices", indices)] {
            if *tensor.shape() != shape {
                let (found, expected) = (tensor.shape().clone(), shape.to_string());
                return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument, found, expected }));
            }
        }
        if indices.dtype() != DType::I64 {
            let found = indices.dtype();
            return Err(Error::new(OP, ErrorKind::DType { argument: "indices", found, expected: "i64" }));
        }
        let (g, indices) = (self.contiguous()?, indices.contiguous()?);
        let plane = geometry.input[0] * geometry.input[1];
        if let Some(&index) = indices.dense::<i64>().iter().find(|&&i| i < 0 || i as u64 >= plane as u64) {
            return Err(Error::new(
                OP,
                ErrorKind::IndexOutOfRange { index, dim: shape.len() - 2, size: plane },
            ));
        }
        dispatch_float!(OP, [g], T => Tensor::build::<T>(OP, input.clone(), |dx| {
            kernel::max_pool_backward(g.dense::<T>(), indices.dense::<i64>(), geometry, dx);
        }))
    }

    /// The mean under each window of `[N, C, H, W]` or `[C, H, W]`: `torch.nn.functional.avg_pool2d`.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn avg_pool2d(&self, options: AvgPoolOptions) -> Result<Tensor> {
        const OP: &str = "avg_pool2d";
        let divisor = options.divisor(OP)?;
        let (geometry, shape) = geometry(OP, self.shape(), options.windows())?;
        let x = self.contiguous()?;
        dispatch_float!(OP, [x], T => Tensor::build::<T>(OP, shape, |y| {
            kernel::avg_pool(x.dense::<T>(), geometry, divisor, y);
        }))
    }

    /// The gradient of the input of shape `input` of [`avg_pool2d`](Tensor::avg_pool2d), with this tensor as the
    /// gradient of its output.
    ///
    /// # Errors
    /// If the shapes do not fit.
    #[track_caller]
    pub fn avg_pool2d_backward(&self, input: &Shape, options: AvgPoolOptions) -> Result<Tensor> {
        const OP: &str = "avg_pool2d_backward";
        let divisor = options.divisor(OP)?;
        let (geometry, shape) = geometry(OP, input, options.windows())?;
        if *self.shape() != shape {
            let (found, expected) = (self.shape().clone(), shape.to_string());
            return Err(Error::new(
                OP,
                ErrorKind::ShapeMismatch { argument: "the gradient", found, expected },
            ));
        }
        let g = self.contiguous()?;
        dispatch_float!(OP, [g], T => Tensor::build::<T>(OP, input.clone(), |dx| {
            kernel::avg_pool_backward(g.dense::<T>(), geometry, divisor, dx);
        }))
    }
}
