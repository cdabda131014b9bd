//! Sorting and picking by rank; each element's gradient goes back to where it was.

use super::amax::share_evenly;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

/// The median of the whole tensor; elements equal to it share the gradient.
struct Median {
    skip_nan: bool,
}

impl Op for Median {
    fn name(&self) -> &'static str {
        if self.skip_nan { "nanmedian" } else { "median" }
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let median = if self.skip_nan { Tensor::nanmedian } else { Tensor::median };
        Ok(median(inputs[0])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let dx = share_evenly(&ctx.input(0), &ctx.output(0), ctx.grad(), &[])?;
        Ok(Grads::from_iter([Some(dx)]))
    }
}

impl Var {
    /// The elements sorted along `dim` and their indices (i64): `torch.sort`, always stable. NaN counts as the
    /// largest.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn sort(&self, dim: isize, descending: bool) -> Result<(Var, Tensor)> {
        let indices = self.value().argsort(dim, descending)?;
        Ok((self.gather(dim, &indices)?, indices))
    }

    /// The `k` largest or smallest elements along `dim` in their order, and their indices (i64): `torch.topk`, always
    /// sorted; the first of equals comes first. NaN counts as the largest.
    ///
    /// # Errors
    /// If there is no such dimension or it has fewer than `k` elements.
    #[track_caller]
    pub fn topk(&self, k: usize, dim: isize, largest: bool) -> Result<(Var, Tensor)> {
        let indices = self.value().topk(k, dim, largest)?.1;
        Ok((self.gather(dim, &indices)?, indices))
    }

    /// The `k`-th smallest elements along `dim`, counted from 1, and their indices (i64): `torch.kthvalue`. NaN counts
    /// as the largest.
    ///
    /// # Errors
    /// If there is no such dimension or it has no `k`-th element.
    #[track_caller]
    pub fn kthvalue(&self, k: usize, dim: isize, keepdim: bool) -> Result<(Var, Tensor)> {
        self.picked(dim, keepdim, self.value().kthvalue(k, dim, true)?.1)
    }

    /// The median of all elements, the lower one of an even number; NaN if one is NaN or there are none:
    /// `torch.median`. Elements equal to it share the gradient.
    #[track_caller]
    pub fn median(&self) -> Result<Var> {
        apply(Median { skip_nan: false }, &[self])
    }

    /// Medians along `dim`, the lower one of an even number, and their indices (i64); NaN if one is NaN:
    /// `torch.median`. The element at the index gets the gradient.
    ///
    /// # Errors
    /// If there is no such dimension or nothing to reduce.
    #[track_caller]
    pub fn median_dim(&self, dim: isize, keepdim: bool) -> Result<(Var, Tensor)> {
        self.picked(dim, keepdim, self.value().median_dim(dim, true)?.1)
    }

    /// The median of the elements that are not NaN, the lower one of an even number: `torch.nanmedian`. NaN where there
    /// are none. Elements equal to it share the gradient.
    #[track_caller]
    pub fn nanmedian(&self) -> Result<Var> {
        apply(Median { skip_nan: true }, &[self])
    }

    /// Medians along `dim` of the elements that are not NaN, and their indices (i64): `torch.nanmedian`.
    ///
    /// # Errors
    /// If there is no such dimension or nothing to reduce.
    #[track_caller]
    pub fn nanmedian_dim(&self, dim: isize, keepdim: bool) -> Result<(Var, Tensor)> {
        self.picked(dim, keepdim, self.value().nanmedian_dim(dim, true)?.1)
    }
}

pub(crate) const ROW: Row = Row {
    name: "sort",
    sample: |s| {
        let rank = s.below(4);
        let shape = s.shape_of_rank(rank);
        let x = s.distinct(&shape)?;
        let (dim, flag) = (s.dim(rank), s.one_in(2));
        let size = x.size(dim).unwrap_or(1);
        let k = 1 + s.below(size);
        let mut sorted = x.to_vec::<f64>()?;
        sorted.sort_by(f64::total_cmp);
        let middle = vec![sorted[(sorted.len() - 1) / 2]];
        Ok(match s.below(7) {
            0 => Sample::new(vec![x], |x| x[0].median()).expect(middle),
            1 => Sample::new(vec![x], |x| x[0].nanmedian()).expect(middle),
            2 => Sample::new(vec![x], move |x| Ok(x[0].median_dim(dim, flag)?.0)),
            3 => Sample::new(vec![x], move |x| Ok(x[0].nanmedian_dim(dim, flag)?.0)),
            4 => Sample::new(vec![x], move |x| Ok(x[0].kthvalue(k, dim, flag)?.0)),
            5 => Sample::new(vec![x], move |x| Ok(x[0].topk(k, dim, flag)?.0)),
            _ if rank == 1 => {
                if flag {
                    sorted.reverse();
                }
                Sample::new(vec![x], move |x| Ok(x[0].sort(dim, flag)?.0)).expect(sorted)
            }
            _ => Sample::new(vec![x], move |x| Ok(x[0].sort(dim, flag)?.0)),
        })
    },
    order: 2,
};
