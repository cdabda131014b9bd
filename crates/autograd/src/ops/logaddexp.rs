//! log(eᵃ + eᵇ); the derivatives are sigmoid(a − b) and sigmoid(b − a).

use crate::op::{Keep, apply};
use crate::pointwise::Pair;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pair = Pair {
    name: "logaddexp",
    keep: Keep::Inputs,
    forward: Tensor::logaddexp,
    derivatives: [
        Some(|ctx| ctx.input(0).sub(&ctx.input(1))?.sigmoid()),
        Some(|ctx| ctx.input(1).sub(&ctx.input(0))?.sigmoid()),
    ],
};

impl Var {
    /// log(e^self + e^other) without overflow: `torch.logaddexp`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn logaddexp(&self, other: &Var) -> Result<Var> {
        apply(OP, &[self, other])
    }
}

pub(crate) const ROW: Row = Row {
    name: "logaddexp",
    sample: |s| {
        Sample::broadcast(s, (-3.0, 3.0), Var::logaddexp, |a, b| (a.exp() + b.exp()).ln())
    },
    order: 2,
};
