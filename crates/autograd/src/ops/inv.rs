//! The inverse, Y = A⁻¹; the gradient is `−Yᵀ G Yᵀ`.

use super::solve::regular;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Inv;

impl Op for Inv {
    fn name(&self) -> &'static str {
        "inv"
    }

    fn keep(&self) -> Keep {
        Keep::Output
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].inv()?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let yt = ctx.output(0).transpose(-2, -1)?;
        Ok(Grads::from_iter([Some(yt.matmul(ctx.grad())?.matmul(&yt)?.neg()?)]))
    }
}

impl Var {
    /// The inverses of square matrices `[.., n, n]`: `torch.linalg.inv`. To solve equations, [`solve`](Var::solve) is
    /// faster and more accurate.
    ///
    /// # Errors
    /// If the matrices are not square or one is singular, or the dtype is not floating-point.
    #[track_caller]
    pub fn inv(&self) -> Result<Var> {
        apply(Inv, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "inv",
    sample: |s| {
        let (lead, n) = (s.shape(1), s.below(4));
        Ok(Sample::new(vec![regular(s, &lead, n)?], |x| x[0].inv()))
    },
    order: 2,
};
