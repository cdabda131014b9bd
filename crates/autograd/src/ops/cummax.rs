//! Running extremes and their indices; the chosen element gets the gradient, once for each place that it is chosen in.

use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

impl Var {
    /// The largest of `x₀ … xᵢ` along `dim` and its index (i64); the last of equals, and NaN wins: `torch.cummax`.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn cummax(&self, dim: isize) -> Result<(Var, Tensor)> {
        let indices = self.value().cummax(dim)?.1;
        Ok((self.gather(dim, &indices)?, indices))
    }

    /// The smallest of `x₀ … xᵢ` along `dim` and its index (i64); the last of equals, and NaN wins: `torch.cummin`.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn cummin(&self, dim: isize) -> Result<(Var, Tensor)> {
        let indices = self.value().cummin(dim)?.1;
        Ok((self.gather(dim, &indices)?, indices))
    }
}

pub(crate) const ROW: Row = Row {
    name: "cummax",
    sample: |s| {
        let shape = s.shape(3);
        let (dim, largest) = (s.dim(shape.len()), s.one_in(2));
        let x = s.distinct(&shape)?;
        let expected = if largest { x.cummax(dim)? } else { x.cummin(dim)? }.0.to_vec::<f64>()?;
        Ok(Sample::new(vec![x], move |x| {
            Ok(if largest { x[0].cummax(dim)? } else { x[0].cummin(dim)? }.0)
        })
        .expect(expected))
    },
    order: 2,
};
