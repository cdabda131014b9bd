//! 1/x, 1/√x and x²; the derivatives are −y², −y³/2 and 2x.

use crate::Var;
use crate::pointwise::pointwise_methods;
use crate::testing::{Row, Sample};

pointwise_methods! {
    /// 1 / x: `torch.reciprocal`.
    reciprocal, Output, |y| y.square()?.neg();
    /// 1 / √x; ∞ at 0, NaN below: `torch.rsqrt`.
    rsqrt, Output, |y| y.pow_scalar(3)?.mul_scalar(-0.5);
    /// x²: `torch.square`.
    square, Inputs, |x| x.mul_scalar(2);
}

pub(crate) const ROW: Row = Row {
    name: "reciprocal",
    sample: |s| match s.below(3) {
        0 => Sample::pointwise(s, (0.4, 3.0), Var::reciprocal, f64::recip),
        1 => Sample::pointwise(s, (0.4, 3.0), Var::rsqrt, |x| x.sqrt().recip()),
        _ => Sample::pointwise(s, (-3.0, 3.0), Var::square, |x| x * x),
    },
    order: 2,
};
