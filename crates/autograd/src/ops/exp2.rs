//! 2ˣ and the logarithms to bases 2 and 10; the derivatives are y ln 2 and 1 / (x ln b).

use crate::Var;
use crate::pointwise::pointwise_methods;
use crate::testing::{Row, Sample};
use std::f64::consts::{LN_2, LN_10};

pointwise_methods! {
    /// 2ˣ: `torch.exp2`.
    exp2, Output, |y| y.mul_scalar(LN_2);
    /// The logarithm to base 10; −∞ at 0, NaN below: `torch.log10`.
    log10, Inputs, |x| x.mul_scalar(LN_10)?.reciprocal();
    /// The logarithm to base 2; −∞ at 0, NaN below: `torch.log2`.
    log2, Inputs, |x| x.mul_scalar(LN_2)?.reciprocal();
}

pub(crate) const ROW: Row = Row {
    name: "exp2",
    sample: |s| match s.below(3) {
        0 => Sample::pointwise(s, (-3.0, 3.0), Var::exp2, f64::exp2),
        1 => Sample::pointwise(s, (0.3, 4.0), Var::log10, f64::log10),
        _ => Sample::pointwise(s, (0.3, 4.0), Var::log2, f64::log2),
    },
    order: 2,
};
