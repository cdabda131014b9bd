//! Convolution.

use crate::layers::size::Pair;
use crate::{Error, Layer, Module, Result, init};
use autograd::tensor_core::Rng;
use autograd::{ConvOptions, DType, Padding, Parameter, Shape, Var};

/// Cross-correlation of an image with learned windows: `nn.Conv2d`. Input `[N, in_channels, H, W]` or
/// `[in_channels, H, W]`, output `[N, out_channels, H', W']` with
/// `H' = ⌊(H + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1`. `weight` is
/// `[out_channels, in_channels / groups, kernel height, kernel width]`, `bias` `[out_channels]`.
///
/// Both start uniform in ±1/√fan_in, the weight drawn first, bit for bit what PyTorch draws; fan_in is the number of
/// inputs that an output is computed from.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let rng = Rng::seed(0);
/// let conv = Conv2d::options(1, 32, 3).padding(1).stride(2).build(&rng)?;
/// let images = Tensor::zeros([8, 1, 28, 28], DType::F32)?;
/// assert_eq!(conv.forward(&images.into())?.shape().to_string(), "[8, 32, 14, 14]");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug, Module)]
#[module(extra_repr = Self::settings, multiply_adds = Self::cost)]
pub struct Conv2d {
    /// `[out_channels, in_channels / groups, kernel height, kernel width]`.
    pub weight: Parameter,
    /// `[out_channels]`; None without bias.
    pub bias: Option<Parameter>,
    options: ConvOptions,
}

impl Conv2d {
    /// Stride 1, no padding, one group, with a bias, in f32.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: impl Pair, rng: &Rng) -> Result<Self> {
        Self::options(in_channels, out_channels, kernel_size).build(rng)
    }

    /// Settings beyond the common ones.
    pub fn options(in_channels: usize, out_channels: usize, kernel_size: impl Pair) -> Conv2dOptions {
        Conv2dOptions {
            in_channels,
            out_channels,
            kernel_size: kernel_size.pair(),
            options: ConvOptions::default(),
            bias: true,
            dtype: DType::F32,
        }
    }

    /// Each output is a product with one row of the weight.
    fn cost(&self, _: &Shape, output: &Shape) -> usize {
        output.numel().saturating_mul(self.weight.numel() / self.weight.shape()[0].max(1))
    }

    fn settings(&self) -> String {
        let (shape, ConvOptions { stride, padding, dilation, groups }) = (self.weight.shape(), self.options);
        let padding = match padding {
            Padding::Zeros(zeros) => format!("{zeros:?}"),
            Padding::Same => "same".to_string(),
        };
        format!(
            "{}, {}, kernel_size={:?}, stride={stride:?}, padding={padding}, dilation={dilation:?}, \
             groups={groups}, bias={}",
            shape[1] * groups,
            shape[0],
            &shape[2..],
            self.bias.is_some()
        )
    }
}

impl Layer for Conv2d {
    fn compute(&self, x: &Var) -> Result<Var> {
        let bias = self.bias.as_ref().map(Parameter::var);
        Ok(x.conv2d(&self.weight.var(), bias.as_ref(), self.options)?)
    }
}

/// Settings of a [`Conv2d`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct Conv2dOptions {
    in_channels: usize,
    out_channels: usize,
    kernel_size: [usize; 2],
    options: ConvOptions,
    bias: bool,
    dtype: DType,
}

impl Conv2dOptions {
    /// Distance between windows; default 1.
    pub fn stride(mut self, stride: impl Pair) -> Self {
        self.options.stride = stride.pair();
        self
    }

    /// Zeros added on each side; default 0.
    pub fn padding(mut self, padding: impl Pair) -> Self {
        self.options.padding = padding.pair().into();
        self
    }

    /// As many zeros as keep height and width: `padding='same'`.
    pub fn padding_same(mut self) -> Self {
        self.options.padding = Padding::Same;
        self
    }

    /// Distance between the elements of a window; default 1.
    pub fn dilation(mut self, dilation: impl Pair) -> Self {
        self.options.dilation = dilation.pair();
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
    /// If the groups do not divide the channels, if `padding_same` comes with a stride, if the dtype is not
    /// floating-point or memory does not suffice.
    pub fn build(self, rng: &Rng) -> Result<Conv2d> {
        let Self { in_channels, out_channels, kernel_size: [height, width], bias, dtype, .. } = self;
        let groups = self.options.groups;
        if groups == 0 || in_channels % groups != 0 || out_channels % groups != 0 {
            let value = format!("{in_channels}, {out_channels}, {groups}");
            let expected = "both numbers of channels divisible by groups, at least 1";
            return Err(argument("in_channels, out_channels, groups", value, expected));
        }
        let options = self.options;
        if options.padding == Padding::Same && options.stride != [1, 1] {
            return Err(argument("stride", format!("{:?}", options.stride), "1 with padding_same"));
        }
        let shape = [out_channels, in_channels / groups, height, width];
        let (weight, bias) = init::layer_default(&shape, bias, dtype, rng)?;
        Ok(Conv2d { weight, bias, options })
    }
}

fn argument(argument: &'static str, value: String, expected: &'static str) -> Error {
    Error::Argument { op: "Conv2d", argument, value, expected }
}
