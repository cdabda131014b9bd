//! tanh x; the derivative is 1 − y².

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "tanh",
    keep: Keep::Output,
    forward: Tensor::tanh,
    derivative: |y| y.mul(y)?.neg()?.add_scalar(1),
    fused: Some(Tensor::tanh_backward),
};

impl Var {
    /// The hyperbolic tangent, element by element.
    #[track_caller]
    pub fn tanh(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row =
    Row { name: "tanh", sample: |s| Sample::pointwise(s, (-3.0, 3.0), |x| x.tanh(), f64::tanh), order: 2 };
