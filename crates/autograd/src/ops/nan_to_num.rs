//! Numbers in place of NaN and infinities; what was replaced gets no gradient.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct NanToNum {
    nan: f64,
    posinf: Option<f64>,
    neginf: Option<f64>,
}

impl Op for NanToNum {
    fn name(&self) -> &'static str {
        "nan_to_num"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].nan_to_num(self.nan, self.posinf, self.neginf)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let replaced = ctx.input(0).value().isfinite()?.logical_not()?;
        Ok(Grads::from_iter([Some(ctx.grad().masked_fill(&replaced, 0.0)?)]))
    }
}

impl Var {
    /// The elements, with `nan` for NaN, and `posinf` and `neginf` for the infinities: `torch.nan_to_num`. `None`
    /// stands for the largest and the smallest number of the dtype.
    #[track_caller]
    pub fn nan_to_num(&self, nan: f64, posinf: Option<f64>, neginf: Option<f64>) -> Result<Var> {
        apply(NanToNum { nan, posinf, neginf }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "nan_to_num",
    // Finite differences need finite inputs; `tests/recorded_ops.rs` has the others.
    sample: |s| Sample::pointwise(s, (-3.0, 3.0), |x| x.nan_to_num(1.0, None, Some(2.0)), |x| x),
    order: 2,
};
