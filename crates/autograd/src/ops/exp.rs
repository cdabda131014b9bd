//! eˣ; the derivative is the output.

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "exp",
    keep: Keep::Output,
    forward: Tensor::exp,
    derivative: |y| Ok(y.clone()),
    fused: None,
};

impl Var {
    /// eˣ, element by element.
    #[track_caller]
    pub fn exp(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row =
    Row { name: "exp", sample: |s| Sample::pointwise(s, (-3.0, 3.0), |x| x.exp(), f64::exp), order: 2 };
