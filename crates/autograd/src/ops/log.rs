//! log x; the derivative is 1 / x.

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "log",
    keep: Keep::Inputs,
    forward: Tensor::log,
    derivative: |x| x.pow_scalar(-1),
    fused: None,
};

impl Var {
    /// The natural logarithm, element by element; −∞ at 0, NaN below.
    #[track_caller]
    pub fn log(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row =
    Row { name: "log", sample: |s| Sample::pointwise(s, (0.1, 4.0), |x| x.log(), f64::ln), order: 2 };
