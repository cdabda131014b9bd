//! self + other; both gradients are that of the sum.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

struct Add;

impl Op for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn keep(&self) -> Keep {
        Keep::Nothing
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].add(inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let da = if ctx.needs_grad(0) { Some(g.clone()) } else { None };
        let db = if ctx.needs_grad(1) { Some(g.clone()) } else { None };
        Ok(Grads::from([da, db]))
    }
}

struct AddScalar(Scalar);

impl Op for AddScalar {
    fn name(&self) -> &'static str {
        "add"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].add_scalar(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().clone())]))
    }
}

impl Var {
    /// self + other, element by element. Shapes broadcast.
    #[track_caller]
    pub fn add(&self, other: &Var) -> Result<Var> {
        apply(Add, &[self, other])
    }

    /// self + other, a number.
    #[track_caller]
    pub fn add_scalar(&self, other: impl Into<Scalar>) -> Result<Var> {
        apply(AddScalar(other.into()), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "add",
    sample: |s| match s.one_in(3) {
        true => Sample::pointwise(s, (-3.0, 3.0), |x| x.add_scalar(1.7), |x| x + 1.7),
        false => Sample::broadcast(s, (-3.0, 3.0), |a, b| a.add(b), |a, b| a + b),
    },
    order: 2,
};
