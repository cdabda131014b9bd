//! erf x = 2/√π ∫₀ˣ e^(−t²) dt, 1 − erf x and the inverse; the derivatives are 2/√π e^(−x²), that negated, and
//! √π/2 e^(y²).

use crate::pointwise::pointwise_methods;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use std::f64::consts::FRAC_2_SQRT_PI;

/// 2/√π e^(−x²).
fn density(x: &Var) -> Result<Var> {
    x.square()?.neg()?.exp()?.mul_scalar(FRAC_2_SQRT_PI)
}

pointwise_methods! {
    /// The error function, element by element: `torch.erf`.
    erf, Inputs, |x| density(x);
    /// 1 − erf(x), without cancellation for large x: `torch.erfc`.
    erfc, Inputs, |x| density(x)?.neg();
    /// The inverse of the error function; ±∞ at ±1, NaN beyond: `torch.erfinv`.
    erfinv, Output, |y| density(y)?.reciprocal();
}

pub(crate) const ROW: Row = Row {
    name: "erf",
    sample: |s| match s.below(3) {
        0 => Sample::pointwise(s, (-2.0, 2.0), Var::erf, erf_reference),
        1 => Sample::pointwise(s, (-2.0, 2.0), Var::erfc, |x| 1.0 - erf_reference(x)),
        // Of erf(x) it gives x.
        _ => Sample::pointwise(s, (-1.5, 1.5), |x| x.erf()?.erfinv(), |x| x),
    },
    order: 2,
};

/// The Taylor series Σ (−1)ⁿ x^(2n+1) / (n! (2n+1)), good to 1e-14 for |x| ≤ 2.
pub(super) fn erf_reference(x: f64) -> f64 {
    let (mut power, mut sum) = (x, x);
    for n in 1..60 {
        power *= -x * x / f64::from(n);
        sum += power / f64::from(2 * n + 1);
    }
    sum * FRAC_2_SQRT_PI
}
