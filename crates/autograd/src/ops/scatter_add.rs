//! A value with others added where an index tensor points; they get back the gradient from there.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct ScatterAdd {
    dim: isize,
    index: Tensor,
}

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].scatter_add(self.dim, &self.index, inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let dsource = if ctx.needs_grad(1) { Some(g.gather(self.dim, &self.index)?) } else { None };
        Ok(Grads::from_iter([Some(g.clone()), dsource]))
    }
}

impl Var {
    /// The value with `source` added where `index` points, `out[index[i][j]][j] += source[i][j]` for `dim` 0:
    /// `torch.scatter_add`. A place named twice receives both. Elements of `source` beyond the shape of `index` are
    /// not used.
    ///
    /// # Errors
    /// If an index is out of range or shapes or dtypes do not fit.
    #[track_caller]
    pub fn scatter_add(&self, dim: isize, index: &Tensor, source: &Var) -> Result<Var> {
        let mut used = source.clone();
        if source.rank() == index.rank() {
            for (d, (&length, &size)) in index.shape().iter().zip(source.shape().iter()).enumerate() {
                if length < size {
                    used = used.narrow(d as isize, 0, length)?;
                }
            }
        }
        apply(ScatterAdd { dim, index: index.clone() }, &[self, &used])
    }
}

pub(crate) const ROW: Row = Row {
    name: "scatter_add",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let dim = s.dim(rank);
        let at = shape.dim("sample", dim)?;
        let places = shape
            .iter()
            .enumerate()
            .map(|(d, &n)| if d == at { s.below(4) } else { 1 + s.below(n) })
            .collect();
        let index = s.indices(&places, shape[at])?;
        let wider = places.iter().map(|&n| n + s.below(2)).collect();
        let (x, source) = (s.tensor(&shape, -2.0, 2.0)?, s.tensor(&wider, -2.0, 2.0)?);
        Ok(Sample::new(vec![x, source], move |x| x[0].scatter_add(dim, &index, &x[1])))
    },
    order: 2,
};
