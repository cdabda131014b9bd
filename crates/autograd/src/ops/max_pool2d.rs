//! The largest element under each window; its place takes the whole gradient, the first of equal ones.

use crate::op::{Context, Forward, Grads, Op, apply, apply_array};
use crate::testing::{Row, Sample};
use crate::{MaxPoolOptions, Result, Shape, Var};
use tensor_core::Tensor;

struct MaxPool2d(MaxPoolOptions);

impl Op for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let (y, indices) = inputs[0].max_pool2d(self.0)?;
        Ok(Forward::many([y, indices.clone()]).with_extra(indices))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let scatter = Scatter { indices: ctx.extra(0).clone(), input: ctx.shape(0).clone(), options: self.0 };
        Ok(Grads::from_iter([Some(apply(scatter, &[ctx.grad()])?)]))
    }
}

/// Each element put at its index of a plane of zeros.
struct Scatter {
    indices: Tensor,
    input: Shape,
    options: MaxPoolOptions,
}

impl Op for Scatter {
    fn name(&self) -> &'static str {
        "max_pool2d_scatter"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].max_pool2d_backward(&self.indices, &self.input, self.options)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let places = self.indices.flatten(-2, -1)?;
        let picked = ctx.grad().flatten(-2, -1)?.gather(-1, &places)?;
        Ok(Grads::from_iter([Some(picked.view_as(self.indices.shape())?)]))
    }
}

impl Var {
    /// The largest element under each window of `[N, C, H, W]` or `[C, H, W]`: `torch.nn.functional.max_pool2d`; see
    /// [`Tensor::max_pool2d`]. NaN is the largest.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn max_pool2d(&self, options: MaxPoolOptions) -> Result<Var> {
        Ok(self.max_pool2d_with_indices(options)?.0)
    }

    /// [`max_pool2d`](Var::max_pool2d) with the index (i64) of each largest element in its plane.
    ///
    /// # Errors
    /// As for `max_pool2d`.
    #[track_caller]
    pub fn max_pool2d_with_indices(&self, options: MaxPoolOptions) -> Result<(Var, Tensor)> {
        let [y, indices] = apply_array(MaxPool2d(options), &[self])?;
        Ok((y, indices.detach()))
    }
}

pub(crate) const ROW: Row = Row {
    name: "max_pool2d",
    sample: |s| {
        let mut pair =
            |low: usize, high: usize| [low + s.below(high - low + 1), low + s.below(high - low + 1)];
        let (kernel, stride, dilation, extra) = (pair(1, 3), pair(1, 3), pair(1, 2), pair(0, 3));
        let reach = [0, 1].map(|d| (kernel[d] - 1) * dilation[d] + 1);
        let padding = [s.below(reach[0] / 2 + 1), s.below(reach[1] / 2 + 1)];
        let ceil_mode = s.one_in(2);
        let shape = Shape::from([s.below(3), 2, reach[0] + extra[0], reach[1] + extra[1]]);
        let x = s.distinct(&shape)?;
        let options = MaxPoolOptions { kernel, stride, padding, dilation, ceil_mode };
        Ok(Sample::new(vec![x], move |x| x[0].max_pool2d(options)))
    },
    order: 2,
};
