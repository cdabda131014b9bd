//! Norms of vectors, and what is measured by them.
//!
//! For `y = (Σ |x|ᵖ)^(1/p)` the gradient is `sign(x) |x / y|^(p−1) g`; PyTorch's values at 0: none where y is 0, none
//! at x = 0 for p < 1, and for p = ±∞ the extreme elements share it.

use super::sum::keepdim_shape;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Dims, Error, Result, Var};
use smallvec::SmallVec;
use tensor_core::Tensor;

struct VectorNorm {
    ord: f64,
    /// All dimensions, if empty.
    dims: SmallVec<[isize; 4]>,
    keepdim: bool,
}

impl Op for VectorNorm {
    fn name(&self) -> &'static str {
        "vector_norm"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].vector_norm(self.ord, &self.dims[..], self.keepdim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let x = ctx.input(0);
        let keepdim = keepdim_shape(x.shape(), &self.dims)?;
        let (y, g) = (ctx.output(0).view_as(&keepdim)?, ctx.grad().view_as(&keepdim)?);
        Ok(Grads::from_iter([Some(norm_gradient(&x, &y, &g, self.ord, &self.dims)?)]))
    }
}

/// The gradient of the norms y of x over `dims`, given theirs; both with the reduced dimensions as 1.
pub(super) fn norm_gradient(x: &Var, y: &Var, g: &Var, ord: f64, dims: &[isize]) -> Result<Var> {
    let sign: Var = x.value().sign()?.into();
    let zero = y.value().eq_scalar(0.0)?;
    match ord {
        0.0 => Ok(x.value().zeros_like()?.into()),
        1.0 => g.mul(&sign),
        2.0 => x.mul(&g.div(y)?.masked_fill(&zero, 0.0)?),
        _ if ord.is_infinite() => {
            let chosen = x.value().abs()?.eq(y.value())?;
            let count = chosen.sum_dim(dims, true)?.to_dtype(x.dtype())?;
            sign.mul(&g.div(&count.into())?)?.masked_fill(&chosen.eq_scalar(false)?, 0.0)
        }
        _ if ord < 1.0 => {
            let at_zero = x.value().eq_scalar(0.0)?;
            // 1 in place of 0, whose negative power would be infinite in the derivative too.
            let power = x.abs()?.masked_fill(&at_zero, 1.0)?.pow_scalar(ord - 1.0)?;
            sign.mul(&power)?.mul(&g.mul(&y.pow_scalar(1.0 - ord)?)?)
        }
        _ => {
            let scale = g.div(&y.pow_scalar(ord - 1.0)?)?.masked_fill(&zero, 0.0)?;
            let power = match ord {
                ..2.0 => x.abs()?.pow_scalar(ord - 1.0)?.mul(&sign)?,
                _ => x.abs()?.pow_scalar(ord - 2.0)?.mul(x)?,
            };
            power.mul(&scale)
        }
    }
}

impl Var {
    /// The norm `(Σ |x|ᵖ)^(1/p)` over `dims` (all, if empty) for p = `ord`; the largest |x| for ∞, the smallest for −∞,
    /// the number of nonzero elements for 0: `torch.linalg.vector_norm`. A norm of 0 passes no gradient.
    ///
    /// # Errors
    /// If a dimension does not exist, the dtype is not floating-point, or there is nothing to reduce and `ord` is
    /// negative or infinite.
    #[track_caller]
    pub fn vector_norm(&self, ord: f64, dims: impl Dims, keepdim: bool) -> Result<Var> {
        apply(VectorNorm { ord, dims: dims.with(SmallVec::from_slice), keepdim }, &[self])
    }

    /// The p-norm over `dims` (all, if empty): `torch.norm`, which is
    /// [`vector_norm`](Var::vector_norm) with its first argument so named.
    ///
    /// # Errors
    /// As for `vector_norm`.
    #[track_caller]
    pub fn norm(&self, p: f64, dims: impl Dims, keepdim: bool) -> Result<Var> {
        self.vector_norm(p, dims, keepdim)
    }

    /// The p-norm of the difference: `torch.dist`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes are not one float dtype.
    #[track_caller]
    pub fn dist(&self, other: &Var, p: f64) -> Result<Var> {
        self.sub(other)?.vector_norm(p, &[][..], false)
    }

    /// Each slice of dimension `dim` whose p-norm exceeds `maxnorm` scaled down to it: `torch.renorm`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions or not this one, or `p` is not positive, or `maxnorm` is negative.
    #[track_caller]
    pub fn renorm(&self, p: f64, dim: isize, maxnorm: f64) -> Result<Var> {
        let location = std::panic::Location::caller();
        let refuse = |argument, value: String, expected| {
            Err(Error::Argument { op: "renorm", argument, value, expected, location })
        };
        if self.rank() < 2 {
            return refuse("the input's shape", self.shape().to_string(), "at least 2 dimensions");
        }
        if p.is_nan() || p <= 0.0 {
            return refuse("p", p.to_string(), "a number above 0");
        }
        if maxnorm.is_nan() || maxnorm < 0.0 {
            return refuse("maxnorm", maxnorm.to_string(), "a number from 0");
        }
        let at = self.shape().dim("renorm", dim)? as isize;
        let others: Vec<isize> = (0..self.rank() as isize).filter(|&d| d != at).collect();
        let norm = self.vector_norm(p, &others[..], true)?;
        let within = norm.value().le_scalar(maxnorm)?;
        // 1e-7 as in PyTorch.
        let scale = norm.add_scalar(1e-7)?.pow_scalar(-1)?.mul_scalar(maxnorm)?;
        self.mul(&scale.masked_fill(&within, 1.0)?)
    }
}

/// Every kind of norm.
const ORDS: [f64; 11] =
    [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, -1.0, -2.0, f64::INFINITY, f64::NEG_INFINITY];

pub(crate) const ROW: Row = Row {
    name: "vector_norm",
    sample: |s| {
        let rank = s.below(4);
        let shape = s.shape_of_rank(rank);
        // Not symmetric about 0, where the sizes of two elements would tie.
        let x = s.distinct(&shape)?.add_scalar(0.02)?;
        let ord = ORDS[s.below(ORDS.len())];
        match s.below(6) {
            0 if ord.is_finite() => {
                let other = s.narrowed(&shape);
                // Odd multiples of 0.05 less multiples of 0.3 are never 0.
                let other = s.distinct(&other)?.sub_scalar(0.05)?.mul_scalar(3)?;
                return Ok(Sample::new(vec![x, other], move |x| x[0].dist(&x[1], ord)));
            }
            1 if rank >= 2 => {
                let (p, dim) = ([1.0, 2.0, 3.0][s.below(3)], s.dim(rank));
                // No sum of these values, where the result has a kink.
                return Ok(Sample::new(vec![x], move |x| x[0].renorm(p, dim, 0.3141)));
            }
            _ => {}
        }
        let dims: Vec<isize> = if rank == 0 || s.one_in(3) { Vec::new() } else { vec![s.dim(rank)] };
        let keepdim = s.one_in(2);
        let sample = Sample::new(vec![x.clone()], {
            let dims = dims.clone();
            move |x| x[0].vector_norm(ord, &dims[..], keepdim)
        });
        if !dims.is_empty() {
            return Ok(sample);
        }
        let size = x.to_vec::<f64>()?.into_iter().map(f64::abs);
        let expected = match ord {
            0.0 => size.count() as f64,
            f64::INFINITY => size.fold(0.0, f64::max),
            f64::NEG_INFINITY => size.fold(f64::INFINITY, f64::min),
            _ => size.map(|v| v.powf(ord)).sum::<f64>().powf(1.0 / ord),
        };
        Ok(sample.expect(vec![expected]))
    },
    order: 2,
};
