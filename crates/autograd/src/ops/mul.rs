//! self · other; each gradient is g times the other operand.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

struct Mul;

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn keep(&self) -> Keep {
        Keep::Others
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].mul(inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        // Where no graph is written the value is read in its place: a handle on it costs as much as the product.
        let g = ctx.grad();
        let times = |index| match ctx.create_graph() {
            true => g.mul(&ctx.input(index)),
            false => Ok(g.value().mul(ctx.input_value(index))?.into()),
        };
        let da = if ctx.needs_grad(0) { Some(times(1)?) } else { None };
        let db = if ctx.needs_grad(1) { Some(times(0)?) } else { None };
        Ok(Grads::from([da, db]))
    }
}

struct MulScalar(Scalar);

impl Op for MulScalar {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].mul_scalar(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().mul_scalar(self.0)?)]))
    }
}

impl Var {
    /// self · other, element by element. Shapes broadcast.
    #[track_caller]
    pub fn mul(&self, other: &Var) -> Result<Var> {
        apply(Mul, &[self, other])
    }

    /// self · other, a number.
    #[track_caller]
    pub fn mul_scalar(&self, other: impl Into<Scalar>) -> Result<Var> {
        apply(MulScalar(other.into()), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "mul",
    sample: |s| match s.one_in(3) {
        true => Sample::pointwise(s, (-3.0, 3.0), |x| x.mul_scalar(1.7), |x| x * 1.7),
        false => Sample::broadcast(s, (-3.0, 3.0), |a, b| a.mul(b), |a, b| a * b),
    },
    order: 2,
};
