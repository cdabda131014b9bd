//! Activations with a derivative of their own: GELU and SiLU.

use super::{binary, unary};
use crate::dtype::dispatch_float;
use crate::kernel::math::Float;
use crate::kernel::pointwise::{Map, Zip};
use crate::kernel::simd::Isa;
use crate::{Result, Tensor};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// How [`Tensor::gelu`] computes the normal distribution function: `approximate` in PyTorch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approximate {
    /// By the error function.
    #[default]
    None,
    /// By `½ (1 + tanh(√(2/π) (x + 0.044715 x³)))` (Hendrycks and Gimpel, 2016).
    Tanh,
}

/// The cubic coefficient of the tanh form.
pub(crate) const CUBIC: f64 = 0.044715;
/// √(2/π).
const SQRT_2_OVER_PI: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;

/// Φ(x) from the tail beyond |x|.
#[inline(always)]
fn share<F: Float>(x: F, tail: F) -> F {
    if x < F::ZERO { tail } else { F::ONE - tail }
}

#[derive(Clone, Copy)]
struct Gelu;

impl<F: Float> Map<F, F> for Gelu {
    #[inline(always)]
    fn call<I: Isa>(self, x: F) -> F {
        x * share(x, x.normal_tail::<I>().0)
    }
}

#[derive(Clone, Copy)]
struct GeluBackward;

impl<F: Float> Zip<F, F, F> for GeluBackward {
    #[inline(always)]
    fn call<I: Isa>(self, g: F, x: F) -> F {
        let (tail, exp) = x.normal_tail::<I>();
        // The density is 1/√(2π) exp(−x²/2).
        g * (share(x, tail) + x * exp * F::from_f64(SQRT_2_OVER_PI * 0.5))
    }
}

#[derive(Clone, Copy)]
struct GeluTanh;

/// The argument of the tanh and its derivative.
#[inline(always)]
fn tanh_argument<F: Float>(x: F) -> (F, F) {
    let (root, cubic) = (F::from_f64(SQRT_2_OVER_PI), F::from_f64(CUBIC));
    let square = x * x;
    let slope = root * (F::ONE + F::from_f64(3.0) * cubic * square);
    (root * (x + cubic * (square * x)), slope)
}

impl<F: Float> Map<F, F> for GeluTanh {
    #[inline(always)]
    fn call<I: Isa>(self, x: F) -> F {
        F::from_f64(0.5) * x * (F::ONE + tanh_argument(x).0.tanh::<I>())
    }
}

#[derive(Clone, Copy)]
struct GeluTanhBackward;

impl<F: Float> Zip<F, F, F> for GeluTanhBackward {
    #[inline(always)]
    fn call<I: Isa>(self, g: F, x: F) -> F {
        let (argument, slope) = tanh_argument(x);
        let tanh = argument.tanh::<I>();
        let half = F::from_f64(0.5);
        g * (half * (F::ONE + tanh) + half * x * (F::ONE - tanh * tanh) * slope)
    }
}

#[derive(Clone, Copy)]
struct Silu;

impl<F: Float> Map<F, F> for Silu {
    #[inline(always)]
    fn call<I: Isa>(self, x: F) -> F {
        x * x.sigmoid::<I>()
    }
}

#[derive(Clone, Copy)]
struct SiluBackward;

impl<F: Float> Zip<F, F, F> for SiluBackward {
    #[inline(always)]
    fn call<I: Isa>(self, g: F, x: F) -> F {
        let sigmoid = x.sigmoid::<I>();
        g * sigmoid * (F::ONE + x * (F::ONE - sigmoid))
    }
}

impl Tensor {
    /// x Φ(x) with Φ the normal distribution function: `torch.nn.functional.gelu`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn gelu(&self, approximate: Approximate) -> Result<Tensor> {
        let x = self;
        dispatch_float!("gelu", [x], T => match approximate {
            Approximate::None => unary::apply::<T, T>("gelu", &x, Gelu),
            Approximate::Tanh => unary::apply::<T, T>("gelu", &x, GeluTanh),
        })
    }

    /// The gradient of [`gelu`](Tensor::gelu) with this tensor as the gradient of the output.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn gelu_backward(&self, input: &Tensor, approximate: Approximate) -> Result<Tensor> {
        const OP: &str = "gelu_backward";
        self.same_dtype(OP, input)?;
        let (g, x) = (self, input);
        dispatch_float!(OP, [g, x], T => match approximate {
            Approximate::None => binary::apply::<T, T, T>(OP, &g, &x, GeluBackward),
            Approximate::Tanh => binary::apply::<T, T, T>(OP, &g, &x, GeluTanhBackward),
        })
    }

    /// x / (1 + e⁻ˣ): `torch.nn.functional.silu`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn silu(&self) -> Result<Tensor> {
        let x = self;
        dispatch_float!("silu", [x], T => unary::apply::<T, T>("silu", &x, Silu))
    }

    /// The gradient of [`silu`](Tensor::silu) with this tensor as the gradient of the output.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn silu_backward(&self, input: &Tensor) -> Result<Tensor> {
        const OP: &str = "silu_backward";
        self.same_dtype(OP, input)?;
        let (g, x) = (self, input);
        dispatch_float!(OP, [g, x], T => binary::apply::<T, T, T>(OP, &g, &x, SiluBackward))
    }
}
