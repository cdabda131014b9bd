//! Functions that are a call for each element: of the standard library, of `libm`, or of `kernel/special.rs`.
//!
//! One loop serves them all, through a function pointer: beside the call itself a loop compiled for each would save
//! little.

use super::{binary, unary};
use crate::dtype::dispatch_float;
use crate::kernel::special;
use crate::{Element, Result, Tensor};

/// A float type, to choose between the two functions of a pair.
trait Single: Element {
    fn choose(single: fn(f32) -> f32, double: fn(f64) -> f64) -> fn(Self) -> Self;
    fn choose2(single: fn(f32, f32) -> f32, double: fn(f64, f64) -> f64) -> fn(Self, Self) -> Self;
}

impl Single for f32 {
    fn choose(single: fn(f32) -> f32, _: fn(f64) -> f64) -> fn(Self) -> Self {
        single
    }
    fn choose2(single: fn(f32, f32) -> f32, _: fn(f64, f64) -> f64) -> fn(Self, Self) -> Self {
        single
    }
}

impl Single for f64 {
    fn choose(_: fn(f32) -> f32, double: fn(f64) -> f64) -> fn(Self) -> Self {
        double
    }
    fn choose2(_: fn(f32, f32) -> f32, double: fn(f64, f64) -> f64) -> fn(Self, Self) -> Self {
        double
    }
}

#[track_caller]
fn call(op: &'static str, x: &Tensor, single: fn(f32) -> f32, double: fn(f64) -> f64) -> Result<Tensor> {
    let x = x.as_float()?;
    dispatch_float!(op, [x], T => unary::apply::<T, T>(op, &x, T::choose(single, double)))
}

#[track_caller]
fn call2(
    op: &'static str,
    a: &Tensor,
    b: &Tensor,
    single: fn(f32, f32) -> f32,
    double: fn(f64, f64) -> f64,
) -> Result<Tensor> {
    a.same_dtype(op, b)?;
    let (a, b) = (a.as_float()?, b.as_float()?);
    dispatch_float!(op, [a, b], T => binary::apply::<T, T, T>(op, &a, &b, T::choose2(single, double)))
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident, $single:expr, $double:expr;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// An integer or bool tensor gives f32, as in PyTorch.
                #[track_caller]
                pub fn $name(&self) -> Result<Tensor> {
                    call(stringify!($name), self, $single, $double)
                }
            )*
        }
    };
}

functions! {
    /// The angle in [0, π] whose cosine is x; NaN outside [−1, 1].
    acos, f32::acos, f64::acos;
    /// The inverse hyperbolic cosine; NaN below 1.
    acosh, f32::acosh, f64::acosh;
    /// The angle in [−π/2, π/2] whose sine is x; NaN outside [−1, 1].
    asin, f32::asin, f64::asin;
    /// The inverse hyperbolic sine.
    asinh, f32::asinh, f64::asinh;
    /// The angle in [−π/2, π/2] whose tangent is x.
    atan, f32::atan, f64::atan;
    /// The inverse hyperbolic tangent; ±∞ at ±1, NaN beyond.
    atanh, f32::atanh, f64::atanh;
    /// The cosine of an angle in radians.
    cos, f32::cos, f64::cos;
    /// The hyperbolic cosine.
    cosh, f32::cosh, f64::cosh;
    /// ψ(x), the derivative of [`lgamma`](Tensor::lgamma); −∞ at 0, NaN at negative integers.
    digamma, |x| special::digamma(x.into()) as f32, special::digamma;
    /// 1 − erf(x), without cancellation for large x.
    erfc, libm::erfcf, libm::erfc;
    /// The inverse of the error function; ±∞ at ±1, NaN beyond.
    erfinv, |x| special::erfinv(x.into()) as f32, special::erfinv;
    /// 2ˣ.
    exp2, f32::exp2, f64::exp2;
    /// log |Γ(x)|; ∞ at 0, −1, −2, …
    lgamma, libm::lgammaf, libm::lgamma;
    /// The logarithm to base 10; −∞ at 0, NaN below.
    log10, f32::log10, f64::log10;
    /// The logarithm to base 2; −∞ at 0, NaN below.
    log2, f32::log2, f64::log2;
    /// The sine of an angle in radians.
    sin, f32::sin, f64::sin;
    /// sin(πx) / (πx); 1 at 0.
    sinc, |x| special::sinc(x.into()) as f32, special::sinc;
    /// The hyperbolic sine.
    sinh, f32::sinh, f64::sinh;
    /// The tangent of an angle in radians.
    tan, f32::tan, f64::tan;
}

macro_rules! functions_of_two {
    ($($(#[$doc:meta])* $name:ident, $single:expr, $double:expr;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// Shapes broadcast; integers are taken as f32.
                ///
                /// # Errors
                /// If the shapes do not broadcast or the dtypes differ.
                #[track_caller]
                pub fn $name(&self, other: &Tensor) -> Result<Tensor> {
                    call2(stringify!($name), self, other, $single, $double)
                }
            )*
        }
    };
}

functions_of_two! {
    /// The angle in [−π, π] of the point (`other`, `self`): `torch.atan2`.
    atan2, f32::atan2, f64::atan2;
    /// |self| with the sign of `other`, that of a zero too: `torch.copysign`.
    copysign, f32::copysign, f64::copysign;
    /// √(self² + other²) without overflow: `torch.hypot`.
    hypot, f32::hypot, f64::hypot;
    /// log(e^self + e^other) without overflow: `torch.logaddexp`.
    logaddexp, |a, b| special::logaddexp(a.into(), b.into()) as f32, special::logaddexp;
    /// self · log(other), and 0 where `self` is 0, unless `other` is NaN: `torch.xlogy`.
    xlogy, |x, y| special::xlogy(x.into(), y.into()) as f32, special::xlogy;
}

impl Tensor {
    /// The n-th derivative of [`digamma`](Tensor::digamma), which is that of n = 0: `torch.polygamma`. An integer or
    /// bool tensor gives f32.
    #[track_caller]
    pub fn polygamma(&self, n: u32) -> Result<Tensor> {
        const OP: &str = "polygamma";
        if n == 0 {
            return self.digamma().map_err(|e| e.of(OP));
        }
        let x = self.as_float()?;
        dispatch_float!(OP, [x], T => {
            unary::apply::<T, T>(OP, &x, move |x: T| special::polygamma(n, x.to_f64()) as T)
        })
    }

    /// base ^ self, element by element, for a number: `torch.pow` with a number as its first argument. The number is
    /// taken in this tensor's dtype; a float base makes an integer tensor f32.
    ///
    /// # Errors
    /// If the dtype is bool.
    #[track_caller]
    pub fn rpow_scalar(&self, base: impl Into<crate::Scalar>) -> Result<Tensor> {
        let (exponent, base) = self.beside(base)?;
        base.pow(&exponent)
    }

    /// log(x / (1 − x)), the inverse of [`sigmoid`](Tensor::sigmoid), with x first clamped to [eps, 1 − eps] where
    /// `eps` is given: `torch.logit`. Without it NaN outside [0, 1]. An integer or bool tensor gives f32.
    #[track_caller]
    pub fn logit(&self, eps: Option<f64>) -> Result<Tensor> {
        const OP: &str = "logit";
        let x = self.as_float()?;
        dispatch_float!(OP, [x], T => {
            let (low, high) = eps.map_or((T::NEG_INFINITY, T::INFINITY), |eps| (eps as T, 1.0 - eps as T));
            unary::apply::<T, T>(OP, &x, move |x: T| {
                let x = if x < low { low } else if x > high { high } else { x };
                (x / (1.0 - x)).ln()
            })
        })
    }
}
