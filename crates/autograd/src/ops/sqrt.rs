//! √x; the derivative is 1 / (2 y), infinite at 0.

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "sqrt",
    keep: Keep::Output,
    forward: Tensor::sqrt,
    derivative: |y| y.pow_scalar(-1)?.mul_scalar(0.5),
    fused: None,
};

impl Var {
    /// The square root, element by element; NaN below 0.
    #[track_caller]
    pub fn sqrt(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row =
    Row { name: "sqrt", sample: |s| Sample::pointwise(s, (0.1, 4.0), |x| x.sqrt(), f64::sqrt), order: 2 };
