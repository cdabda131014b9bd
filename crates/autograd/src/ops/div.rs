//! self / other; the gradients are g / b and −g a / b².

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

struct Div;

impl Op for Div {
    fn name(&self) -> &'static str {
        "div"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].div(inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let da = if ctx.needs_grad(0) { Some(g.div(&ctx.input(1))?) } else { None };
        let db = if ctx.needs_grad(1) { Some(g.mul(&ctx.input(0))?.div(&ctx.input(1).pow_scalar(2)?)?.neg()?) } else { None };
        Ok(Grads::from([da, db]))
    }
}

struct DivScalar(Scalar);

impl Op for DivScalar {
    fn name(&self) -> &'static str {
        "div"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].div_scalar(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().div_scalar(self.0)?)]))
    }
}

impl Var {
    /// self / other, element by element. Shapes broadcast.
    #[track_caller]
    pub fn div(&self, other: &Var) -> Result<Var> {
        apply(Div, &[self, other])
    }

    /// self / other, a number.
    #[track_caller]
    pub fn div_scalar(&self, other: impl Into<Scalar>) -> Result<Var> {
        apply(DivScalar(other.into()), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "div",
    sample: |s| match s.one_in(3) {
        true => Sample::pointwise(s, (-3.0, 3.0), |x| x.div_scalar(1.7), |x| x / 1.7),
        false => Sample::broadcast(s, (0.5, 3.0), |a, b| a.div(b), |a, b| a / b),
    },
    order: 2,
};
