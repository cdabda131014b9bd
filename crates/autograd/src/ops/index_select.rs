//! Slices of a dimension by their indices; the gradient is added back to where each came from.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::Tensor;

struct IndexSelect {
    dim: isize,
    index: Tensor,
}

impl Op for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].index_select(self.dim, &self.index)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let zeros: Var = Tensor::zeros(ctx.shape(0), ctx.dtype(0))?.into();
        Ok(Grads::from_iter([Some(zeros.index_add(self.dim, &self.index, ctx.grad())?)]))
    }
}

impl Var {
    /// The slices of dimension `dim` that `index` (1-d, i64) names, in its order: `torch.index_select`.
    ///
    /// # Errors
    /// If an index is out of range or `index` is not a 1-d i64 tensor.
    #[track_caller]
    pub fn index_select(&self, dim: isize, index: &Tensor) -> Result<Var> {
        apply(IndexSelect { dim, index: index.clone() }, &[self])
    }

    /// The elements at the places that `index` (i64 or i32) names, counted in row-major order, in its shape:
    /// `torch.take`.
    ///
    /// # Errors
    /// If an index is out of range or `index` is not i64 or i32.
    #[track_caller]
    pub fn take(&self, index: &Tensor) -> Result<Var> {
        let picked = self.reshape([-1])?.index_select(0, &index.reshape([-1])?);
        picked.map_err(|e| e.of("take"))?.view_as(index.shape())
    }

    /// The elements where `mask` (bool) is true, in row-major order, 1-d. Shapes broadcast: `torch.masked_select`.
    ///
    /// # Errors
    /// If the mask is not bool or the shapes do not broadcast.
    #[track_caller]
    pub fn masked_select(&self, mask: &Tensor) -> Result<Var> {
        let shape = self.shape().broadcast("masked_select", mask.shape())?;
        let places = mask.mask_places(&shape).map_err(|e| e.of("masked_select"))?;
        self.broadcast_to(&shape)?.take(&places)
    }
}

pub(crate) const ROW: Row = Row {
    name: "index_select",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let dim = s.dim(rank);
        let at = shape.dim("sample", dim)?;
        let count = s.below(5);
        let index = s.indices(&Shape::from([count]), shape[at])?;
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let mut expected = Vec::new();
        let (values, inner) = (x.to_vec::<f64>()?, shape[at + 1..].iter().product::<usize>());
        for plane in values.chunks(shape[at] * inner) {
            for i in index.to_vec::<i64>()? {
                expected.extend_from_slice(&plane[i as usize * inner..][..inner]);
            }
        }
        Ok(Sample::new(vec![x], move |x| x[0].index_select(dim, &index)).expect(expected))
    },
    order: 2,
};
