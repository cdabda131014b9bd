//! The mean under each window; the gradient gives each element its share of every window over it. Both are linear and
//! each other's transpose.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{AvgPoolOptions, Result, Shape, Var};
use tensor_core::Tensor;

#[derive(Clone, Copy)]
struct AvgPool2d(AvgPoolOptions);

impl Op for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].avg_pool2d(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let spread = Spread { pool: *self, input: ctx.shape(0).clone() };
        Ok(Grads::from_iter([Some(apply(spread, &[ctx.grad()])?)]))
    }
}

/// Each element in equal shares over its window.
struct Spread {
    pool: AvgPool2d,
    input: Shape,
}

impl Op for Spread {
    fn name(&self) -> &'static str {
        "avg_pool2d_spread"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].avg_pool2d_backward(&self.input, self.pool.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(apply(self.pool, &[ctx.grad()])?)]))
    }
}

impl Var {
    /// The mean under each window of `[N, C, H, W]` or `[C, H, W]`: `torch.nn.functional.avg_pool2d`.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn avg_pool2d(&self, options: AvgPoolOptions) -> Result<Var> {
        apply(AvgPool2d(options), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "avg_pool2d",
    sample: |s| {
        let mut pair =
            |low: usize, high: usize| [low + s.below(high - low + 1), low + s.below(high - low + 1)];
        let (kernel, stride, extra) = (pair(1, 3), pair(1, 3), pair(0, 3));
        let padding = [s.below(kernel[0] / 2 + 1), s.below(kernel[1] / 2 + 1)];
        let (ceil_mode, count_include_pad) = (s.one_in(2), s.one_in(2));
        let divisor_override = if s.one_in(4) { Some(3) } else { None };
        let shape = Shape::from([s.below(3), 2, kernel[0] + extra[0], kernel[1] + extra[1]]);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let options =
            AvgPoolOptions { kernel, stride, padding, ceil_mode, count_include_pad, divisor_override };
        Ok(Sample::new(vec![x], move |x| x[0].avg_pool2d(options)))
    },
    order: 2,
};
