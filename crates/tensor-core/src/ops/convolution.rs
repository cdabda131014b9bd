//! A convolution with all sizes known, and its three products: each is linear in both operands.

use crate::dtype::dispatch_float;
use crate::kernel::conv::{self as kernel, Geometry};
use crate::kernel::window::{Axis, Window};
use crate::ops::conv::{ConvOptions, ConvTransposeOptions, Padding};
use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// A convolution of known sizes: input `[N, C, ..]`, weight `[O, C / groups, ..]`, output `[N, O, ..]` with one to
/// three spatial dimensions. [`output`](Convolution::output), [`input_gradient`](Convolution::input_gradient) and
/// [`weight_gradient`](Convolution::weight_gradient) are each other's derivatives; a transposed convolution is the
/// second of them.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    op: &'static str,
    geometry: Geometry,
    /// Spatial dimensions.
    rank: usize,
}

/// What the spatial dimensions of a call are named in messages.
const SPATIAL: [&str; 3] = ["L", "H, W", "D, H, W"];
const KERNELS: [&str; 3] = ["length", "height, width", "depth, height, width"];

/// An error for sizes of which one is 0.
#[track_caller]
pub(super) fn positive(op: &'static str, argument: &'static str, sizes: &[usize]) -> Result<()> {
    if sizes.contains(&0) {
        let value = format!("{sizes:?}");
        return Err(Error::new(op, ErrorKind::Argument { argument, value, expected: "at least 1" }));
    }
    Ok(())
}

#[track_caller]
fn refused<T>(op: &'static str, argument: &'static str, value: String, expected: &'static str) -> Result<T> {
    Err(Error::new(op, ErrorKind::Argument { argument, value, expected }))
}

#[track_caller]
fn mismatch<T>(op: &'static str, argument: &'static str, found: &Shape, expected: String) -> Result<T> {
    Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found: found.clone(), expected }))
}

/// The channels of a convolution's two sides and the kernel of `weight` `[outer, inner / groups, kernel..]`.
#[track_caller]
fn weight_sizes(
    op: &'static str,
    weight: &Shape,
    rank: usize,
    groups: usize,
    transposed: bool,
) -> Result<(usize, usize)> {
    let [outer, inner, ref kernel @ ..] = **weight else { return no_weight(op, weight, rank, transposed) };
    if kernel.len() != rank {
        return no_weight(op, weight, rank, transposed);
    }
    if groups == 0 || !outer.is_multiple_of(groups) {
        let expected = match transposed {
            true => "at least 1, and a divisor of the input channels",
            false => "at least 1, and a divisor of the output channels",
        };
        return refused(op, "groups", groups.to_string(), expected);
    }
    match inner.checked_mul(groups) {
        Some(inner) if !weight.contains(&0) => Ok((outer, inner)),
        _ => mismatch(op, "weight", weight, "no size of 0".to_string()),
    }
}

#[track_caller]
fn no_weight<T>(op: &'static str, weight: &Shape, rank: usize, transposed: bool) -> Result<T> {
    let channels = if transposed { "in, out / groups" } else { "out, in / groups" };
    mismatch(op, "weight", weight, format!("[{channels}, {}]", KERNELS[rank - 1]))
}

/// Batch and spatial sizes of an input with `channels`.
#[track_caller]
fn input_sizes<'a>(
    op: &'static str,
    x: &'a Shape,
    weight: &Shape,
    rank: usize,
    channels: usize,
) -> Result<(usize, &'a [usize])> {
    match **x {
        [batch, c, ref sizes @ ..] if c == channels && sizes.len() == rank => Ok((batch, sizes)),
        _ => {
            let spatial = SPATIAL[rank - 1];
            mismatch(
                op,
                "input",
                x,
                format!("[N, {channels}, {spatial}] or without N, to fit weight {weight}"),
            )
        }
    }
}

impl Convolution {
    /// The convolution of an input of shape `x` with a weight of shape `weight`.
    ///
    /// # Errors
    /// If the shapes do not fit or an option is out of range.
    #[track_caller]
    pub fn new<const N: usize>(x: &Shape, weight: &Shape, options: ConvOptions<N>) -> Result<Self> {
        let op = const { ["conv1d", "conv2d", "conv3d"][N - 1] };
        let ConvOptions { stride, padding, dilation, groups } = options;
        positive(op, "stride", &stride)?;
        positive(op, "dilation", &dilation)?;
        let (out_channels, in_channels) = weight_sizes(op, weight, N, groups, false)?;
        let (batch, sizes) = input_sizes(op, x, weight, N, in_channels)?;
        if padding == Padding::Same && stride != [1; N] {
            return refused(op, "stride", format!("{stride:?}"), "1 with padding \"same\"");
        }
        let mut axes = [Axis::UNIT; 3];
        for d in 0..N {
            let (input, kernel) = (sizes[d], weight[d + 2]);
            let window = Window { kernel, stride: stride[d], padding: 0, dilation: dilation[d] };
            let (padding, output) = match padding {
                Padding::Zeros(padding) => {
                    let padding = padding[d];
                    (padding, Window { padding, ..window }.output_size(input, false))
                }
                // Of an odd number the greater half goes to the end.
                Padding::Same => ((kernel - 1).saturating_mul(dilation[d]) / 2, Some(input)),
            };
            let window = Window { padding, ..window };
            let Some(output) = output.filter(|&n| n > 0 && padding < isize::MAX as usize / 2) else {
                let kernel = &weight[2..];
                return mismatch(
                    op,
                    "input",
                    x,
                    format!("at least as large, padded, as the kernel {kernel:?}, dilated"),
                );
            };
            axes[3 - N + d] = Axis { input, output, window };
        }
        Ok(Self { op, geometry: Geometry { batch, in_channels, out_channels, groups, axes }, rank: N })
    }

    /// The convolution whose input gradient is the transposed convolution of an input of shape `x` with a weight of
    /// shape `weight` `[in, out / groups, ..]`.
    ///
    /// # Errors
    /// If the shapes do not fit or an option is out of range.
    #[track_caller]
    pub fn transposed<const N: usize>(
        x: &Shape,
        weight: &Shape,
        options: ConvTransposeOptions<N>,
    ) -> Result<Self> {
        let op = const { ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"][N - 1] };
        let ConvTransposeOptions { stride, padding, output_padding, dilation, groups } = options;
        positive(op, "stride", &stride)?;
        positive(op, "dilation", &dilation)?;
        let (out_channels, in_channels) = weight_sizes(op, weight, N, groups, true)?;
        let (batch, sizes) = input_sizes(op, x, weight, N, out_channels)?;
        let mut axes = [Axis::UNIT; 3];
        for d in 0..N {
            if output_padding[d] >= stride[d].max(dilation[d]) {
                let expected = "smaller than the stride or the dilation";
                return refused(op, "output_padding", format!("{output_padding:?}"), expected);
            }
            let (output, kernel) = (sizes[d], weight[d + 2]);
            let window = Window { kernel, stride: stride[d], padding: padding[d], dilation: dilation[d] };
            let Some(input) = transposed_size(output, window, output_padding[d]) else {
                return mismatch(
                    op,
                    "input",
                    x,
                    "a size that leaves an output, less the padding".to_string(),
                );
            };
            axes[3 - N + d] = Axis { input, output, window };
        }
        Ok(Self { op, geometry: Geometry { batch, in_channels, out_channels, groups, axes }, rank: N })
    }

    /// The shape `[C, 1, ..]` in which a transposed convolution adds its bias of shape `bias`.
    ///
    /// # Errors
    /// If that is not `[C]`.
    #[track_caller]
    pub fn transposed_bias(&self, bias: &Shape) -> Result<Shape> {
        let channels = self.geometry.in_channels;
        if *bias != [channels] {
            return mismatch(self.op, "bias", bias, format!("[{channels}]"));
        }
        Ok([channels].into_iter().chain(std::iter::repeat_n(1, self.rank)).collect())
    }

    fn axes(&self) -> &[Axis] {
        &self.geometry.axes[3 - self.rank..]
    }

    fn shape(&self, lead: [usize; 2], size: impl Fn(&Axis) -> usize) -> Shape {
        lead.into_iter().chain(self.axes().iter().map(size)).collect()
    }

    /// `[N, C, ..]`.
    pub fn input_shape(&self) -> Shape {
        self.shape([self.geometry.batch, self.geometry.in_channels], |axis| axis.input)
    }

    /// `[O, C / groups, ..]`.
    pub fn weight_shape(&self) -> Shape {
        let Geometry { in_channels, out_channels, groups, .. } = self.geometry;
        self.shape([out_channels, in_channels / groups], |axis| axis.window.kernel)
    }

    /// `[N, O, ..]`.
    pub fn output_shape(&self) -> Shape {
        self.shape([self.geometry.batch, self.geometry.out_channels], |axis| axis.output)
    }

    /// `tensor`, row-major, if it has `shape` and the dtype of `like`.
    #[track_caller]
    fn operand(
        &self,
        argument: &'static str,
        tensor: &Tensor,
        shape: Shape,
        like: &Tensor,
    ) -> Result<Tensor> {
        like.same_dtype(self.op, tensor)?;
        if *tensor.shape() != shape {
            return mismatch(self.op, argument, tensor.shape(), shape.to_string());
        }
        tensor.contiguous()
    }

    /// The convolution of `x` with `weight`, and `bias` `[O]` added.
    ///
    /// # Errors
    /// If a shape is not that of the plan or the dtypes are not one float dtype.
    #[track_caller]
    pub fn output(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let geometry = &self.geometry;
        let channels = Shape::from([geometry.out_channels]);
        let weight = self.operand("weight", weight, self.weight_shape(), x)?;
        let bias = match bias {
            Some(bias) => Some(self.operand("bias", bias, channels, x)?),
            None => None,
        };
        let x = self.operand("input", x, self.input_shape(), x)?;
        dispatch_float!(self.op, [x, weight, bias], T => Tensor::build::<T>(self.op, self.output_shape(), |y| {
            let bias = bias.as_ref().map(|b| b.dense::<T>());
            kernel::conv(geometry, x.dense::<T>(), weight.dense::<T>(), bias, y);
        }))
    }

    /// The gradient of the input, with `g` as that of the output.
    ///
    /// # Errors
    /// As for [`output`](Convolution::output).
    #[track_caller]
    pub fn input_gradient(&self, g: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let weight = self.operand("weight", weight, self.weight_shape(), g)?;
        let g = self.operand("the gradient", g, self.output_shape(), g)?;
        dispatch_float!(self.op, [g, weight], T => Tensor::build::<T>(self.op, self.input_shape(), |dx| {
            kernel::conv_input_gradient(&self.geometry, g.dense::<T>(), weight.dense::<T>(), dx);
        }))
    }

    /// The gradient of the weight, with `g` as that of the output.
    ///
    /// # Errors
    /// As for [`output`](Convolution::output).
    #[track_caller]
    pub fn weight_gradient(&self, g: &Tensor, x: &Tensor) -> Result<Tensor> {
        let x = self.operand("input", x, self.input_shape(), g)?;
        let g = self.operand("the gradient", g, self.output_shape(), g)?;
        dispatch_float!(self.op, [g, x], T => Tensor::build::<T>(self.op, self.weight_shape(), |dweight| {
            kernel::conv_weight_gradient(&self.geometry, g.dense::<T>(), x.dense::<T>(), dweight);
        }))
    }

    /// The gradient of the bias: `g`, that of the output, summed over all but the channels.
    ///
    /// # Errors
    /// As for [`output`](Convolution::output).
    #[track_caller]
    pub fn bias_gradient(&self, g: &Tensor) -> Result<Tensor> {
        let g = self.operand("the gradient", g, self.output_shape(), g)?;
        let shape = Shape::from([self.geometry.out_channels]);
        dispatch_float!(self.op, [g], T => Tensor::build::<T>(self.op, shape, |dbias| {
            kernel::conv_bias_gradient(&self.geometry, g.dense::<T>(), dbias);
        }))
    }
}

/// `(n − 1) stride − 2 padding + dilation (kernel − 1) + output_padding + 1`, None below 1.
fn transposed_size(n: usize, window: Window, output_padding: usize) -> Option<usize> {
    let Window { kernel, stride, padding, dilation } = window;
    let reach = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(output_padding)?.checked_add(1)?;
    let covered = n.checked_sub(1)?.checked_mul(stride)?.checked_add(reach)?;
    covered.checked_sub(padding.checked_mul(2)?).filter(|&size| size > 0)
}
