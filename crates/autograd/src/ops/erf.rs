//! erf x = 2/√π ∫₀ˣ e^(−t²) dt; the derivative is 2/√π e^(−x²).

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "erf",
    keep: Keep::Inputs,
    forward: Tensor::erf,
    derivative: |x| x.mul(x)?.neg()?.exp()?.mul_scalar(std::f64::consts::FRAC_2_SQRT_PI),
    fused: None,
};

impl Var {
    /// The error function, element by element.
    #[track_caller]
    pub fn erf(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row =
    Row { name: "erf", sample: |s| Sample::pointwise(s, (-2.0, 2.0), |x| x.erf(), erf_reference), order: 2 };

/// The Taylor series Σ (−1)ⁿ x^(2n+1) / (n! (2n+1)), good to 1e-14 for |x| ≤ 2.
pub(super) fn erf_reference(x: f64) -> f64 {
    let (mut power, mut sum) = (x, x);
    for n in 1..60 {
        power *= -x * x / f64::from(n);
        sum += power / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}
