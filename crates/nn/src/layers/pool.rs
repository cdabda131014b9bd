//! Pooling.

use crate::layers::size::PerDim;
use crate::{Layer, Module, Result};
use autograd::{AvgPoolOptions, MaxPoolOptions, Var};

/// The largest element under each window of `[N, C, H, W]` or `[C, H, W]`: `nn.MaxPool2d`. The gradient goes to the
/// first of equal elements.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor};
///
/// let images = Tensor::zeros([8, 32, 28, 28], DType::F32)?;
/// let halved = MaxPool2d::new(2).forward(&images.into())?;
/// assert_eq!(halved.shape().to_string(), "[8, 32, 14, 14]");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct MaxPool2d {
    options: MaxPoolOptions,
}

impl MaxPool2d {
    /// Windows of `kernel_size` side by side.
    pub fn new(kernel_size: impl PerDim<2>) -> Self {
        Self { options: MaxPoolOptions::new(kernel_size.each()) }
    }

    /// Distance between windows; default the kernel size.
    pub fn stride(mut self, stride: impl PerDim<2>) -> Self {
        self.options.stride = stride.each();
        self
    }

    /// Elements added on each side, which are never the largest; at most half the kernel size, default 0.
    pub fn padding(mut self, padding: impl PerDim<2>) -> Self {
        self.options.padding = padding.each();
        self
    }

    /// Distance between the elements of a window; default 1.
    pub fn dilation(mut self, dilation: impl PerDim<2>) -> Self {
        self.options.dilation = dilation.each();
        self
    }

    /// Whether a window may hang over the end; default false.
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.options.ceil_mode = ceil_mode;
        self
    }

    fn settings(&self) -> String {
        let MaxPoolOptions { kernel, stride, padding, dilation, ceil_mode } = self.options;
        format!(
            "kernel_size={kernel:?}, stride={stride:?}, padding={padding:?}, dilation={dilation:?}, \
             ceil_mode={ceil_mode}"
        )
    }
}

impl Layer for MaxPool2d {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(x.max_pool2d(self.options)?)
    }
}

/// The mean under each window of `[N, C, H, W]` or `[C, H, W]`: `nn.AvgPool2d`.
#[derive(Clone, Copy, Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct AvgPool2d {
    options: AvgPoolOptions,
}

impl AvgPool2d {
    /// Windows of `kernel_size` side by side.
    pub fn new(kernel_size: impl PerDim<2>) -> Self {
        Self { options: AvgPoolOptions::new(kernel_size.each()) }
    }

    /// Distance between windows; default the kernel size.
    pub fn stride(mut self, stride: impl PerDim<2>) -> Self {
        self.options.stride = stride.each();
        self
    }

    /// Zeros added on each side; at most half the kernel size, default 0.
    pub fn padding(mut self, padding: impl PerDim<2>) -> Self {
        self.options.padding = padding.each();
        self
    }

    /// Whether a window may hang over the end; default false.
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.options.ceil_mode = ceil_mode;
        self
    }

    /// Whether the padding counts in the mean; default true.
    pub fn count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.options.count_include_pad = count_include_pad;
        self
    }

    fn settings(&self) -> String {
        let AvgPoolOptions { kernel, stride, padding, .. } = self.options;
        format!("kernel_size={kernel:?}, stride={stride:?}, padding={padding:?}")
    }
}

impl Layer for AvgPool2d {
    fn compute(&self, x: &Var) -> Result<Var> {
        Ok(x.avg_pool2d(self.options)?)
    }
}
