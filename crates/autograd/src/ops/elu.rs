//! ELU and its relatives; the derivatives, from the input, are in the table below.

use super::rectifier::piecewise;
use crate::op::apply;
use crate::pointwise::Parametric;
use crate::testing::{Row, Sample};
use crate::{Result, Var};

/// ELU's form with three parameters: a gradient of scale above 0, and of α · scale · c · e^(cx) up to it.
const SCALED: Parametric<3> = Parametric {
    name: "elu",
    parameters: [1.0; 3],
    forward: |x, [alpha, scale, input_scale]| x.elu_scaled(alpha, scale, input_scale),
    fused: |g, x, [alpha, scale, input_scale]| g.elu_scaled_backward(x, alpha, scale, input_scale),
    derivative: Some(|x, [alpha, scale, input_scale]| {
        // Clamped, lest what is masked be infinite.
        let slope = x.clamp(None, Some(0.0))?.mul_scalar(input_scale)?.exp()?;
        slope.mul_scalar(alpha * scale * input_scale)?.masked_fill(&x.value().gt_scalar(0)?, scale)
    }),
};

piecewise! {
    /// log(1 / (1 + e⁻ˣ)) without overflow: `torch.nn.functional.logsigmoid`.
    logsigmoid, logsigmoid_backward, [], Some(|x, []| x.neg()?.sigmoid());
    /// x tanh(log(1 + eˣ)): `torch.nn.functional.mish` (Misra, 2019).
    mish, mish_backward, [], Some(|x, []| {
        // log(1 + eˣ) = −log sigmoid(−x).
        let tanh = x.neg()?.logsigmoid()?.neg()?.tanh()?;
        let rest = tanh.square()?.neg()?.add_scalar(1)?;
        tanh.add(&x.mul(&x.sigmoid()?)?.mul(&rest)?)
    });
    /// log(1 + e^(beta · x)) / beta, and x itself where beta · x is above `threshold`: `torch.nn.functional.softplus`;
    /// there they are 1 and 20 by default.
    softplus, softplus_backward, [beta, threshold], Some(|x, [beta, threshold]| {
        let x = x.mul_scalar(beta)?;
        x.sigmoid()?.masked_fill(&x.value().gt_scalar(threshold)?, 1.0)
    });
    /// x / (1 + |x|): `torch.nn.functional.softsign`.
    softsign, softsign_backward, [], Some(|x, []| x.abs()?.add_scalar(1)?.square()?.reciprocal());
    /// x − tanh(x): `torch.nn.functional.tanhshrink`.
    tanhshrink, tanhshrink_backward, [], Some(|x, []| x.tanh()?.square());
}

impl Var {
    /// x where it is positive, else alpha · (e^(x / alpha) − 1): `torch.nn.functional.celu`; there alpha is 1 by
    /// default.
    ///
    /// # Errors
    /// If `alpha` is 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn celu(&self, alpha: f64) -> Result<Var> {
        let forward = |x: &crate::Tensor, [alpha, _, _]: [f64; 3]| x.celu(alpha);
        apply(Parametric { name: "celu", parameters: [alpha, 1.0, alpha.recip()], forward, ..SCALED }, &[self])
    }

    /// x where it is positive, else alpha · (eˣ − 1): `torch.nn.functional.elu`; there alpha is 1 by default.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Result<Var> {
        apply(Parametric { parameters: [alpha, 1.0, 1.0], ..SCALED }, &[self])
    }

    /// scale · (x where it is positive, else α · (eˣ − 1)), with α ≈ 1.673 and scale ≈ 1.051:
    /// `torch.nn.functional.selu`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn selu(&self) -> Result<Var> {
        let [alpha, scale] = tensor_core::SELU;
        apply(Parametric { name: "selu", parameters: [alpha, scale, 1.0], ..SCALED }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "elu",
    sample: |s| {
        let elu = |x: f64, alpha: f64| if x > 0.0 { x } else { alpha * x.exp_m1() };
        // Away from 0, where some bend.
        let range = if s.one_in(2) { (0.1, 2.0) } else { (-2.0, -0.1) };
        match s.below(8) {
            0 => Sample::pointwise(s, range, |x| x.celu(1.3), move |x| elu(x / 1.3, 1.0) * 1.3),
            1 => Sample::pointwise(s, range, |x| x.elu(1.3), move |x| elu(x, 1.3)),
            2 => {
                let [alpha, scale] = tensor_core::SELU;
                Sample::pointwise(s, range, Var::selu, move |x| scale * elu(x, alpha))
            }
            3 => Sample::pointwise(s, (-3.0, 3.0), Var::logsigmoid, |x| -(-x).exp().ln_1p()),
            4 => Sample::pointwise(s, (-3.0, 3.0), Var::mish, |x| x * x.exp().ln_1p().tanh()),
            5 => {
                let threshold = if range.0 > 0.0 { 0.05 } else { 20.0 };
                let reference = move |x: f64| if 2.0 * x > threshold { x } else { (2.0 * x).exp().ln_1p() / 2.0 };
                Sample::pointwise(s, range, move |x| x.softplus(2.0, threshold), reference)
            }
            6 => Sample::pointwise(s, range, Var::softsign, |x| x / (1.0 + x.abs())),
            _ => Sample::pointwise(s, (-3.0, 3.0), Var::tanhshrink, |x| x - x.tanh()),
        }
    },
    order: 2,
};
