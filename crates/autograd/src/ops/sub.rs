//! self − other; the gradients are g and −g.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

struct Sub;

impl Op for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn keep(&self) -> Keep {
        Keep::Nothing
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].sub(inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let da = if ctx.needs_grad(0) { Some(g.clone()) } else { None };
        let db = if ctx.needs_grad(1) { Some(g.neg()?) } else { None };
        Ok(Grads::from([da, db]))
    }
}

struct SubScalar(Scalar);

impl Op for SubScalar {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].sub_scalar(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().clone())]))
    }
}

impl Var {
    /// self − other, element by element. Shapes broadcast.
    #[track_caller]
    pub fn sub(&self, other: &Var) -> Result<Var> {
        apply(Sub, &[self, other])
    }

    /// self − other, a number.
    #[track_caller]
    pub fn sub_scalar(&self, other: impl Into<Scalar>) -> Result<Var> {
        apply(SubScalar(other.into()), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "sub",
    sample: |s| match s.one_in(3) {
        true => Sample::pointwise(s, (-3.0, 3.0), |x| x.sub_scalar(1.7), |x| x - 1.7),
        false => Sample::broadcast(s, (-3.0, 3.0), |a, b| a.sub(b), |a, b| a - b),
    },
    order: 2,
};
