//! Convolutions over one to three dimensions and transposed ones.

use crate::ops::convolution::Convolution;
use crate::{Result, Tensor};

/// Zeros beside the input of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding<const N: usize = 2> {
    /// This many on each side. Default 0, PyTorch's `'valid'`.
    Zeros([usize; N]),
    /// As many as keep the sizes, of an odd number the greater half at the end; for stride 1: `padding='same'`.
    Same,
}

impl<const N: usize> From<[usize; N]> for Padding<N> {
    fn from(zeros: [usize; N]) -> Self {
        Self::Zeros(zeros)
    }
}

impl<const N: usize> From<usize> for Padding<N> {
    fn from(zeros: usize) -> Self {
        Self::Zeros([zeros; N])
    }
}

/// Keywords of `torch.nn.functional.conv1d`, `conv2d` and `conv3d`, with their defaults; a number for each of the `N`
/// dimensions, the last one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions<const N: usize = 2> {
    /// Distance between positions of the kernel. Default 1.
    pub stride: [usize; N],
    /// Zeros added on each side. Default 0.
    pub padding: Padding<N>,
    /// Distance between elements under the kernel. Default 1.
    pub dilation: [usize; N],
    /// Groups of channels that do not see each other. Default 1.
    pub groups: usize,
}

impl<const N: usize> Default for ConvOptions<N> {
    fn default() -> Self {
        Self { stride: [1; N], padding: Padding::Zeros([0; N]), dilation: [1; N], groups: 1 }
    }
}

/// Keywords of `torch.nn.functional.conv_transpose1d`, `conv_transpose2d` and `conv_transpose3d`, with their defaults;
/// a number for each of the `N` dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTransposeOptions<const N: usize = 2> {
    /// Distance in the output between neighbours of the input. Default 1.
    pub stride: [usize; N],
    /// Elements cut off on each side of the output. Default 0.
    pub padding: [usize; N],
    /// Elements added at the end of the output; smaller than the stride or the dilation. Default 0.
    pub output_padding: [usize; N],
    /// Distance between the elements that one of the input is spread over. Default 1.
    pub dilation: [usize; N],
    /// Groups of channels that do not see each other. Default 1.
    pub groups: usize,
}

impl<const N: usize> Default for ConvTransposeOptions<N> {
    fn default() -> Self {
        let (padding, output_padding) = ([0; N], [0; N]);
        Self { stride: [1; N], padding, output_padding, dilation: [1; N], groups: 1 }
    }
}

#[track_caller]
fn conv<const N: usize>(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvOptions<N>,
) -> Result<Tensor> {
    if x.rank() == N + 1 {
        return conv(&x.unsqueeze(0)?, weight, bias, options)?.squeeze(0);
    }
    Convolution::new(x.shape(), weight.shape(), options)?.output(x, weight, bias)
}

#[track_caller]
fn conv_transpose<const N: usize>(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvTransposeOptions<N>,
) -> Result<Tensor> {
    if x.rank() == N + 1 {
        return conv_transpose(&x.unsqueeze(0)?, weight, bias, options)?.squeeze(0);
    }
    let plan = Convolution::transposed(x.shape(), weight.shape(), options)?;
    let y = plan.input_gradient(x, weight)?;
    match bias {
        Some(bias) => y.add(&bias.view_as(&plan.transposed_bias(bias.shape())?)?),
        None => Ok(y),
    }
}

impl Tensor {
    /// `torch.nn.functional.conv1d`: [`conv2d`](Tensor::conv2d) over one dimension. `[N, C, L]` or `[C, L]`,
    /// `[O, C / groups, l]` and `[O]`.
    ///
    /// # Errors
    /// As for `conv2d`.
    #[track_caller]
    pub fn conv1d(&self, weight: &Tensor, bias: Option<&Tensor>, options: ConvOptions<1>) -> Result<Tensor> {
        conv(self, weight, bias, options)
    }

    /// `y[n, o, i, j] = bias[o] + Σ x[n, c, i s − p + h d, j s − p + w d] · weight[o, c, h, w]` over c, h and w, zeros
    /// in the padding: `torch.nn.functional.conv2d`. `[N, C, H, W]` or `[C, H, W]`, `[O, C / groups, h, w]` and `[O]`.
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    ///
    /// ```
    /// use tensor_core::{ConvOptions, DType, Padding, Tensor};
    /// let (x, weight) = (Tensor::ones([1, 2, 4, 4], DType::F32)?, Tensor::ones([3, 2, 3, 3], DType::F32)?);
    /// let y = x.conv2d(&weight, None, ConvOptions::default())?;
    /// assert_eq!(*y.shape(), [1, 3, 2, 2]);
    /// assert_eq!(y.to_vec::<f32>()?[0], 18.0);
    /// let y = x.conv2d(&weight, None, ConvOptions { padding: Padding::Same, ..Default::default() })?;
    /// assert_eq!(*y.shape(), [1, 3, 4, 4]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn conv2d(&self, weight: &Tensor, bias: Option<&Tensor>, options: ConvOptions) -> Result<Tensor> {
        conv(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv3d`: [`conv2d`](Tensor::conv2d) over three dimensions. `[N, C, D, H, W]` or
    /// `[C, D, H, W]`, `[O, C / groups, d, h, w]` and `[O]`.
    ///
    /// # Errors
    /// As for `conv2d`.
    #[track_caller]
    pub fn conv3d(&self, weight: &Tensor, bias: Option<&Tensor>, options: ConvOptions<3>) -> Result<Tensor> {
        conv(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv_transpose1d`: [`conv_transpose2d`](Tensor::conv_transpose2d) over one dimension.
    /// `[N, C, L]` or `[C, L]`, `[C, O / groups, l]` and `[O]`.
    ///
    /// # Errors
    /// As for `conv_transpose2d`.
    #[track_caller]
    pub fn conv_transpose1d(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        options: ConvTransposeOptions<1>,
    ) -> Result<Tensor> {
        conv_transpose(self, weight, bias, options)
    }

    /// Each element times the kernel, added up where they overlap, and `bias`: what maps an output's gradient to the
    /// input's in [`conv2d`](Tensor::conv2d), `torch.nn.functional.conv_transpose2d`. `[N, C, H, W]` or `[C, H, W]`,
    /// `[C, O / groups, h, w]` and `[O]`; the height becomes `(H − 1) s − 2 p + d (h − 1) + output_padding + 1`, and
    /// so does the width.
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv_transpose2d(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        options: ConvTransposeOptions,
    ) -> Result<Tensor> {
        conv_transpose(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv_transpose3d`: [`conv_transpose2d`](Tensor::conv_transpose2d) over three dimensions.
    /// `[N, C, D, H, W]` or `[C, D, H, W]`, `[C, O / groups, d, h, w]` and `[O]`.
    ///
    /// # Errors
    /// As for `conv_transpose2d`.
    #[track_caller]
    pub fn conv_transpose3d(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        options: ConvTransposeOptions<3>,
    ) -> Result<Tensor> {
        conv_transpose(self, weight, bias, options)
    }
}
