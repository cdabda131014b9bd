//! eˣ − 1; the derivative is y + 1.

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "expm1",
    keep: Keep::Output,
    forward: Tensor::expm1,
    derivative: |y| y.add_scalar(1),
    fused: None,
};

impl Var {
    /// eˣ − 1, element by element, without cancellation near 0.
    #[track_caller]
    pub fn expm1(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "expm1",
    sample: |s| Sample::pointwise(s, (-3.0, 3.0), |x| x.expm1(), f64::exp_m1),
    order: 2,
};
