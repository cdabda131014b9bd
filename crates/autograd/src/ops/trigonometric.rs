//! Sines, cosines, tangents and their inverses: sin′ = cos, cos′ = −sin, tan′ = 1 + tan², asin′ = 1/√(1 − x²),
//! acos′ = −asin′, atan′ = 1/(1 + x²), sinc′ = (cos πx − sinc x)/x, 0 at 0.

use crate::pointwise::pointwise_methods;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use std::f64::consts::PI;

pointwise_methods! {
    /// The angle in [0, π] whose cosine is x; NaN outside [−1, 1]: `torch.acos`.
    acos, Inputs, |x| x.square()?.neg()?.add_scalar(1)?.rsqrt()?.neg();
    /// The angle in [−π/2, π/2] whose sine is x; NaN outside [−1, 1]: `torch.asin`.
    asin, Inputs, |x| x.square()?.neg()?.add_scalar(1)?.rsqrt();
    /// The angle in [−π/2, π/2] whose tangent is x: `torch.atan`.
    atan, Inputs, |x| x.square()?.add_scalar(1)?.reciprocal();
    /// The cosine of an angle in radians: `torch.cos`.
    cos, Inputs, |x| x.sin()?.neg();
    /// The sine of an angle in radians: `torch.sin`.
    sin, Inputs, |x| x.cos();
    /// sin(πx) / (πx); 1 at 0: `torch.sinc`.
    sinc, Inputs, |x| {
        // 1 in place of 0, lest its quotient be NaN.
        let zero = x.value().eq_scalar(0)?;
        let nonzero = x.masked_fill(&zero, 1.0)?;
        nonzero.mul_scalar(PI)?.cos()?.sub(&nonzero.sinc()?)?.div(&nonzero)?.masked_fill(&zero, 0.0)
    };
    /// The tangent of an angle in radians: `torch.tan`.
    tan, Output, |y| y.square()?.add_scalar(1);
}

impl Var {
    /// An angle in degrees as radians: x π / 180. Integers give f32.
    #[track_caller]
    pub fn deg2rad(&self) -> Result<Var> {
        self.mul_scalar(PI / 180.0)
    }

    /// An angle in radians as degrees: x · 180 / π. Integers give f32.
    #[track_caller]
    pub fn rad2deg(&self) -> Result<Var> {
        self.mul_scalar(180.0 / PI)
    }
}

pub(crate) const ROW: Row = Row {
    name: "trigonometric",
    sample: |s| match s.below(9) {
        0 => Sample::pointwise(s, (-0.9, 0.9), Var::acos, f64::acos),
        1 => Sample::pointwise(s, (-0.9, 0.9), Var::asin, f64::asin),
        2 => Sample::pointwise(s, (-3.0, 3.0), Var::atan, f64::atan),
        3 => Sample::pointwise(s, (-6.0, 6.0), Var::cos, f64::cos),
        4 => Sample::pointwise(s, (-6.0, 6.0), Var::sin, f64::sin),
        5 => Sample::pointwise(s, (0.2, 3.0), Var::sinc, |x| (PI * x).sin() / (PI * x)),
        6 => Sample::pointwise(s, (-1.2, 1.2), Var::tan, f64::tan),
        7 => Sample::pointwise(s, (-360.0, 360.0), Var::deg2rad, f64::to_radians),
        _ => Sample::pointwise(s, (-6.0, 6.0), Var::rad2deg, f64::to_degrees),
    },
    order: 2,
};
