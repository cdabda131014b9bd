//! −x; the derivative is −1.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Neg;

impl Op for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].neg()?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().neg()?)]))
    }
}

impl Var {
    /// −x, element by element.
    #[track_caller]
    pub fn neg(&self) -> Result<Var> {
        apply(Neg, &[self])
    }
}

pub(crate) const ROW: Row =
    Row { name: "neg", sample: |s| Sample::pointwise(s, (-3.0, 3.0), |x| x.neg(), |x| -x), order: 2 };
