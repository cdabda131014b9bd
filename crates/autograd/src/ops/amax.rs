//! The largest or smallest element over dimensions; equal ones share the gradient evenly.

use super::sum::keepdim_shape;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Dims, Result, Var};
use smallvec::SmallVec;
use tensor_core::Tensor;

struct Extreme {
    /// All dimensions, if empty.
    dims: SmallVec<[isize; 4]>,
    keepdim: bool,
    largest: bool,
}

impl Op for Extreme {
    fn name(&self) -> &'static str {
        if self.largest { "amax" } else { "amin" }
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let reduce = if self.largest { Tensor::amax } else { Tensor::amin };
        Ok(reduce(inputs[0], &self.dims[..], self.keepdim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, y) = (ctx.input(0), ctx.output(0));
        let keepdim = keepdim_shape(x.shape(), &self.dims)?;
        let (y, g) = (y.view_as(&keepdim)?, ctx.grad().view_as(&keepdim)?);
        Ok(Grads::from_iter([Some(share_evenly(&x, &y, &g, &self.dims)?)]))
    }
}

/// The gradient g of y, which was chosen among the elements of x over `dims`, for each that equals it an equal part; the
/// reduced dimensions of y and g are 1.
pub(super) fn share_evenly(x: &Var, y: &Var, g: &Var, dims: &[isize]) -> Result<Var> {
    let (x, y) = (x.value(), y.value());
    let mut chosen = x.eq(y)?;
    let nan = y.ne(y)?;
    if nan.any()? {
        // A NaN was chosen among all that are NaN.
        chosen = chosen.maximum(&nan.minimum(&x.ne(x)?)?)?;
    }
    let count = chosen.sum_dim(dims, true)?.to_dtype(x.dtype())?;
    g.div(&count.into())?.broadcast_to(x.shape())?.masked_fill(&chosen.eq_scalar(false)?, 0.0)
}

impl Var {
    /// The largest elements over `dims` (all, if empty); NaN wins: `torch.amax`. Equal ones share the gradient.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    #[track_caller]
    pub fn amax(&self, dims: impl Dims, keepdim: bool) -> Result<Var> {
        apply(Extreme { dims: dims.with(SmallVec::from_slice), keepdim, largest: true }, &[self])
    }

    /// The smallest elements over `dims` (all, if empty); NaN wins: `torch.amin`. Equal ones share the gradient.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    #[track_caller]
    pub fn amin(&self, dims: impl Dims, keepdim: bool) -> Result<Var> {
        apply(Extreme { dims: dims.with(SmallVec::from_slice), keepdim, largest: false }, &[self])
    }

    /// The smallest and the largest elements along `dim`, of the whole tensor for `None`: `torch.aminmax`.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    #[track_caller]
    pub fn aminmax(&self, dim: impl Into<Option<isize>>, keepdim: bool) -> Result<(Var, Var)> {
        let dim = dim.into();
        Ok((self.amin(dim.as_slice(), keepdim)?, self.amax(dim.as_slice(), keepdim)?))
    }
}

pub(crate) const ROW: Row = Row {
    name: "amax",
    sample: |s| {
        let rank = s.below(4);
        let shape = s.shape_of_rank(rank);
        let x = s.distinct(&shape)?;
        let dims: Vec<isize> = if s.one_in(3) { Vec::new() } else { vec![s.dim(rank)] };
        let (keepdim, largest) = (s.one_in(2), s.one_in(2));
        let reduce = move |x: &Var| match (largest, &dims[..]) {
            (true, dims) => x.amax(dims, keepdim),
            (false, &[dim]) => Ok(x.aminmax(dim, keepdim)?.0),
            (false, dims) => x.amin(dims, keepdim),
        };
        Ok(Sample::new(vec![x], move |x| reduce(&x[0])))
    },
    order: 2,
};
