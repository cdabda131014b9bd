//! Two-dimensional convolution. It and its two gradients are linear in both operands and each other's derivatives:
//! with `⟨y, conv(x, w)⟩ = ⟨x, input_gradient(y, w)⟩ = ⟨w, weight_gradient(y, x)⟩`, the rule of one is made of the
//! other two, for any order.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{ConvOptions, Result, Shape, Var};
use tensor_core::Tensor;

struct Conv2d(ConvOptions);

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].conv2d(inputs[1], inputs.get(2).copied(), self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, x, weight) = (ctx.grad(), ctx.input(0), ctx.input(1));
        let dx = if ctx.needs_grad(0) { Some(input_gradient(g, &weight, x.shape(), self.0)?) } else { None };
        let dweight =
            if ctx.needs_grad(1) { Some(weight_gradient(g, &x, weight.shape(), self.0)?) } else { None };
        let mut grads = Grads::from_iter([dx, dweight]);
        if ctx.input_shape(2).is_some() {
            grads.push(match (ctx.needs_grad(2), ctx.create_graph()) {
                (false, _) => None,
                (true, true) => Some(g.sum_dim([0, 2, 3], false)?),
                (true, false) => Some(g.value().conv2d_bias_gradient()?.into()),
            });
        }
        Ok(grads)
    }
}

/// Of the gradient `[N, O, ..]` of an output and the weight.
struct InputGradient {
    input: Shape,
    options: ConvOptions,
}

#[track_caller]
fn input_gradient(g: &Var, weight: &Var, input: &Shape, options: ConvOptions) -> Result<Var> {
    apply(InputGradient { input: input.clone(), options }, &[g, weight])
}

impl Op for InputGradient {
    fn name(&self) -> &'static str {
        "conv2d_input_gradient"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].conv2d_input_gradient(inputs[1], &self.input, self.options)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        // The gradient has the shape of the convolution's input.
        let (h, g, weight) = (ctx.grad(), ctx.input(0), ctx.input(1));
        let dg = if ctx.needs_grad(0) { Some(apply(Conv2d(self.options), &[h, &weight])?) } else { None };
        let dweight = if ctx.needs_grad(1) {
            Some(weight_gradient(&g, h, weight.shape(), self.options)?)
        } else {
            None
        };
        Ok(Grads::from_iter([dg, dweight]))
    }
}

/// Of the gradient `[N, O, ..]` of an output and the input.
struct WeightGradient {
    weight: Shape,
    options: ConvOptions,
}

#[track_caller]
fn weight_gradient(g: &Var, x: &Var, weight: &Shape, options: ConvOptions) -> Result<Var> {
    apply(WeightGradient { weight: weight.clone(), options }, &[g, x])
}

impl Op for WeightGradient {
    fn name(&self) -> &'static str {
        "conv2d_weight_gradient"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].conv2d_weight_gradient(inputs[1], &self.weight, self.options)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        // The gradient has the shape of the convolution's weight.
        let (h, g, x) = (ctx.grad(), ctx.input(0), ctx.input(1));
        let dg = if ctx.needs_grad(0) { Some(apply(Conv2d(self.options), &[&x, h])?) } else { None };
        let dx = if ctx.needs_grad(1) { Some(input_gradient(&g, h, x.shape(), self.options)?) } else { None };
        Ok(Grads::from_iter([dg, dx]))
    }
}

impl Var {
    /// `torch.nn.functional.conv2d`: `[N, C, H, W]` or `[C, H, W]`, weight `[O, C / groups, h, w]`, bias `[O]`; see
    /// [`Tensor::conv2d`].
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or an option is out of range.
    #[track_caller]
    pub fn conv2d(&self, weight: &Var, bias: Option<&Var>, options: ConvOptions) -> Result<Var> {
        if self.rank() == 3 {
            return self.unsqueeze(0)?.conv2d(weight, bias, options)?.squeeze(0);
        }
        match bias {
            Some(bias) => apply(Conv2d(options), &[self, weight, bias]),
            None => apply(Conv2d(options), &[self, weight]),
        }
    }
}

pub(crate) const ROW: Row = Row {
    name: "conv2d",
    sample: |s| {
        let groups = 1 + s.below(2);
        let (batch, inputs, outputs) = (s.below(3), groups * (1 + s.below(2)), groups * (1 + s.below(2)));
        let mut pair = |low, high: usize| [low + s.below(high - low + 1), low + s.below(high - low + 1)];
        let (stride, padding, dilation) = (pair(1, 2), pair(0, 2), pair(1, 2));
        let (kernel, extra) = (pair(1, 2), pair(0, 2));
        let size = |d: usize| (kernel[d] - 1) * dilation[d] + 1 + extra[d];
        let shape = Shape::from([batch, inputs, size(0), size(1)]);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let weight = s.tensor(&Shape::from([outputs, inputs / groups, kernel[0], kernel[1]]), -2.0, 2.0)?;
        let bias = s.tensor(&Shape::from([outputs]), -2.0, 2.0)?;
        let options = ConvOptions { stride, padding, dilation, groups };
        let expected = naive(&x, &weight, &bias, options)?;
        let call = move |x: &[Var]| x[0].conv2d(&x[1], Some(&x[2]), options);
        Ok(Sample::new(vec![x, weight, bias], call).expect(expected))
    },
    order: 2,
};

/// The sum over every element under every position of the kernel.
fn naive(x: &Tensor, weight: &Tensor, bias: &Tensor, options: ConvOptions) -> Result<Vec<f64>> {
    let ConvOptions { stride, padding, dilation, groups } = options;
    let (size, kernel) = (x.shape().to_vec(), weight.shape().to_vec());
    let (x, weight, bias) = (x.to_vec::<f64>()?, weight.to_vec::<f64>()?, bias.to_vec::<f64>()?);
    let count =
        |d: usize| (size[d + 2] + 2 * padding[d] - dilation[d] * (kernel[d + 2] - 1) - 1) / stride[d] + 1;
    let mut y = Vec::new();
    for i in 0..size[0] * kernel[0] * count(0) * count(1) {
        let (n, o) = (i / (count(0) * count(1)) / kernel[0], i / (count(0) * count(1)) % kernel[0]);
        let at = [i / count(1) % count(0), i % count(1)];
        let mut sum = bias[o];
        for j in 0..kernel[1] * kernel[2] * kernel[3] {
            let (c, offset) = (j / (kernel[2] * kernel[3]), [j / kernel[3] % kernel[2], j % kernel[3]]);
            let place = |d: usize| (at[d] * stride[d] + offset[d] * dilation[d]).checked_sub(padding[d]);
            if let (Some(row), Some(column)) = (place(0), place(1))
                && row < size[2]
                && column < size[3]
            {
                let channel = o / (kernel[0] / groups) * kernel[1] + c;
                sum += x[((n * size[1] + channel) * size[2] + row) * size[3] + column]
                    * weight[o * kernel[1] * kernel[2] * kernel[3] + j];
            }
        }
        y.push(sum);
    }
    Ok(y)
}
