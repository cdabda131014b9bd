//! The largest or smallest element along a dimension and its index; the first of equal ones gets the whole gradient.

use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

impl Var {
    /// The largest elements along `dim` and their indices (i64); the first of equals, and NaN wins: `torch.max(dim)`.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    #[track_caller]
    pub fn max_dim(&self, dim: isize, keepdim: bool) -> Result<(Var, Tensor)> {
        let indices = self.value().max_dim(dim, true)?.1;
        self.picked(dim, keepdim, indices)
    }

    /// The smallest elements along `dim` and their indices (i64); the first of equals, and NaN wins: `torch.min(dim)`.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    #[track_caller]
    pub fn min_dim(&self, dim: isize, keepdim: bool) -> Result<(Var, Tensor)> {
        let indices = self.value().min_dim(dim, true)?.1;
        self.picked(dim, keepdim, indices)
    }

    /// The elements at `indices`, which has size 1 along `dim`.
    #[track_caller]
    pub(super) fn picked(&self, dim: isize, keepdim: bool, indices: Tensor) -> Result<(Var, Tensor)> {
        let values = self.gather(dim, &indices)?;
        if keepdim { Ok((values, indices)) } else { Ok((values.squeeze(dim)?, indices.squeeze(dim)?)) }
    }
}

pub(crate) const ROW: Row = Row {
    name: "max_dim",
    sample: |s| {
        let rank = s.below(4);
        let shape = s.shape_of_rank(rank);
        let x = s.distinct(&shape)?;
        let (dim, keepdim, largest) = (s.dim(rank), s.one_in(2), s.one_in(2));
        let expected = if largest { x.amax(dim, false)? } else { x.amin(dim, false)? }.to_vec::<f64>()?;
        let call = move |x: &[Var]| {
            Ok(if largest { x[0].max_dim(dim, keepdim)? } else { x[0].min_dim(dim, keepdim)? }.0)
        };
        Ok(Sample::new(vec![x], call).expect(expected))
    },
    order: 2,
};
