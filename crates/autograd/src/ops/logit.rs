//! log(x / (1 − x)); the derivative is 1 / (x (1 − x)), and 0 where x was clamped.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Logit {
    eps: Option<f64>,
}

impl Op for Logit {
    fn name(&self) -> &'static str {
        "logit"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].logit(self.eps)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let x = ctx.input(0);
        let (low, high) = self.eps.map_or((0.0, 1.0), |eps| (eps, 1.0 - eps));
        let outside = x.value().lt_scalar(low)?.logical_or(&x.value().gt_scalar(high)?)?;
        // The half is any number whose slope is finite.
        let inside = x.masked_fill(&outside, 0.5)?;
        let slope = inside.neg()?.add_scalar(1)?.mul(&inside)?.reciprocal()?;
        let beyond = if self.eps.is_some() { 0.0 } else { f64::NAN };
        Ok(Grads::from_iter([Some(ctx.grad().mul(&slope)?.masked_fill(&outside, beyond)?)]))
    }
}

impl Var {
    /// log(x / (1 − x)), the inverse of [`sigmoid`](Var::sigmoid), with x first clamped to [eps, 1 − eps] where `eps`
    /// is given: `torch.logit`. Without it NaN outside [0, 1].
    #[track_caller]
    pub fn logit(&self, eps: Option<f64>) -> Result<Var> {
        apply(Logit { eps }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "logit",
    sample: |s| match s.one_in(2) {
        true => Sample::pointwise(s, (0.1, 0.9), |x| x.logit(None), |x| (x / (1.0 - x)).ln()),
        // All above the upper bound, or all between the bounds.
        false => {
            let range = if s.one_in(2) { (0.75, 1.5) } else { (0.35, 0.65) };
            let reference = |x: f64| {
                let x = x.clamp(0.3, 0.7);
                (x / (1.0 - x)).ln()
            };
            Sample::pointwise(s, range, |x| x.logit(Some(0.3)), reference)
        }
    },
    order: 2,
};
