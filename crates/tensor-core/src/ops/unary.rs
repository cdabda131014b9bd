//! Functions of one element: `y[i] = f(x[i])`.

use crate::dtype::{dispatch_float, dispatch_number};
use crate::kernel::math::Float;
use crate::kernel::pointwise::{Map, map};
use crate::kernel::simd::Isa;
use crate::ops::binary::Arithmetic;
use crate::{Element, Result, Tensor};

/// The result of mapping `f` over `x`.
#[track_caller]
pub(crate) fn apply<A: Element, Y: Element>(
    op: &'static str,
    x: &Tensor,
    f: impl Map<A, Y>,
) -> Result<Tensor> {
    let x = x.contiguous()?;
    Tensor::build_like::<Y>(op, &x, |out| map(x.dense::<A>(), out, f))
}

/// A method that maps a function of a float through the instruction set.
macro_rules! float_methods {
    ($($(#[$doc:meta])* $name:ident, $kernel:ident, |$x:ident, $I:ident| $body:expr;)*) => {
        $(
            #[derive(Clone, Copy)]
            struct $kernel;
            impl<F: Float> Map<F, F> for $kernel {
                #[inline(always)]
                fn call<$I: Isa>(self, $x: F) -> F {
                    $body
                }
            }
        )*
        impl Tensor {
            $(
                $(#[$doc])*
                /// An integer or bool tensor gives f32, as in PyTorch.
                #[track_caller]
                pub fn $name(&self) -> Result<Tensor> {
                    let x = self.as_float()?;
                    dispatch_float!(stringify!($name), [x], T => apply::<T, T>(stringify!($name), &x, $kernel))
                }
            )*
        }
    };
}

float_methods! {
    /// eˣ.
    exp, Exp, |x, I| x.exp::<I>();
    /// eˣ − 1, without cancellation near 0.
    expm1, Expm1, |x, I| x.expm1::<I>();
    /// log(1 + x), without cancellation near 0; −∞ at −1, NaN below.
    log1p, Log1p, |x, I| x.log1p::<I>();
    /// The natural logarithm; −∞ at 0, NaN below.
    log, Log, |x, I| x.log::<I>();
    /// The hyperbolic tangent.
    tanh, Tanh, |x, I| x.tanh::<I>();
    /// 1 / (1 + e⁻ˣ).
    sigmoid, Sigmoid, |x, I| x.sigmoid::<I>();
    /// The error function, 2/√π ∫₀ˣ e^(−t²) dt.
    erf, Erf, |x, I| x.erf::<I>();
    /// The square root; NaN below 0.
    sqrt, Sqrt, |x, I| x.sqrt();
    /// 1 / √x; ∞ at 0, NaN below.
    rsqrt, Rsqrt, |x, I| F::ONE / x.sqrt();
    /// 1 / x.
    reciprocal, Reciprocal, |x, I| F::ONE / x;
}

impl Tensor {
    /// −x.
    ///
    /// # Errors
    /// If the dtype is bool.
    #[track_caller]
    pub fn neg(&self) -> Result<Tensor> {
        let x = self;
        dispatch_number!("neg", [x], T => apply("neg", &x, <T as Arithmetic>::negative))
    }

    /// |x|.
    ///
    /// # Errors
    /// If the dtype is bool.
    #[track_caller]
    pub fn abs(&self) -> Result<Tensor> {
        let x = self;
        dispatch_number!("abs", [x], T => apply("abs", &x, <T as Arithmetic>::absolute))
    }

    /// −1, 0 or 1 by the sign of x; 0 for NaN, as in PyTorch.
    #[track_caller]
    pub fn sign(&self) -> Result<Tensor> {
        let x = self;
        dispatch_number!("sign", [x], T => apply("sign", &x, |x: T| {
            let zero = T::default();
            if x > zero { T::from_i64(1) } else if x < zero { T::from_i64(-1) } else { zero }
        }))
    }

    /// max(x, 0); NaN stays NaN.
    #[track_caller]
    pub fn relu(&self) -> Result<Tensor> {
        let x = self;
        // `x < 0` is false for NaN, which therefore stays.
        dispatch_number!("relu", [x], T => apply("relu", &x, |x: T| if x < T::default() { T::default() } else { x }))
    }

    /// As [`sign`](Tensor::sign), which differs for complex numbers alone: `torch.sgn`.
    #[track_caller]
    pub fn sgn(&self) -> Result<Tensor> {
        self.sign().map_err(|e| e.of("sgn"))
    }

    /// The tensor itself: `torch.positive`.
    ///
    /// # Errors
    /// If the dtype is bool.
    #[track_caller]
    pub fn positive(&self) -> Result<Tensor> {
        let x = self;
        dispatch_number!("positive", [x], T => apply("positive", &x, |x: T| x))
    }

    /// An angle in degrees as radians: x π / 180. Integers give f32.
    #[track_caller]
    pub fn deg2rad(&self) -> Result<Tensor> {
        self.mul_scalar(std::f64::consts::PI / 180.0)
    }

    /// An angle in radians as degrees: x · 180 / π. Integers give f32.
    #[track_caller]
    pub fn rad2deg(&self) -> Result<Tensor> {
        self.mul_scalar(180.0 / std::f64::consts::PI)
    }
}
