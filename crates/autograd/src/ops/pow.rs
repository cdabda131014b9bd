//! aᵇ; the derivatives are b aᵇ⁻¹, 0 for b = 0, at a = 0 too, and aᵇ log a, 0 for a = 0 and b ≥ 0.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::pointwise::Pair;
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

const OP: Pair = Pair {
    name: "pow",
    keep: Keep::Both,
    forward: Tensor::pow,
    derivatives: [
        Some(|ctx| {
            let (a, b) = (ctx.input(0), ctx.input(1));
            let slope = b.mul(&a.pow(&b.sub_scalar(1)?)?)?;
            slope.masked_fill(&b.value().eq_scalar(0)?, 0.0)
        }),
        Some(|ctx| {
            let (a, b, y) = (ctx.input(0), ctx.input(1), ctx.output(0));
            let flat = a.value().eq_scalar(0)?.logical_and(&b.value().ge_scalar(0)?)?;
            // 1 in place of such a 0, lest the logarithm's derivative be infinite.
            let base = a.broadcast_to(y.shape())?.masked_fill(&flat, 1.0)?;
            y.mul(&base.log()?)
        }),
    ],
};

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
        let exponent = self.0.to::<f64>();
        if exponent == 0.0 {
            return Ok(Grads::from_iter([Some(ctx.grad().value().zeros_like()?.into())]));
        }
        let slope = ctx.input(0).pow_scalar(exponent - 1.0)?.mul_scalar(exponent)?;
        Ok(Grads::from_iter([Some(ctx.grad().mul(&slope)?)]))
    }
}

impl Var {
    /// self ^ exponent, element by element: `torch.pow`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are bool.
    #[track_caller]
    pub fn pow(&self, exponent: &Var) -> Result<Var> {
        apply(OP, &[self, exponent])
    }

    /// self ^ exponent, element by element, for a number: `torch.pow`. An integer tensor stays one beside an integer,
    /// and is f32 beside a float.
    ///
    /// # Errors
    /// If both are bool, or both are integers and the exponent is negative.
    #[track_caller]
    pub fn pow_scalar(&self, exponent: impl Into<Scalar>) -> Result<Var> {
        apply(PowScalar(exponent.into()), &[self])
    }

    /// base ^ self, element by element, for a number: `torch.pow` with a number as its first argument.
    ///
    /// # Errors
    /// If the dtype is bool.
    #[track_caller]
    pub fn rpow_scalar(&self, base: impl Into<Scalar>) -> Result<Var> {
        let (exponent, base) = self.beside(base)?;
        base.pow(&exponent)
    }
}

pub(crate) const ROW: Row = Row {
    name: "pow",
    sample: |s| match s.below(3) {
        0 => Sample::pointwise(s, (-2.0, 2.0), |x| x.rpow_scalar(1.7), |x| 1.7f64.powf(x)),
        1 => {
            let p = [0.0, 1.0, 2.0, 3.0, 0.5, -0.5, -1.0, -2.0, 2.7][s.below(9)];
            Sample::pointwise(s, (0.3, 2.5), move |x| x.pow_scalar(p), move |x| x.powf(p))
        }
        _ => Sample::broadcast(s, (0.4, 2.5), Var::pow, f64::powf),
    },
    order: 2,
};
