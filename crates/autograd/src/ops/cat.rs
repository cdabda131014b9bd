//! Tensors one after another; each gets its part of the gradient.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Cat {
    dim: isize,
}

impl Op for Cat {
    fn name(&self) -> &'static str {
        "cat"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(Tensor::cat(inputs, self.dim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let dim = g.shape().dim("cat", self.dim)?;
        let mut start = 0;
        (0..)
            .map_while(|i| ctx.input_shape(i).map(|shape| (i, shape)))
            .map(|(i, shape)| {
                // A value of shape [0] counts for nothing, in any number of dimensions.
                if **shape == [0] {
                    return Ok(None);
                }
                let length = shape[dim];
                let part = if ctx.needs_grad(i) { Some(g.narrow(dim as isize, start, length)?) } else { None };
                start += length as isize;
                Ok(part)
            })
            .collect()
    }
}

impl Var {
    /// The values one after another along `dim`; other sizes must be equal. (A value of shape `[0]` is passed over
    /// beside others, as in PyTorch.)
    ///
    /// # Errors
    /// If the list is empty, or shapes or dtypes differ beyond `dim`.
    #[track_caller]
    pub fn cat(vars: &[&Var], dim: isize) -> Result<Var> {
        apply(Cat { dim }, vars)
    }

    /// The values, all of one shape, along a new dimension `dim`.
    ///
    /// # Errors
    /// If the list is empty or shapes or dtypes differ.
    #[track_caller]
    pub fn stack(vars: &[&Var], dim: isize) -> Result<Var> {
        let lifted = vars.iter().map(|x| x.unsqueeze(dim)).collect::<Result<Vec<_>>>()?;
        Var::cat(&lifted.iter().collect::<Vec<_>>(), dim)
    }
}

pub(crate) const ROW: Row = Row {
    name: "cat",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let dim = s.dim(rank);
        let at = shape.dim("sample", dim)?;
        let inputs = (0..1 + s.below(3))
            .map(|_| {
                let size = s.below(3);
                let shape = shape.iter().enumerate().map(|(d, &n)| if d == at { size } else { n }).collect();
                s.tensor(&shape, -2.0, 2.0)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Sample::new(inputs, move |x| Var::cat(&x.iter().collect::<Vec<_>>(), dim)))
    },
    order: 2,
};
