//! Variance and standard deviation over dimensions: `Σ (x − mean)² / (n − correction)` and its root.
//!
//! The gradient of the variance is `2 (x − mean) / (n − correction) · g`; of the deviation, that over `2 std`, and 0
//! where it is 0.

use super::sum::keepdim_shape;
use crate::testing::{Row, Sample};
use crate::{Dims, Result, Var};

impl Var {
    /// The variance over `dims` (all, if empty), `Σ (x − mean)² / max(0, n − correction)`: `torch.var`, whose default
    /// correction is 1, the unbiased estimate.
    ///
    /// # Errors
    /// If a dimension does not exist or the dtype is not floating-point.
    #[track_caller]
    pub fn var_dim(&self, dims: impl Dims, correction: f64, keepdim: bool) -> Result<Var> {
        dims.with(|dims| {
            let kept = keepdim_shape(self.shape(), dims)?;
            let count = self.numel() as f64 / kept.numel().max(1) as f64;
            let distance = self.sub(&self.mean_dim(dims, true)?)?;
            distance.mul(&distance)?.sum_dim(dims, keepdim)?.div_scalar((count - correction).max(0.0))
        })
    }

    /// The standard deviation over `dims`, the root of [`var_dim`](Var::var_dim): `torch.std`.
    ///
    /// # Errors
    /// As for `var_dim`.
    #[track_caller]
    pub fn std_dim(&self, dims: impl Dims, correction: f64, keepdim: bool) -> Result<Var> {
        let variance = self.var_dim(dims, correction, keepdim)?;
        let zero = variance.value().eq_scalar(0.0)?;
        // The root's derivative at 0 is infinite; a deviation of 0 passes none, as in PyTorch.
        if zero.any()? {
            variance.masked_fill(&zero, 1.0)?.sqrt()?.masked_fill(&zero, 0.0)
        } else {
            variance.sqrt()
        }
    }

    /// The variance and the mean over `dims`: `torch.var_mean`.
    ///
    /// # Errors
    /// As for [`var_dim`](Var::var_dim).
    #[track_caller]
    pub fn var_mean(&self, dims: impl Dims, correction: f64, keepdim: bool) -> Result<(Var, Var)> {
        dims.with(|dims| Ok((self.var_dim(dims, correction, keepdim)?, self.mean_dim(dims, keepdim)?)))
    }

    /// The standard deviation and the mean over `dims`: `torch.std_mean`.
    ///
    /// # Errors
    /// As for [`var_dim`](Var::var_dim).
    #[track_caller]
    pub fn std_mean(&self, dims: impl Dims, correction: f64, keepdim: bool) -> Result<(Var, Var)> {
        dims.with(|dims| Ok((self.std_dim(dims, correction, keepdim)?, self.mean_dim(dims, keepdim)?)))
    }
}

pub(crate) const ROW: Row = Row {
    name: "var_dim",
    sample: |s| {
        let rank = s.below(3);
        let shape = s.shape_of_rank(rank).iter().map(|n| n + 1).collect();
        let x = s.distinct(&shape)?;
        let dims: Vec<isize> = if rank == 0 || s.one_in(3) { Vec::new() } else { vec![s.dim(rank)] };
        let (keepdim, root) = (s.one_in(2), s.one_in(2) && rank > 0);
        // A single element has no unbiased variance.
        let correction = if rank == 0 { 0.0 } else { s.below(2) as f64 };
        Ok(Sample::new(vec![x], move |x| match root {
            true => x[0].std_dim(&dims[..], correction, keepdim),
            false => x[0].var_dim(&dims[..], correction, keepdim),
        }))
    },
    order: 2,
};
