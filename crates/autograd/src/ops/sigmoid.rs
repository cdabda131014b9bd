//! 1 / (1 + e⁻ˣ); the derivative is y (1 − y).

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "sigmoid",
    keep: Keep::Output,
    forward: Tensor::sigmoid,
    derivative: |y| y.mul(&y.neg()?.add_scalar(1)?),
    fused: Some(Tensor::sigmoid_backward),
};

impl Var {
    /// 1 / (1 + e⁻ˣ), element by element.
    #[track_caller]
    pub fn sigmoid(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row =
    Row { name: "sigmoid", sample: |s| Sample::pointwise(s, (-4.0, 4.0), |x| x.sigmoid(), |x| 1.0 / (1.0 + (-x).exp())), order: 2 };
