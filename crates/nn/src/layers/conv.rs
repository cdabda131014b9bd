//! Convolution.

use crate::layers::size::PerDim;
use crate::{Error, Layer, Module, Result, Walk, Weighted, init};
use autograd::tensor_core::Rng;
use autograd::{ConvOptions, DType, PadMode, Padding, Parameter, Shape, Var};

/// [`Conv`] over sequences `[N, C, L]`: `nn.Conv1d`.
pub type Conv1d = Conv<1>;
/// [`Conv`] over images `[N, C, H, W]`: `nn.Conv2d`.
pub type Conv2d = Conv<2>;
/// [`Conv`] over volumes `[N, C, D, H, W]`: `nn.Conv3d`.
pub type Conv3d = Conv<3>;

/// What lies beyond the edges of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaddingMode {
    /// Zeros.
    #[default]
    Zeros,
    /// The input mirrored at its edge, which is not repeated.
    Reflect,
    /// The edge repeated.
    Replicate,
    /// The other end of the input.
    Circular,
}

/// Cross-correlation with learned windows: [`Conv1d`], [`Conv2d`], [`Conv3d`]. Input `[N, in_channels, d1, ..]` or without N,
/// output `[N, out_channels, d1', ..]` with `d' = ⌊(d + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1`. `weight` is
/// `[out_channels, in_channels / groups, kernel ..]`, `bias` `[out_channels]`.
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
#[derive(Debug)]
pub struct Conv<const DIMS: usize> {
    /// `[out_channels, in_channels / groups, kernel ..]`.
    pub weight: Parameter,
    /// `[out_channels]`; None without bias.
    pub bias: Option<Parameter>,
    options: ConvOptions<DIMS>,
    padding_mode: PaddingMode,
}

impl<const DIMS: usize> Conv<DIMS> {
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
    ) -> ConvLayerOptions<DIMS> {
        const { assert!(DIMS >= 1 && DIMS <= 3, "convolution is over 1, 2 or 3 dimensions") };
        ConvLayerOptions {
            in_channels,
            out_channels,
            kernel_size: kernel_size.each(),
            options: ConvOptions::default(),
            padding_mode: PaddingMode::Zeros,
            bias: true,
            dtype: DType::F32,
        }
    }

    /// How many elements are added before and after each dimension.
    fn margins(&self) -> [(usize, usize); DIMS] {
        std::array::from_fn(|dim| match self.options.padding {
            Padding::Zeros(padding) => (padding[dim], padding[dim]),
            Padding::Same => {
                // What a window reaches beyond its first element.
                let reach =
                    self.options.dilation[dim].saturating_mul(self.weight.shape()[2 + dim].saturating_sub(1));
                (reach / 2, reach - reach / 2)
            }
        })
    }

    /// The input with the elements that the padding mode puts around it.
    #[track_caller]
    fn surrounded(&self, x: &Var) -> Result<Var> {
        let mode = match self.padding_mode {
            PaddingMode::Zeros => PadMode::default(),
            PaddingMode::Reflect => PadMode::Reflect,
            PaddingMode::Replicate => PadMode::Replicate,
            PaddingMode::Circular => PadMode::Circular,
        };
        let size = |size| isize::try_from(size).unwrap_or(isize::MAX);
        let pads: Vec<isize> = self
            .margins()
            .into_iter()
            .rev()
            .flat_map(|(before, after)| [size(before), size(after)])
            .collect();
        Ok(x.pad(pads, mode)?)
    }
}

impl<const DIMS: usize> Module for Conv<DIMS> {
    fn visit(&self, walk: &mut Walk<'_>) {
        // Every field is named, so that a new one cannot be left out unseen.
        let Self { weight, bias, options: _, padding_mode: _ } = self;
        walk.module(self, |walk| {
            walk.child("weight", weight);
            walk.child("bias", bias);
        });
    }

    fn type_name(&self) -> &'static str {
        ["Conv1d", "Conv2d", "Conv3d"].get(DIMS - 1).copied().unwrap_or("Conv")
    }

    /// Each output is a product with one row of the weight.
    fn multiply_adds(&self, _: &Shape, output: &Shape) -> usize {
        output.numel().saturating_mul(self.weight.numel() / self.weight.shape()[0].max(1))
    }

    fn extra_repr(&self) -> String {
        let (shape, ConvOptions { stride, padding, dilation, groups }) = (self.weight.shape(), self.options);
        let padding = match padding {
            Padding::Zeros(zeros) => format!("{zeros:?}"),
            Padding::Same => "same".to_string(),
        };
        let mode = match self.padding_mode {
            PaddingMode::Zeros => String::new(),
            mode => format!(", padding_mode={mode:?}"),
        };
        format!(
            "{}, {}, kernel_size={:?}, stride={stride:?}, padding={padding}, dilation={dilation:?}, \
             groups={groups}, bias={}{mode}",
            shape[1] * groups,
            shape[0],
            &shape[2..],
            self.bias.is_some()
        )
    }
}

impl<const DIMS: usize> Layer for Conv<DIMS> {
    fn compute(&self, x: &Var) -> Result<Var> {
        self.compute_with(&self.weight.var(), x)
    }
}

impl<const DIMS: usize> Weighted for Conv<DIMS> {
    fn weight(&self) -> &Parameter {
        &self.weight
    }

    fn bias(&self) -> Option<&Parameter> {
        self.bias.as_ref()
    }

    fn compute_with(&self, weight: &Var, x: &Var) -> Result<Var> {
        let bias = self.bias.as_ref().map(Parameter::var);
        if self.padding_mode == PaddingMode::Zeros || x.rank() < DIMS {
            return Ok(x.conv(weight, bias.as_ref(), self.options)?);
        }
        let options = ConvOptions { padding: 0.into(), ..self.options };
        Ok(self.surrounded(x)?.conv(weight, bias.as_ref(), options)?)
    }
}

/// Settings of a [`Conv`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct ConvLayerOptions<const DIMS: usize> {
    in_channels: usize,
    out_channels: usize,
    kernel_size: [usize; DIMS],
    options: ConvOptions<DIMS>,
    padding_mode: PaddingMode,
    bias: bool,
    dtype: DType,
}

impl<const DIMS: usize> ConvLayerOptions<DIMS> {
    /// Distance between windows; default 1.
    pub fn stride(mut self, stride: impl PerDim<DIMS>) -> Self {
        self.options.stride = stride.each();
        self
    }

    /// Elements added on each side; default 0.
    pub fn padding(mut self, padding: impl PerDim<DIMS>) -> Self {
        self.options.padding = padding.each().into();
        self
    }

    /// As many elements as keep the sizes, of an odd number the greater half at the end: `padding='same'`.
    pub fn padding_same(mut self) -> Self {
        self.options.padding = Padding::Same;
        self
    }

    /// What the added elements are; default zeros.
    pub fn padding_mode(self, padding_mode: PaddingMode) -> Self {
        Self { padding_mode, ..self }
    }

    /// Distance between the elements of a window; default 1.
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
    /// If the groups do not divide the channels, if `padding_same` comes with a stride, if the dtype is not
    /// floating-point or memory does not suffice.
    pub fn build(self, rng: &Rng) -> Result<Conv<DIMS>> {
        let Self { in_channels, out_channels, kernel_size, options, padding_mode, bias, dtype } = self;
        check_groups("Conv", in_channels, out_channels, options.groups)?;
        if options.padding == Padding::Same && options.stride != [1; DIMS] {
            let (value, expected) = (format!("{:?}", options.stride), "1 with padding_same");
            return Err(Error::Argument { op: "Conv", argument: "stride", value, expected });
        }
        let shape = [&[out_channels, in_channels / options.groups], &kernel_size[..]].concat();
        let (weight, bias) = init::layer_default(&shape, bias.then_some(out_channels), dtype, rng)?;
        Ok(Conv { weight, bias, options, padding_mode })
    }
}

/// An error unless the groups share the channels evenly.
pub(crate) fn check_groups(op: &'static str, inputs: usize, outputs: usize, groups: usize) -> Result<()> {
    if groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups) {
        return Ok(());
    }
    let (argument, value) = ("in_channels, out_channels, groups", format!("{inputs}, {outputs}, {groups}"));
    Err(Error::Argument {
        op,
        argument,
        value,
        expected: "both numbers of channels divisible by groups, at least 1",
    })
}
