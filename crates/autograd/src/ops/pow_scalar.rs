//! self ^ p for a number p; the derivative is p x^(p−1), and 0 for p = 0, at x = 0 too.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

struct PowScalar(Scalar);

impl Op for PowScalar {
    fn name(&self) -> &'static str {
        "pow"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].pow_scalar(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let p = self.0.to::<f64>();
        if p == 0.0 {
            return Ok(Grads::from_iter([Some(ctx.grad().value().zeros_like()?.into())]));
        }
        let slope = ctx.input(0).pow_scalar(p - 1.0)?.mul_scalar(p)?;
        Ok(Grads::from_iter([Some(ctx.grad().mul(&slope)?)]))
    }
}

impl Var {
    /// self ^ exponent, element by element. An integer tensor with an integer exponent stays one.
    #[track_caller]
    pub fn pow_scalar(&self, exponent: impl Into<Scalar>) -> Result<Var> {
        apply(PowScalar(exponent.into()), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "pow_scalar",
    sample: |s| {
        let p = [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, -2.0, 2.7][s.below(8)];
        Sample::pointwise(s, (0.3, 2.5), move |x| x.pow_scalar(p), move |x| x.powf(p))
    },
    order: 2,
};
