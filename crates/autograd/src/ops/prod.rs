//! Products; the gradient of each factor is the product of all others, exact where some are 0.

use super::cumprod::cumprod_gradient;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Prod {
    dim: isize,
}

impl Op for Prod {
    fn name(&self) -> &'static str {
        "prod"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].prod_dim(self.dim, true)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, g) = (ctx.input(0), ctx.grad());
        let mut before = x.shape().to_vec();
        let Some(size) = before.get_mut(x.shape().dim("prod", self.dim)?) else {
            return Ok(Grads::from_iter([Some(g.clone())]));
        };
        if *size == 0 {
            return Ok(Grads::from_iter([Some(g.broadcast_to(x.shape())?)]));
        }
        // The product is the last of the running products.
        *size -= 1;
        let before = Tensor::zeros(before, x.dtype())?.into();
        let dx = cumprod_gradient(&x, &Var::cat(&[&before, g], self.dim)?, self.dim)?;
        Ok(Grads::from_iter([Some(dx)]))
    }
}

impl Var {
    /// The product of all elements: `torch.prod`; 1 where there are none. The gradient is exact beside zeros.
    #[track_caller]
    pub fn prod(&self) -> Result<Var> {
        self.flatten(0, -1)?.prod_dim(0, false)
    }

    /// Products along `dim`: `torch.prod`; 1 where there are no elements. The gradient is exact beside zeros.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn prod_dim(&self, dim: isize, keepdim: bool) -> Result<Var> {
        let y = apply(Prod { dim }, &[self])?;
        if keepdim { Ok(y) } else { y.squeeze(dim) }
    }
}

pub(crate) const ROW: Row = Row {
    name: "prod",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        // Zeros among the factors, sometimes several in a row.
        let zero = s.indices(&shape, 4)?.eq_scalar(0)?;
        let x = if s.one_in(2) { x.masked_fill(&zero, 0.0)? } else { x };
        if s.one_in(3) {
            let expected = vec![x.to_vec::<f64>()?.iter().product()];
            return Ok(Sample::new(vec![x], |x| x[0].prod()).expect(expected));
        }
        let (dim, keepdim) = (s.dim(shape.len()), s.one_in(2));
        Ok(Sample::new(vec![x], move |x| x[0].prod_dim(dim, keepdim)))
    },
    order: 2,
};
