//! Transposed convolution.

use crate::layers::conv::check_groups;
use crate::layers::size::PerDim;
use crate::{Layer, Module, Result, Walk, Weighted, init};
use autograd::tensor_core::Rng;
use autograd::{ConvTransposeOptions, DType, Parameter, Shape, Var};

/// [`ConvTranspose`] over sequences `[N, C, L]`: `nn.ConvTranspose1d`.
pub type ConvTranspose1d = ConvTranspose<1>;
/// [`ConvTranspose`] over images `[N, C, H, W]`: `nn.ConvTranspose2d`.
pub type ConvTranspose2d = ConvTranspose<2>;
/// [`ConvTranspose`] over volumes `[N, C, D, H, W]`: `nn.ConvTranspose3d`.
pub type ConvTranspose3d = ConvTranspose<3>;

/// Each element spread over a window, the gradient of a convolution: [`ConvTranspose1d`], [`ConvTranspose2d`],
/// [`ConvTranspose3d`]. Input `[N, in_channels, d1, ..]` or without N, output `[N, out_channels, d1', ..]` with
/// `d' = (d − 1) stride − 2 padding + dilation (kernel − 1) + output_padding + 1`. `weight` is
/// `[in_channels, out_channels / groups, kernel ..]`, `bias` `[out_channels]`; both start as those of
/// [`Conv`](crate::Conv), with the weight's second size as the number of inputs, as in PyTorch.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let up = ConvTranspose2d::options(32, 16, 2).stride(2).build(&Rng::seed(0))?;
/// let x = Tensor::zeros([8, 32, 7, 7], DType::F32)?;
/// assert_eq!(up.forward(&x.into())?.shape().to_string(), "[8, 16, 14, 14]");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug)]
pub struct ConvTranspose<const DIMS: usize> {
    /// `[in_channels, out_channels / groups, kernel ..]`.
    pub weight: Parameter,
    /// `[out_channels]`; None without bias.
    pub bias: Option<Parameter>,
    options: ConvTransposeOptions<DIMS>,
}

impl<const DIMS: usize> ConvTranspose<DIMS> {
    /// Stride 1, no padding, one group, with a bias, in f32.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(
        in_channels: usize,
        out_channels: usize,
        kernel_size: impl PerDim<DIMS>,
        rng: &Rng,
    ) -> Result<Self> {
        Self::options(in_channels, out_channels, kernel_size).build(rng)
    }

    /// Settings beyond the common ones.
    pub fn options(
        in_channels: usize,
        out_channels: usize,
        kernel_size: impl PerDim<DIMS>,
    ) -> ConvTransposeLayerOptions<DIMS> {
        const { assert!(DIMS >= 1 && DIMS <= 3, "convolution is over 1, 2 or 3 dimensions") };
        ConvTransposeLayerOptions {
            in_channels,
            out_channels,
            kernel_size: kernel_size.each(),
            options: ConvTransposeOptions::default(),
            bias: true,
            dtype: DType::F32,
        }
    }
}

impl<const DIMS: usize> Module for ConvTranspose<DIMS> {
    fn visit(&self, walk: &mut Walk<'_>) {
        // Every field is named, so that a new one cannot be left out unseen.
        let Self { weight, bias, options: _ } = self;
        walk.module(self, |walk| {
            walk.child("weight", weight);
            walk.child("bias", bias);
        });
    }

    fn type_name(&self) -> &'static str {
        ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]
            .get(DIMS - 1)
            .copied()
            .unwrap_or("ConvTranspose")
    }

    /// Each input is multiplied with one row of the weight.
    fn multiply_adds(&self, input: &Shape, _: &Shape) -> usize {
        input.numel().saturating_mul(self.weight.numel() / self.weight.shape()[0].max(1))
    }

    fn extra_repr(&self) -> String {
        let shape = self.weight.shape();
        let ConvTransposeOptions { stride, padding, output_padding, dilation, groups } = self.options;
        format!(
            "{}, {}, kernel_size={:?}, stride={stride:?}, padding={padding:?}, output_padding={output_padding:?}, \
             dilation={dilation:?}, groups={groups}, bias={}",
            shape[0],
            shape[1] * groups,
            &shape[2..],
            self.bias.is_some()
        )
    }
}

impl<const DIMS: usize> Layer for ConvTranspose<DIMS> {
    fn compute(&self, x: &Var) -> Result<Var> {
        self.compute_with(&self.weight.var(), x)
    }
}

impl<const DIMS: usize> Weighted for ConvTranspose<DIMS> {
    const OUTPUTS: usize = 1;

    fn weight(&self) -> &Parameter {
        &self.weight
    }

    fn bias(&self) -> Option<&Parameter> {
        self.bias.as_ref()
    }

    fn compute_with(&self, weight: &Var, x: &Var) -> Result<Var> {
        let bias = self.bias.as_ref().map(Parameter::var);
        Ok(x.conv_transpose(weight, bias.as_ref(), self.options)?)
    }
}

/// Settings of a [`ConvTranspose`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct ConvTransposeLayerOptions<const DIMS: usize> {
    in_channels: usize,
    out_channels: usize,
    kernel_size: [usize; DIMS],
    options: ConvTransposeOptions<DIMS>,
    bias: bool,
    dtype: DType,
}

impl<const DIMS: usize> ConvTransposeLayerOptions<DIMS> {
    /// Distance in the output between neighbours of the input; default 1.
    pub fn stride(mut self, stride: impl PerDim<DIMS>) -> Self {
        self.options.stride = stride.each();
        self
    }

    /// Elements cut off on each side of the output; default 0.
    pub fn padding(mut self, padding: impl PerDim<DIMS>) -> Self {
        self.options.padding = padding.each();
        self
    }

    /// Elements added at the end of the output; smaller than the stride or the dilation. Default 0.
    pub fn output_padding(mut self, output_padding: impl PerDim<DIMS>) -> Self {
        self.options.output_padding = output_padding.each();
        self
    }

    /// Distance between the elements that one of the input is spread over; default 1.
    pub fn dilation(mut self, dilation: impl PerDim<DIMS>) -> Self {
        self.options.dilation = dilation.each();
        self
    }

    /// Number of groups of channels that do not see each other; default 1.
    pub fn groups(mut self, groups: usize) -> Self {
        self.options.groups = groups;
        self
    }

    /// Whether a bias is added; default true. Without, only the weight is drawn.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// The dtype of the parameters; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Draws the parameters and makes the layer.
    ///
    /// # Errors
    /// If the groups do not divide the channels, the dtype is not floating-point or memory does not suffice.
    pub fn build(self, rng: &Rng) -> Result<ConvTranspose<DIMS>> {
        let Self { in_channels, out_channels, kernel_size, options, bias, dtype } = self;
        check_groups("ConvTranspose", in_channels, out_channels, options.groups)?;
        let shape = [&[in_channels, out_channels / options.groups], &kernel_size[..]].concat();
        let (weight, bias) = init::layer_default(&shape, bias.then_some(out_channels), dtype, rng)?;
        Ok(ConvTranspose { weight, bias, options })
    }
}
