//! Transposed convolution over one to three dimensions: the input gradient of a convolution, whose rule it has.

use super::conv::{InputGradient, coordinates};
use crate::op::apply;
use crate::testing::{Row, Sample, Sampler};
use crate::{ConvTransposeOptions, Result, Shape, Var};
use tensor_core::{Convolution, Tensor};

#[track_caller]
fn conv_transpose<const N: usize>(
    x: &Var,
    weight: &Var,
    bias: Option<&Var>,
    options: ConvTransposeOptions<N>,
) -> Result<Var> {
    if x.rank() == N + 1 {
        return conv_transpose(&x.unsqueeze(0)?, weight, bias, options)?.squeeze(0);
    }
    let plan = Convolution::transposed(x.shape(), weight.shape(), options)?;
    let y = apply(InputGradient(plan), &[x, weight])?;
    match bias {
        Some(bias) => y.add(&bias.view_as(&plan.transposed_bias(bias.shape())?)?),
        None => Ok(y),
    }
}

impl Var {
    /// The convolution over the last `N` dimensions, 1 to 3, that the others are cases of: `[M, C, d1, ..]` or
    /// `[C, d1, ..]`; see [`Tensor::conv_transpose2d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv_transpose<const N: usize>(
        &self,
        weight: &Var,
        bias: Option<&Var>,
        options: ConvTransposeOptions<N>,
    ) -> Result<Var> {
        conv_transpose(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv_transpose1d`: `[N, C, L]` or `[C, L]`, weight `[C, O / groups, l]`, bias `[O]`; see
    /// [`Tensor::conv_transpose1d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv_transpose1d(
        &self,
        weight: &Var,
        bias: Option<&Var>,
        options: ConvTransposeOptions<1>,
    ) -> Result<Var> {
        conv_transpose(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv_transpose2d`: `[N, C, H, W]` or `[C, H, W]`, weight `[C, O / groups, h, w]`, bias
    /// `[O]`; see [`Tensor::conv_transpose2d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv_transpose2d(
        &self,
        weight: &Var,
        bias: Option<&Var>,
        options: ConvTransposeOptions,
    ) -> Result<Var> {
        conv_transpose(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv_transpose3d`: `[N, C, D, H, W]` or `[C, D, H, W]`, weight `[C, O / groups, d, h, w]`,
    /// bias `[O]`; see [`Tensor::conv_transpose3d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv_transpose3d(
        &self,
        weight: &Var,
        bias: Option<&Var>,
        options: ConvTransposeOptions<3>,
    ) -> Result<Var> {
        conv_transpose(self, weight, bias, options)
    }
}

pub(crate) const ROW: Row = Row {
    name: "conv_transpose",
    sample: |s| match s.below(4) {
        0 => sample::<1>(s, Var::conv_transpose1d),
        1 => sample::<3>(s, Var::conv_transpose3d),
        _ => sample::<2>(s, Var::conv_transpose2d),
    },
    order: 2,
};

/// One of the three methods.
type Method<const N: usize> = fn(&Var, &Var, Option<&Var>, ConvTransposeOptions<N>) -> Result<Var>;

fn sample<const N: usize>(s: &mut Sampler, method: Method<N>) -> Result<Sample> {
    let groups = 1 + s.below(2);
    let (batch, inputs, outputs) = (s.below(3), groups * (1 + s.below(2)), 1 + s.below(2));
    let mut draw = |low, high: usize| [(); N].map(|()| low + s.below(high - low + 1));
    let (stride, dilation, kernel, size) = (draw(1, 2), draw(1, 3), draw(1, 2), draw(1, 3));
    let extra = draw(0, 2);
    let output_padding = std::array::from_fn(|d| extra[d].min(stride[d].max(dilation[d]) - 1));
    let whole = |d: usize| (size[d] - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + output_padding[d] + 1;
    let cut = draw(0, 1);
    let padding = std::array::from_fn(|d| cut[d].min((whole(d) - 1) / 2));
    let options = ConvTransposeOptions { stride, padding, output_padding, dilation, groups };
    let x = s.tensor(&[batch, inputs].into_iter().chain(size).collect(), -2.0, 2.0)?;
    let weight = s.tensor(&[inputs, outputs].into_iter().chain(kernel).collect(), -2.0, 2.0)?;
    let bias = s.tensor(&Shape::from([outputs * groups]), -2.0, 2.0)?;
    let expected = naive(&x, &weight, &bias, options, std::array::from_fn(|d| whole(d) - 2 * padding[d]))?;
    Ok(Sample::new(vec![x, weight, bias], move |v| method(&v[0], &v[1], Some(&v[2]), options))
        .expect(expected))
}

/// Every product added where it goes.
fn naive<const N: usize>(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    options: ConvTransposeOptions<N>,
    out: [usize; N],
) -> Result<Vec<f64>> {
    let ConvTransposeOptions { stride, padding, dilation, groups, .. } = options;
    let (size, kernel) = (x.shape().to_vec(), weight.shape().to_vec());
    let (x, weight, bias) = (x.to_vec::<f64>()?, weight.to_vec::<f64>()?, bias.to_vec::<f64>()?);
    let product = |sizes: &[usize]| sizes.iter().product::<usize>();
    let (plane, elements, room) = (product(&size[2..]), product(&kernel[2..]), product(&out));
    let mut y: Vec<f64> = (0..size[0] * bias.len() * room).map(|i| bias[i / room % bias.len()]).collect();
    for (i, x) in x.iter().enumerate() {
        let (n, c, from): (_, _, [_; N]) = (i / plane / size[1], i / plane % size[1], coordinates(i, &size[2..]));
        for j in 0..kernel[1] * elements {
            let (o, offset): (_, [_; N]) = (j / elements, coordinates(j, &kernel[2..]));
            let channel = c / (size[1] / groups) * kernel[1] + o;
            let place = (0..N).try_fold(n * bias.len() + channel, |place, d| {
                let to = (from[d] * stride[d] + offset[d] * dilation[d]).checked_sub(padding[d])?;
                (to < out[d]).then_some(place * out[d] + to)
            });
            if let Some(place) = place {
                y[place] += x * weight[c * kernel[1] * elements + j];
            }
        }
    }
    Ok(y)
}
