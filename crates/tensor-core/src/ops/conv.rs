//! Two-dimensional convolution and its gradients. Each of the three is linear in both operands.

use crate::dtype::dispatch_float;
use crate::kernel::conv::{self as kernel, Geometry};
use crate::kernel::im2col::Axis;
use crate::kernel::pool::Window;
use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// Keywords of `torch.nn.functional.conv2d`, with its defaults; pairs are height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Distance between positions of the kernel. Default 1.
    pub stride: [usize; 2],
    /// Zeros added on each side. Default 0.
    pub padding: [usize; 2],
    /// Distance between elements under the kernel. Default 1.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other. Default 1.
    pub groups: usize,
}

impl Default for ConvOptions {
    fn default() -> Self {
        Self { stride: [1; 2], padding: [0; 2], dilation: [1; 2], groups: 1 }
    }
}

/// An error for a pair of which one is 0.
#[track_caller]
pub(super) fn positive(op: &'static str, argument: &'static str, pair: [usize; 2]) -> Result<()> {
    if pair.contains(&0) {
        let value = format!("{pair:?}");
        return Err(Error::new(op, ErrorKind::Argument { argument, value, expected: "at least 1" }));
    }
    Ok(())
}

/// The sizes of a convolution of `x` `[N, C, H, W]` and `weight` `[O, C / groups, h, w]`, checked.
#[track_caller]
fn geometry(op: &'static str, x: &Shape, weight: &Shape, options: ConvOptions) -> Result<Geometry> {
    let ConvOptions { stride, padding, dilation, groups } = options;
    positive(op, "stride", stride)?;
    positive(op, "dilation", dilation)?;
    let mismatch = |argument, found: &Shape, expected: String| {
        Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found: found.clone(), expected }))
    };
    let [out_channels, group_channels, kh, kw] = **weight else {
        return mismatch("weight", weight, "[out, in / groups, height, width]".to_string());
    };
    if groups == 0 || !out_channels.is_multiple_of(groups) {
        let (value, expected) = (groups.to_string(), "at least 1, and a divisor of the output channels");
        return Err(Error::new(op, ErrorKind::Argument { argument: "groups", value, expected }));
    }
    if out_channels == 0 || group_channels == 0 || kh == 0 || kw == 0 {
        return mismatch("weight", weight, "no size of 0".to_string());
    }
    let fits =
        format!("[N, {}, H, W] or without N, to fit weight {weight}", group_channels.saturating_mul(groups));
    let [batch, in_channels, height, width] = **x else { return mismatch("input", x, fits) };
    if group_channels.checked_mul(groups) != Some(in_channels) {
        return mismatch("input", x, fits);
    }
    let mut axes = [Axis::UNIT; 3];
    for (d, (input, kernel)) in [(height, kh), (width, kw)].into_iter().enumerate() {
        let window = Window { kernel, stride: stride[d], padding: padding[d], dilation: dilation[d] };
        let Some(output) = window.output_size(input, false) else {
            return mismatch(
                "input",
                x,
                format!("at least as large, padded, as the kernel [{kh}, {kw}], dilated"),
            );
        };
        axes[d + 1] = Axis { input, output, window };
    }
    Ok(Geometry { batch, in_channels, out_channels, groups, axes })
}

fn output_shape(geometry: &Geometry) -> Shape {
    Shape::from([geometry.batch, geometry.out_channels, geometry.axes[1].output, geometry.axes[2].output])
}

/// The gradient of the output must have its shape.
#[track_caller]
fn check_gradient(op: &'static str, geometry: &Geometry, g: &Tensor) -> Result<()> {
    let expected = output_shape(geometry);
    if *g.shape() == expected {
        return Ok(());
    }
    let (found, expected) = (g.shape().clone(), expected.to_string());
    Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "the gradient", found, expected }))
}

impl Tensor {
    /// `y[n, o, i, j] = bias[o] + Σ x[n, c, i s − p + h d, j s − p + w d] · weight[o, c, h, w]` over c, h and w, zeros
    /// in the padding: `torch.nn.functional.conv2d`. `[N, C, H, W]` or `[C, H, W]`, `[O, C / groups, h, w]` and `[O]`.
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    ///
    /// ```
    /// use tensor_core::{ConvOptions, DType, Tensor};
    /// let (x, weight) = (Tensor::ones([1, 2, 4, 4], DType::F32)?, Tensor::ones([3, 2, 3, 3], DType::F32)?);
    /// let y = x.conv2d(&weight, None, ConvOptions::default())?;
    /// assert_eq!(*y.shape(), [1, 3, 2, 2]);
    /// assert_eq!(y.to_vec::<f32>()?[0], 18.0);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn conv2d(&self, weight: &Tensor, bias: Option<&Tensor>, options: ConvOptions) -> Result<Tensor> {
        const OP: &str = "conv2d";
        if self.rank() == 3 {
            return self.unsqueeze(0)?.conv2d(weight, bias, options)?.squeeze(0);
        }
        self.same_dtype(OP, weight)?;
        let geometry = geometry(OP, self.shape(), weight.shape(), options)?;
        if let Some(bias) = bias {
            self.same_dtype(OP, bias)?;
            if *bias.shape() != [geometry.out_channels] {
                let (found, expected) = (bias.shape().clone(), format!("[{}]", geometry.out_channels));
                return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "bias", found, expected }));
            }
        }
        let bias = bias.map(Tensor::contiguous).transpose()?;
        let (x, weight) = (self.contiguous()?, weight.contiguous()?);
        dispatch_float!(OP, [x, weight, bias], T => Tensor::build::<T>(OP, output_shape(&geometry), |y| {
            let bias = bias.as_ref().map(|b| b.dense::<T>());
            kernel::conv(&geometry, x.dense::<T>(), weight.dense::<T>(), bias, y);
        }))
    }

    /// The gradient of the input `[N, C, H, W]` of shape `input` of [`conv2d`](Tensor::conv2d), with this tensor as
    /// the gradient of its output.
    ///
    /// # Errors
    /// As for `conv2d`.
    #[track_caller]
    pub fn conv2d_input_gradient(
        &self,
        weight: &Tensor,
        input: &Shape,
        options: ConvOptions,
    ) -> Result<Tensor> {
        const OP: &str = "conv2d_input_gradient";
        self.same_dtype(OP, weight)?;
        let geometry = geometry(OP, input, weight.shape(), options)?;
        check_gradient(OP, &geometry, self)?;
        let (g, weight) = (self.contiguous()?, weight.contiguous()?);
        dispatch_float!(OP, [g, weight], T => Tensor::build::<T>(OP, input.clone(), |dx| {
            kernel::conv_input_gradient(&geometry, g.dense::<T>(), weight.dense::<T>(), dx);
        }))
    }

    /// The gradient of the weight of shape `weight` of [`conv2d`](Tensor::conv2d) of `input` `[N, C, H, W]`, with this
    /// tensor as the gradient of its output.
    ///
    /// # Errors
    /// As for `conv2d`.
    #[track_caller]
    pub fn conv2d_weight_gradient(
        &self,
        input: &Tensor,
        weight: &Shape,
        options: ConvOptions,
    ) -> Result<Tensor> {
        const OP: &str = "conv2d_weight_gradient";
        self.same_dtype(OP, input)?;
        let geometry = geometry(OP, input.shape(), weight, options)?;
        check_gradient(OP, &geometry, self)?;
        let (g, x) = (self.contiguous()?, input.contiguous()?);
        dispatch_float!(OP, [g, x], T => Tensor::build::<T>(OP, weight.clone(), |dweight| {
            kernel::conv_weight_gradient(&geometry, g.dense::<T>(), x.dense::<T>(), dweight);
        }))
    }

    /// The gradient of the bias of [`conv2d`](Tensor::conv2d): this tensor, the gradient `[N, O, H, W]` of its output,
    /// summed over all but the channels.
    ///
    /// # Errors
    /// If there are not four dimensions or the dtype is not floating-point.
    #[track_caller]
    pub fn conv2d_bias_gradient(&self) -> Result<Tensor> {
        const OP: &str = "conv2d_bias_gradient";
        let [batch, out_channels, height, width] = **self.shape() else {
            let (found, expected) = (self.shape().clone(), "[N, O, H, W]".to_string());
            return Err(Error::new(
                OP,
                ErrorKind::ShapeMismatch { argument: "the gradient", found, expected },
            ));
        };
        let axes = [Axis::UNIT, Axis { output: height, ..Axis::UNIT }, Axis { output: width, ..Axis::UNIT }];
        let geometry = Geometry { batch, in_channels: 1, out_channels, groups: 1, axes };
        let g = self.contiguous()?;
        dispatch_float!(OP, [g], T => Tensor::build::<T>(OP, Shape::from([out_channels]), |dbias| {
            kernel::conv_bias_gradient(&geometry, g.dense::<T>(), dbias);
        }))
    }
}
