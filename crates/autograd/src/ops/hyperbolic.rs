//! Hyperbolic functions and their inverses: sinh′ = cosh, cosh′ = sinh, asinh′ = 1/√(x² + 1), acosh′ = 1/√(x² − 1),
//! atanh′ = 1/(1 − x²). The hyperbolic tangent has a file of its own.

use crate::Var;
use crate::pointwise::pointwise_methods;
use crate::testing::{Row, Sample};

pointwise_methods! {
    /// The inverse hyperbolic cosine; NaN below 1: `torch.acosh`.
    acosh, Inputs, |x| x.square()?.sub_scalar(1)?.rsqrt();
    /// The inverse hyperbolic sine: `torch.asinh`.
    asinh, Inputs, |x| x.square()?.add_scalar(1)?.rsqrt();
    /// The inverse hyperbolic tangent; ±∞ at ±1, NaN beyond: `torch.atanh`.
    atanh, Inputs, |x| x.square()?.neg()?.add_scalar(1)?.reciprocal();
    /// The hyperbolic cosine: `torch.cosh`.
    cosh, Inputs, |x| x.sinh();
    /// The hyperbolic sine: `torch.sinh`.
    sinh, Inputs, |x| x.cosh();
}

pub(crate) const ROW: Row = Row {
    name: "hyperbolic",
    sample: |s| match s.below(5) {
        0 => Sample::pointwise(s, (1.3, 4.0), Var::acosh, f64::acosh),
        1 => Sample::pointwise(s, (-3.0, 3.0), Var::asinh, f64::asinh),
        2 => Sample::pointwise(s, (-0.8, 0.8), Var::atanh, f64::atanh),
        3 => Sample::pointwise(s, (-2.0, 2.0), Var::cosh, f64::cosh),
        _ => Sample::pointwise(s, (-2.0, 2.0), Var::sinh, f64::sinh),
    },
    order: 2,
};
