//! `log Σ exp(x)` over dimensions, computed without overflow; the gradient is `g exp(x − y)`.

use super::sum::keepdim_shape;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Dims, Result, Var};
use smallvec::SmallVec;
use tensor_core::Tensor;

struct LogSumExp {
    dims: SmallVec<[isize; 4]>,
    keepdim: bool,
}

impl Op for LogSumExp {
    fn name(&self) -> &'static str {
        "logsumexp"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let x = inputs[0];
        // Nothing sums to 0, whose logarithm is −∞; an infinite largest element would leave ∞ − ∞.
        let max = match x.numel() {
            0 => Tensor::zeros(keepdim_shape(x.shape(), &self.dims)?, x.dtype())?,
            _ => x.amax(&self.dims[..], true)?,
        };
        let infinite = max.abs()?.eq_scalar(f64::INFINITY)?;
        let max = max.masked_fill(&infinite, 0.0)?;
        let log = x.sub(&max)?.exp()?.sum_dim(&self.dims[..], self.keepdim)?.log()?;
        let max = max.view_as(log.shape())?;
        Ok(log.add(&max)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let x = ctx.input(0);
        let keepdim = keepdim_shape(x.shape(), &self.dims)?;
        let y = ctx.output(0).view_as(&keepdim)?;
        // A row of −∞ alone has no gradient, where the formula says −∞ + ∞.
        let y = y.masked_fill(&y.value().eq_scalar(f64::NEG_INFINITY)?, 0.0)?;
        let dx = x.sub(&y)?.exp()?.mul(&ctx.grad().view_as(&keepdim)?)?;
        Ok(Grads::from_iter([Some(dx)]))
    }
}

impl Var {
    /// `log Σ exp(x)` over `dims` (all, if empty): `torch.logsumexp`. A sum over −∞ alone is −∞.
    ///
    /// # Errors
    /// If a dimension does not exist or the dtype is not floating-point.
    #[track_caller]
    pub fn logsumexp(&self, dims: impl Dims, keepdim: bool) -> Result<Var> {
        apply(LogSumExp { dims: dims.with(SmallVec::from_slice), keepdim }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "logsumexp",
    sample: |s| {
        let rank = s.below(4);
        let shape = s.shape_of_rank(rank);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let dims: Vec<isize> = if s.one_in(3) { Vec::new() } else { vec![s.dim(rank)] };
        let keepdim = s.one_in(2);
        let expected =
            x.exp()?.sum_dim(&dims[..], keepdim)?.to_vec::<f64>()?.into_iter().map(f64::ln).collect();
        Ok(Sample::new(vec![x], move |x| x[0].logsumexp(&dims[..], keepdim)).expect(expected))
    },
    order: 2,
};
