//! Smooth relatives of the rectifier: ELU and its kin, softplus, mish and others.

use super::rectifier::{activations, backward};
use super::unary;
use crate::dtype::dispatch_float;
use crate::kernel::math::Float;
use crate::kernel::pointwise::{Map, Zip};
use crate::kernel::simd::Isa;
use crate::{Error, ErrorKind, Result, Tensor};

/// SELU's α and scale, which keep mean 0 and variance 1 (Klambauer et al., 2017).
pub const SELU: [f64; 2] = [1.673_263_242_354_377_2, 1.050_700_987_355_480_5];

activations! {
    /// scale · x where x is positive, else scale · alpha · (e^(input_scale · x) − 1), from which [`elu`](Tensor::elu),
    /// [`celu`](Tensor::celu) and [`selu`](Tensor::selu) are made.
    elu_scaled, elu_scaled_backward, Elu[alpha, scale, input_scale],
        |x, I| if x > F::ZERO { x * scale } else { (x * input_scale).expm1::<I>() * alpha * scale },
        |g| if x > F::ZERO { g * scale } else { g * input_scale * alpha * scale * (x * input_scale).exp::<I>() };
    /// log(1 / (1 + e⁻ˣ)) without overflow: `torch.nn.functional.logsigmoid`.
    logsigmoid, logsigmoid_backward, Logsigmoid[],
        |x, I| (if x > F::ZERO { F::ZERO } else { x }) - (-x.max_nan(-x)).exp::<I>().log1p::<I>(),
        |g| g * (-x).sigmoid::<I>();
    /// x tanh(log(1 + eˣ)): `torch.nn.functional.mish` (Misra, 2019).
    mish, mish_backward, Mish[],
        |x, I| x * stable_softplus::<F, I>(x).tanh::<I>(),
        |g| {
            let t = stable_softplus::<F, I>(x).tanh::<I>();
            g * (t + x * x.sigmoid::<I>() * (F::ONE - t * t))
        };
    /// log(1 + e^(beta · x)) / beta, and x itself where beta · x is above `threshold`:
    /// `torch.nn.functional.softplus`.
    softplus, softplus_backward, Softplus[beta, threshold],
        |x, I| if x * beta > threshold { x } else { (x * beta).exp::<I>().log1p::<I>() / beta },
        |g| if x * beta > threshold { g } else { g * (x * beta).sigmoid::<I>() };
    /// x / (1 + |x|): `torch.nn.functional.softsign`.
    softsign, softsign_backward, Softsign[],
        |x, I| x / (F::ONE + x.max_nan(-x)),
        |g| {
            let t = F::ONE + x.max_nan(-x);
            g / (t * t)
        };
    /// x − tanh(x): `torch.nn.functional.tanhshrink`.
    tanhshrink, tanhshrink_backward, Tanhshrink[],
        |x, I| x - x.tanh::<I>(),
        |g| {
            let t = x.tanh::<I>();
            g * t * t
        };
}

/// log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|), which does not overflow.
#[inline(always)]
fn stable_softplus<F: Float, I: Isa>(x: F) -> F {
    x.max_nan(F::ZERO) + (-x.max_nan(-x)).exp::<I>().log1p::<I>()
}

impl Tensor {
    /// x where it is positive, else alpha · (eˣ − 1): `torch.nn.functional.elu`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Result<Tensor> {
        self.elu_scaled(alpha, 1.0, 1.0).map_err(|e| e.of("elu"))
    }

    /// scale · (x where it is positive, else α · (eˣ − 1)), with α ≈ 1.673 and scale ≈ 1.051:
    /// `torch.nn.functional.selu`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn selu(&self) -> Result<Tensor> {
        let [alpha, scale] = SELU;
        self.elu_scaled(alpha, scale, 1.0).map_err(|e| e.of("selu"))
    }

    /// x where it is positive, else alpha · (e^(x / alpha) − 1): `torch.nn.functional.celu`.
    ///
    /// # Errors
    /// If `alpha` is 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn celu(&self, alpha: f64) -> Result<Tensor> {
        if alpha == 0.0 {
            let value = alpha.to_string();
            return Err(Error::new(
                "celu",
                ErrorKind::Argument { argument: "alpha", value, expected: "not 0" },
            ));
        }
        self.elu_scaled(alpha, 1.0, 1.0 / alpha).map_err(|e| e.of("celu"))
    }

    /// a · sigmoid(b) for the first half a and the second half b of dimension `dim`: `torch.nn.functional.glu`.
    ///
    /// # Errors
    /// If there is no such dimension or its size is odd.
    #[track_caller]
    pub fn glu(&self, dim: isize) -> Result<Tensor> {
        let half = half_size(self, dim)?;
        self.narrow(dim, 0, half)?.mul(&self.narrow(dim, half as isize, half)?.sigmoid()?)
    }

    /// softmax(−x) along `dim`: `torch.nn.functional.softmin`.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn softmin(&self, dim: isize) -> Result<Tensor> {
        self.neg()?.softmax(dim)
    }
}

/// The size of each half in [`glu`](Tensor::glu).
#[track_caller]
fn half_size(x: &Tensor, dim: isize) -> Result<usize> {
    let size = if x.rank() == 0 { 1 } else { x.size(dim).map_err(|e| e.of("glu"))? };
    if size.is_multiple_of(2) {
        return Ok(size / 2);
    }
    let (found, expected) = (x.shape().clone(), format!("an even size in dimension {dim}"));
    Err(Error::new("glu", ErrorKind::ShapeMismatch { argument: "input", found, expected }))
}
