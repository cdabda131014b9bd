//! Running `log Σ exp(x)`.
//!
//! `dxₖ = Σᵢ≥ₖ gᵢ exp(xₖ − yᵢ) = exp(xₖ − yₖ) sₖ` where `sₖ = gₖ + exp(yₖ − yₖ₊₁) sₖ₊₁`: y never falls, so no exponential
//! overflows.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct LogCumSumExp {
    dim: isize,
}

impl Op for LogCumSumExp {
    fn name(&self) -> &'static str {
        "logcumsumexp"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].logcumsumexp(self.dim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, y, g, dim) = (ctx.input(0), ctx.output(0), ctx.grad(), self.dim);
        if x.rank() == 0 || x.numel() == 0 {
            return Ok(Grads::from_iter([Some(g.clone())]));
        }
        let last = x.size(dim)? - 1;
        let next = Var::cat(&[&y.narrow(dim, 1, last)?, &y.narrow(dim, last as isize, 1)?], dim)?;
        // Where nothing but −∞ came before there is no gradient, and −∞ + ∞ is no number.
        let nothing = y.value().eq_scalar(f64::NEG_INFINITY)?;
        let factor = y.sub(&next)?.masked_fill(&nothing, f64::NEG_INFINITY)?.exp()?;
        let share = x.sub(&y)?.masked_fill(&nothing, f64::NEG_INFINITY)?.exp()?;
        Ok(Grads::from_iter([Some(share.mul(&g.linear_scan(&factor, dim, true)?)?)]))
    }
}

impl Var {
    /// `yᵢ = log(exp(x₀) + … + exp(xᵢ))` along `dim`, computed without overflow: `torch.logcumsumexp`.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn logcumsumexp(&self, dim: isize) -> Result<Var> {
        apply(LogCumSumExp { dim }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "logcumsumexp",
    sample: |s| {
        let shape = s.shape(3);
        let dim = s.dim(shape.len());
        let x = s.tensor(&shape, -3.0, 3.0)?;
        let expected = x.exp()?.cumsum(dim)?.log()?.to_vec::<f64>()?;
        Ok(Sample::new(vec![x], move |x| x[0].logcumsumexp(dim)).expect(expected))
    },
    order: 2,
};
