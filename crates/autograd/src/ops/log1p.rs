//! log(1 + x); the derivative is 1 / (1 + x).

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "log1p",
    keep: Keep::Inputs,
    forward: Tensor::log1p,
    derivative: |x| x.add_scalar(1)?.pow_scalar(-1),
    fused: None,
};

impl Var {
    /// log(1 + x), element by element, without cancellation near 0; −∞ at −1, NaN below.
    #[track_caller]
    pub fn log1p(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "log1p",
    sample: |s| Sample::pointwise(s, (-0.8, 4.0), |x| x.log1p(), f64::ln_1p),
    order: 2,
};
