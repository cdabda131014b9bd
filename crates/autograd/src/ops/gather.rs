//! Elements picked by an index tensor along a dimension; the gradient is added back where they came from, so an
//! element picked twice receives both.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Gather {
    dim: isize,
    index: Tensor,
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].gather(self.dim, &self.index)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let zeros: Var = Tensor::zeros(ctx.shape(0), ctx.dtype(0))?.into();
        Ok(Grads::from_iter([Some(zeros.scatter_add(self.dim, &self.index, ctx.grad())?)]))
    }
}

impl Var {
    /// `out[i][j] = self[index[i][j]][j]` for `dim` 0, and alike along other dimensions: `torch.gather`. `index` (i64)
    /// has as many dimensions as the value and is no larger than it beyond `dim`.
    ///
    /// # Errors
    /// If an index is out of range or the shapes do not fit.
    #[track_caller]
    pub fn gather(&self, dim: isize, index: &Tensor) -> Result<Var> {
        apply(Gather { dim, index: index.clone() }, &[self])
    }

    /// As [`gather`](Var::gather), with shapes that broadcast together beyond `dim`: `torch.take_along_dim`, whose form
    /// without `dim` is [`take`](Var::take).
    ///
    /// # Errors
    /// If an index is out of range or the shapes do not broadcast.
    #[track_caller]
    pub fn take_along_dim(&self, index: &Tensor, dim: isize) -> Result<Var> {
        let shape = self.value().take_along_dim(index, dim)?.shape().clone();
        let at = self.shape().dim("take_along_dim", dim)?;
        let wide = shape.iter().enumerate().map(|(d, &n)| if d == at { self.shape()[d] } else { n }).collect();
        self.broadcast_to(&wide)?.gather(dim, &index.broadcast_to(&shape)?)
    }
}

pub(crate) const ROW: Row = Row {
    name: "gather",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let dim = s.dim(rank);
        let at = shape.dim("sample", dim)?;
        let picked = shape
            .iter()
            .enumerate()
            .map(|(d, &n)| if d == at { s.below(4) } else { 1 + s.below(n) })
            .collect();
        let index = s.indices(&picked, shape[at])?;
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let (values, places) = (x.to_vec::<f64>()?, index.to_vec::<i64>()?);
        let expected = (0..picked.numel()).map(|i| {
            let (mut rest, mut at_index, mut place) = (i, vec![0; rank], 0);
            for d in (0..rank).rev() {
                at_index[d] = rest % picked[d];
                rest /= picked[d];
            }
            for d in 0..rank {
                place = place * shape[d] + if d == at { places[i] as usize } else { at_index[d] };
            }
            values[place]
        });
        let expected = expected.collect();
        Ok(Sample::new(vec![x], move |x| x[0].gather(dim, &index)).expect(expected))
    },
    order: 2,
};
