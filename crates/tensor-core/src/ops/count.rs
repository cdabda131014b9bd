//! Reductions that count: truth values, and sums that pass NaN over.

use super::reduce::Plan;
use crate::dtype::dispatch_all;
use crate::kernel::reduce::fold_rows;
use crate::{Dims, Result, Tensor};

impl Tensor {
    /// How many elements of each part are true (nonzero), and how many elements a part has.
    #[track_caller]
    fn count(&self, op: &'static str, dims: &[isize], keepdim: bool) -> Result<(Tensor, usize)> {
        let plan = Plan::new(op, self, &dims)?;
        let rows = plan.rows()?;
        let counts = dispatch_all!(self.dtype(), T => {
            Tensor::build::<i64>(op, plan.shape(keepdim), |out| {
                fold_rows(rows.dense::<T>(), plan.reduced, out, |row| {
                    row.iter().map(|&v| i64::from(v != T::default())).sum()
                });
            })
        })?;
        Ok((counts, plan.reduced))
    }

    /// Whether every element over `dims` (all, if empty) is true (nonzero; NaN is), as bool: `torch.all` with `dim`.
    /// True of no elements.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn all_dim(&self, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        let (counts, of) = dims.with(|dims| self.count("all", dims, keepdim)).map_err(|e| e.at(location))?;
        counts.eq_scalar(of as i64)
    }

    /// Whether any element over `dims` (all, if empty) is true (nonzero; NaN is), as bool: `torch.any` with `dim`.
    ///
    /// # Errors
    /// If there is no such dimension.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![0.0f32, 0.0, 3.0, 0.0], [2, 2])?;
    /// assert_eq!(x.any_dim(1, false)?.to_vec::<bool>()?, [false, true]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn any_dim(&self, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        let (counts, _) = dims.with(|dims| self.count("any", dims, keepdim)).map_err(|e| e.at(location))?;
        counts.gt_scalar(0)
    }

    /// How many elements over `dims` (all, if empty) are not 0 (NaN is not), as i64: `torch.count_nonzero`.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn count_nonzero(&self, dims: impl Dims) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        let counted = dims.with(|dims| self.count("count_nonzero", dims, false));
        Ok(counted.map_err(|e| e.at(location))?.0)
    }

    /// Sums over `dims` (all, if empty) in which NaN counts 0: `torch.nansum`. Integers and bools sum to i64.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn nansum(&self, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        self.masked_fill(&self.ne(self)?, 0)?.sum_dim(dims, keepdim)
    }

    /// Means over `dims` (all, if empty) of the elements that are not NaN: `torch.nanmean`. NaN where there are none.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn nanmean(&self, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        self.float_only("nanmean")?;
        dims.with(|dims| {
            let numbers = self.eq(self)?.sum_dim(dims, keepdim)?.to_dtype(self.dtype())?;
            self.nansum(dims, keepdim)?.div(&numbers)
        })
        .map_err(|e| e.of("nanmean").at(location))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_and_counts_follow_pytorch() {
        let nan = f64::NAN;
        let x = Tensor::from_vec(vec![0.0, nan, 2.0, -0.0, 0.0, 5.0], [2, 3]).unwrap();
        assert_eq!(x.any_dim(0, false).unwrap().to_vec::<bool>().unwrap(), [false, true, true]);
        assert_eq!(x.all_dim(0, true).unwrap().to_vec::<bool>().unwrap(), [false, false, true]);
        assert_eq!(x.all_dim(0, true).unwrap().shape()[..], [1, 3]);
        assert_eq!(x.count_nonzero(1).unwrap().to_vec::<i64>().unwrap(), [2, 1]);
        let none = Tensor::zeros([0, 2], crate::DType::U8).unwrap();
        assert_eq!(none.all_dim(0, false).unwrap().to_vec::<bool>().unwrap(), [true, true]);
        assert_eq!(none.any_dim(0, false).unwrap().to_vec::<bool>().unwrap(), [false, false]);
    }

    #[test]
    fn nan_is_passed_over() {
        let x = Tensor::from_vec(vec![f64::NAN, 4.0, 2.0, f64::NAN], [2, 2]).unwrap();
        assert_eq!(x.nansum([0, 1], false).unwrap().item::<f64>().unwrap(), 6.0);
        assert_eq!(x.nanmean(&[][..], false).unwrap().item::<f64>().unwrap(), 3.0);
        let empty = x.narrow(0, 0, 1).unwrap().narrow(1, 0, 1).unwrap();
        assert!(empty.nanmean(0, false).unwrap().to_vec::<f64>().unwrap()[0].is_nan());
        assert!(Tensor::ones([2], crate::DType::I64).unwrap().nanmean(0, false).is_err());
    }
}
