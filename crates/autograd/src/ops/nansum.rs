//! Sums and means that pass NaN over; NaN gets no gradient.

use crate::testing::{Row, Sample};
use crate::{Dims, Result, Var};

impl Var {
    /// Sums over `dims` (all, if empty) in which NaN counts 0: `torch.nansum`.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn nansum(&self, dims: impl Dims, keepdim: bool) -> Result<Var> {
        self.masked_fill(&self.value().ne(self.value())?, 0)?.sum_dim(dims, keepdim)
    }

    /// Means over `dims` (all, if empty) of the elements that are not NaN: `torch.nanmean`. NaN where there are none.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn nanmean(&self, dims: impl Dims, keepdim: bool) -> Result<Var> {
        let x = self.value();
        dims.with(|dims| {
            let numbers = x.eq(x)?.sum_dim(dims, keepdim)?.to_dtype(x.dtype())?;
            self.nansum(dims, keepdim)?.div(&numbers.into())
        })
    }
}

pub(crate) const ROW: Row = Row {
    name: "nansum",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let keepdim = s.one_in(2);
        let dims: Vec<isize> = (0..shape.len() as isize).filter(|_| s.one_in(2)).collect();
        // Some elements are NaN inside the call, where finite differences do not touch them.
        let absent = s.indices(&shape, 3)?.eq_scalar(0)?;
        let kept = absent.eq_scalar(false)?.to_dtype(x.dtype())?;
        let mean = s.one_in(2) && kept.sum_dim(&dims[..], false)?.all()?;
        let mut expected = x.mul(&kept)?.sum_dim(&dims[..], keepdim)?;
        if mean {
            expected = expected.div(&kept.sum_dim(&dims[..], keepdim)?)?;
        }
        let call = move |x: &[Var]| {
            let x = x[0].masked_fill(&absent, f64::NAN)?;
            if mean { x.nanmean(&dims[..], keepdim) } else { x.nansum(&dims[..], keepdim) }
        };
        Ok(Sample::new(vec![x], call).expect(expected.to_vec::<f64>()?))
    },
    order: 2,
};
