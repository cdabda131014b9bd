//! Differences of neighbours.

use crate::testing::{Row, Sample};
use crate::{Result, Var};

impl Var {
    /// `yᵢ = xᵢ₊₁ − xᵢ` along `dim`, taken `n` times, with `prepend` and `append` joined on before: `torch.diff`, whose
    /// defaults are 1, −1 and none. Bools are differences where neighbours differ.
    ///
    /// # Errors
    /// If there is no such dimension, or the shapes do not join.
    ///
    /// ```
    /// use autograd::{Tensor, Var};
    /// let x = Var::from(Tensor::from_vec(vec![1.0f64, 4.0, 9.0], [3])?);
    /// assert_eq!(x.diff(1, -1, None, None)?.to_vec::<f64>()?, [3.0, 5.0]);
    /// assert_eq!(x.diff(2, -1, None, None)?.to_vec::<f64>()?, [2.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn diff(&self, n: usize, dim: isize, prepend: Option<&Var>, append: Option<&Var>) -> Result<Var> {
        if n == 0 {
            return Ok(self.clone());
        }
        let parts: Vec<&Var> = prepend.into_iter().chain([self]).chain(append).collect();
        let mut x = if parts.len() == 1 { self.clone() } else { Var::cat(&parts, dim)? };
        let mut rest = x.size(dim)?;
        for _ in 0..n.min(rest) {
            rest -= 1;
            let (after, before) = (x.narrow(dim, 1, rest)?, x.narrow(dim, 0, rest)?);
            x = match x.dtype() {
                crate::DType::Bool => after.value().ne(before.value())?.into(),
                _ => after.sub(&before)?,
            };
        }
        Ok(x)
    }
}

pub(crate) const ROW: Row = Row {
    name: "diff",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let (dim, n) = (s.dim(rank), s.below(4));
        let inputs = (0..1 + s.below(3)).map(|_| s.tensor(&shape, -2.0, 2.0)).collect::<Result<Vec<_>>>()?;
        Ok(Sample::new(inputs, move |x| x[0].diff(n, dim, x.get(1), x.get(2))))
    },
    order: 2,
};
