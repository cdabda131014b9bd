//! Convolution over one to three dimensions. It and its two gradients are linear in both operands and each other's
//! derivatives: with `⟨y, conv(x, w)⟩ = ⟨x, input_gradient(y, w)⟩ = ⟨w, weight_gradient(y, x)⟩`, the rule of one is
//! made of the other two, for any order.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample, Sampler};
use crate::{ConvOptions, Padding, Result, Shape, Var};
use tensor_core::{Convolution, Tensor};

#[derive(Clone, Copy)]
struct Output(Convolution);

impl Op for Output {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(self.0.output(inputs[0], inputs[1], inputs.get(2).copied())?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, x, weight) = (ctx.grad(), ctx.input(0), ctx.input(1));
        let dx = needed(ctx, 0, || apply(InputGradient(self.0), &[g, &weight]))?;
        let dweight = needed(ctx, 1, || apply(WeightGradient(self.0), &[g, &x]))?;
        let mut grads = Grads::from_iter([dx, dweight]);
        if ctx.input_shape(2).is_some() {
            grads.push(needed(ctx, 2, || match ctx.create_graph() {
                true => {
                    let dims: Vec<isize> = (0..g.rank() as isize).filter(|&d| d != 1).collect();
                    g.sum_dim(&dims[..], false)
                }
                false => Ok(self.0.bias_gradient(g.value())?.into()),
            })?);
        }
        Ok(grads)
    }
}

/// The gradient of input `index`, if anyone wants it.
fn needed(ctx: &Context, index: usize, gradient: impl Fn() -> Result<Var>) -> Result<Option<Var>> {
    ctx.needs_grad(index).then(gradient).transpose()
}

/// Of the gradient of an output and the weight.
#[derive(Clone, Copy)]
pub(super) struct InputGradient(pub Convolution);

impl Op for InputGradient {
    fn name(&self) -> &'static str {
        "conv_input_gradient"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(self.0.input_gradient(inputs[0], inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        // The gradient has the shape of the convolution's input.
        let (h, g, weight) = (ctx.grad(), ctx.input(0), ctx.input(1));
        let dg = needed(ctx, 0, || apply(Output(self.0), &[h, &weight]))?;
        let dweight = needed(ctx, 1, || apply(WeightGradient(self.0), &[&g, h]))?;
        Ok(Grads::from_iter([dg, dweight]))
    }
}

/// Of the gradient of an output and the input.
#[derive(Clone, Copy)]
struct WeightGradient(Convolution);

impl Op for WeightGradient {
    fn name(&self) -> &'static str {
        "conv_weight_gradient"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(self.0.weight_gradient(inputs[0], inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        // The gradient has the shape of the convolution's weight.
        let (h, g, x) = (ctx.grad(), ctx.input(0), ctx.input(1));
        let dg = needed(ctx, 0, || apply(Output(self.0), &[&x, h]))?;
        let dx = needed(ctx, 1, || apply(InputGradient(self.0), &[&g, h]))?;
        Ok(Grads::from_iter([dg, dx]))
    }
}

#[track_caller]
fn conv<const N: usize>(x: &Var, weight: &Var, bias: Option<&Var>, options: ConvOptions<N>) -> Result<Var> {
    if x.rank() == N + 1 {
        return conv(&x.unsqueeze(0)?, weight, bias, options)?.squeeze(0);
    }
    let op = Output(Convolution::new(x.shape(), weight.shape(), options)?);
    match bias {
        Some(bias) => apply(op, &[x, weight, bias]),
        None => apply(op, &[x, weight]),
    }
}

impl Var {
    /// The convolution over the last `N` dimensions, 1 to 3, that the others are cases of: `[M, C, d1, ..]` or
    /// `[C, d1, ..]`; see [`Tensor::conv2d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv<const N: usize>(
        &self,
        weight: &Var,
        bias: Option<&Var>,
        options: ConvOptions<N>,
    ) -> Result<Var> {
        conv(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv1d`: `[N, C, L]` or `[C, L]`, weight `[O, C / groups, l]`, bias `[O]`; see
    /// [`Tensor::conv1d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv1d(&self, weight: &Var, bias: Option<&Var>, options: ConvOptions<1>) -> Result<Var> {
        conv(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv2d`: `[N, C, H, W]` or `[C, H, W]`, weight `[O, C / groups, h, w]`, bias `[O]`; see
    /// [`Tensor::conv2d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv2d(&self, weight: &Var, bias: Option<&Var>, options: ConvOptions) -> Result<Var> {
        conv(self, weight, bias, options)
    }

    /// `torch.nn.functional.conv3d`: `[N, C, D, H, W]` or `[C, D, H, W]`, weight `[O, C / groups, d, h, w]`, bias
    /// `[O]`; see [`Tensor::conv3d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv3d(&self, weight: &Var, bias: Option<&Var>, options: ConvOptions<3>) -> Result<Var> {
        conv(self, weight, bias, options)
    }
}

pub(crate) const ROW: Row = Row {
    name: "conv",
    sample: |s| match s.below(4) {
        0 => sample::<1>(s, Var::conv1d),
        1 => sample::<3>(s, Var::conv3d),
        _ => sample::<2>(s, Var::conv2d),
    },
    order: 2,
};

/// One of the three methods.
type Method<const N: usize> = fn(&Var, &Var, Option<&Var>, ConvOptions<N>) -> Result<Var>;

fn sample<const N: usize>(s: &mut Sampler, method: Method<N>) -> Result<Sample> {
    let groups = 1 + s.below(2);
    let (batch, inputs, outputs) = (s.below(3), groups * (1 + s.below(2)), groups * (1 + s.below(2)));
    let mut draw = |low, high: usize| [(); N].map(|()| low + s.below(high - low + 1));
    let (mut stride, zeros, dilation) = (draw(1, 2), draw(0, 2), draw(1, 2));
    let (kernel, extra) = (draw(1, 2), draw(0, 2));
    let mut padding = Padding::Zeros(zeros);
    if s.one_in(4) {
        (stride, padding) = ([1; N], Padding::Same);
    }
    let size = (0..N).map(|d| (kernel[d] - 1) * dilation[d] + 1 + extra[d]);
    let x = s.tensor(&[batch, inputs].into_iter().chain(size).collect(), -2.0, 2.0)?;
    let weight = s.tensor(&[outputs, inputs / groups].into_iter().chain(kernel).collect(), -2.0, 2.0)?;
    let bias = s.tensor(&Shape::from([outputs]), -2.0, 2.0)?;
    let options = ConvOptions { stride, padding, dilation, groups };
    let expected = naive(&x, &weight, &bias, options)?;
    let (has_bias, no_batch) = (!s.one_in(4), batch == 1 && s.one_in(2));
    let expected = if has_bias { Some(expected) } else { None };
    let call = move |v: &[Var]| {
        let x = if no_batch { v[0].squeeze(0)? } else { v[0].clone() };
        method(&x, &v[1], has_bias.then_some(&v[2]), options)
    };
    let sample = Sample::new(vec![x, weight, bias], call);
    Ok(Sample { expected, ..sample })
}

/// The place of element `i` of a tensor of `sizes`, outermost dimensions left out.
pub(super) fn coordinates<const N: usize>(mut i: usize, sizes: &[usize]) -> [usize; N] {
    let mut at = [0; N];
    for d in (0..N).rev() {
        (at[d], i) = (i % sizes[d], i / sizes[d]);
    }
    at
}

/// The sum over every element under every position of the kernel.
fn naive<const N: usize>(x: &Tensor, weight: &Tensor, bias: &Tensor, options: ConvOptions<N>) -> Result<Vec<f64>> {
    let ConvOptions { stride, padding, dilation, groups } = options;
    let (size, kernel) = (x.shape().to_vec(), weight.shape().to_vec());
    let (x, weight, bias) = (x.to_vec::<f64>()?, weight.to_vec::<f64>()?, bias.to_vec::<f64>()?);
    let reach: [usize; N] = std::array::from_fn(|d| dilation[d] * (kernel[d + 2] - 1));
    let (left, count): (_, [_; N]) = match padding {
        Padding::Zeros(zeros) => {
            let count = |d: usize| (size[d + 2] + 2 * zeros[d] - reach[d] - 1) / stride[d] + 1;
            (zeros, std::array::from_fn(count))
        }
        Padding::Same => (reach.map(|reach| reach / 2), std::array::from_fn(|d| size[d + 2])),
    };
    let (positions, elements) = (count.iter().product::<usize>(), kernel[2..].iter().product::<usize>());
    let mut y = Vec::new();
    for i in 0..size[0] * kernel[0] * positions {
        let (n, o, position): (_, _, [_; N]) = (i / positions / kernel[0], i / positions % kernel[0], coordinates(i, &count));
        let mut sum = bias[o];
        for j in 0..kernel[1] * elements {
            let (c, offset): (_, [_; N]) = (j / elements, coordinates(j, &kernel[2..]));
            let channel = o / (kernel[0] / groups) * kernel[1] + c;
            let place = (0..N).try_fold(n * size[1] + channel, |place, d| {
                let at = (position[d] * stride[d] + offset[d] * dilation[d]).checked_sub(left[d])?;
                (at < size[d + 2]).then_some(place * size[d + 2] + at)
            });
            sum += place.map_or(0.0, |place| x[place] * weight[o * kernel[1] * elements + j]);
        }
        y.push(sum);
    }
    Ok(y)
}
