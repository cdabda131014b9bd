//! A value with slices added at places of a dimension; the slices get back the gradient from there.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::Tensor;

struct IndexAdd {
    dim: isize,
    index: Tensor,
}

impl Op for IndexAdd {
    fn name(&self) -> &'static str {
        "index_add"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].index_add(self.dim, &self.index, inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let dsource = if ctx.needs_grad(1) { Some(g.index_select(self.dim, &self.index)?) } else { None };
        Ok(Grads::from_iter([Some(g.clone()), dsource]))
    }
}

impl Var {
    /// The value with the slices of `source` added at the places of dimension `dim` that `index` (1-d, i64) names; a
    /// place named twice receives both: `torch.index_add`.
    ///
    /// # Errors
    /// If an index is out of range, or shapes or dtypes do not fit.
    #[track_caller]
    pub fn index_add(&self, dim: isize, index: &Tensor, source: &Var) -> Result<Var> {
        apply(IndexAdd { dim, index: index.clone() }, &[self, source])
    }
}

pub(crate) const ROW: Row = Row {
    name: "index_add",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let dim = s.dim(rank);
        let at = shape.dim("sample", dim)?;
        let count = s.below(5);
        let index = s.indices(&Shape::from([count]), shape[at])?;
        let added = shape.iter().enumerate().map(|(d, &n)| if d == at { count } else { n }).collect();
        let (x, source) = (s.tensor(&shape, -2.0, 2.0)?, s.tensor(&added, -2.0, 2.0)?);
        Ok(Sample::new(vec![x, source], move |x| x[0].index_add(dim, &index, &x[1])))
    },
    order: 2,
};
