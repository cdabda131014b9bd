//! x Φ(x) with Φ the normal distribution function; the derivative is Φ(x) + x φ(x), and alike for the tanh form.

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Approximate, Result, Var};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// √(2/π).
const SQRT_2_OVER_PI: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
/// The cubic coefficient of the tanh form (Hendrycks and Gimpel, 2016).
const CUBIC: f64 = 0.044715;

const BY_ERF: Pointwise = Pointwise {
    name: "gelu",
    keep: Keep::Inputs,
    forward: |x| x.gelu(Approximate::None),
    derivative: |x| {
        let share = x.mul_scalar(FRAC_1_SQRT_2)?.erf()?.add_scalar(1.0)?.mul_scalar(0.5)?;
        let density = x.mul(x)?.mul_scalar(-0.5)?.exp()?.mul_scalar(SQRT_2_OVER_PI * 0.5)?;
        share.add(&x.mul(&density)?)
    },
    fused: Some(|g, x| g.gelu_backward(x, Approximate::None)),
};

const BY_TANH: Pointwise = Pointwise {
    name: "gelu",
    keep: Keep::Inputs,
    forward: |x| x.gelu(Approximate::Tanh),
    derivative: |x| {
        let square = x.mul(x)?;
        let tanh = square.mul_scalar(CUBIC)?.add_scalar(1.0)?.mul(x)?.mul_scalar(SQRT_2_OVER_PI)?.tanh()?;
        let slope = square.mul_scalar(3.0 * CUBIC)?.add_scalar(1.0)?.mul_scalar(SQRT_2_OVER_PI)?;
        let bend = tanh.mul(&tanh)?.neg()?.add_scalar(1.0)?.mul(x)?.mul(&slope)?;
        tanh.add_scalar(1.0)?.add(&bend)?.mul_scalar(0.5)
    },
    fused: Some(|g, x| g.gelu_backward(x, Approximate::Tanh)),
};

impl Var {
    /// x Φ(x), element by element: `torch.nn.functional.gelu`.
    #[track_caller]
    pub fn gelu(&self, approximate: Approximate) -> Result<Var> {
        apply(if approximate == Approximate::Tanh { BY_TANH } else { BY_ERF }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "gelu",
    sample: |s| match s.one_in(2) {
        true => {
            let inner = |x: f64| SQRT_2_OVER_PI * (x + CUBIC * x.powi(3));
            Sample::pointwise(
                s,
                (-3.0, 3.0),
                |x| x.gelu(Approximate::Tanh),
                |x| 0.5 * x * (1.0 + inner(x).tanh()),
            )
        }
        false => {
            let erf = |x| super::erf::erf_reference(x);
            let reference = |x: f64| 0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2));
            Sample::pointwise(s, (-2.5, 2.5), |x| x.gelu(Approximate::None), reference)
        }
    },
    order: 2,
};
