//! Activations that are linear piece by piece, and those with one bent piece.

use super::{binary, unary};
use crate::Element;
use crate::dtype::dispatch_float;
use crate::kernel::math::Float;
use crate::kernel::pointwise::{Map, Zip};
use crate::kernel::simd::Isa;
use crate::{Error, ErrorKind, Result, Tensor};

/// The gradient `f(g, x)` of an activation, in the shape of `x`.
#[track_caller]
pub(super) fn backward<F: Float + Element>(
    op: &'static str,
    g: &Tensor,
    x: &Tensor,
    f: impl Zip<F, F, F>,
) -> Result<Tensor> {
    // Side by side, so that the strided loops are not compiled for each.
    let g = g.broadcast_to(x.shape())?.contiguous()?;
    binary::apply(op, &g, &x.contiguous()?, f)
}

/// Activations with parameters: `name, gradient, kernel[parameters], |x, I| value, |g| gradient;`, generic over the float
/// type, which is `F`.
macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident, $backward:ident, $Kernel:ident[$($p:ident),*],
        |$x:ident, $I:ident| $value:expr, |$g:ident| $gradient:expr;)*) => {
        $(
            #[derive(Clone, Copy)]
            struct $Kernel<F, const N: usize>([F; N]);

            impl<F: Float> Map<F, F> for $Kernel<F, { activations!(@count $($p)*) }> {
                #[inline(always)]
                fn call<$I: Isa>(self, $x: F) -> F {
                    let [$($p),*] = self.0;
                    $value
                }
            }

            impl<F: Float> Zip<F, F, F> for $Kernel<F, { activations!(@count $($p)*) }> {
                #[inline(always)]
                fn call<$I: Isa>(self, $g: F, $x: F) -> F {
                    let [$($p),*] = self.0;
                    $gradient
                }
            }
        )*
        impl Tensor {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// If the dtype is not floating-point.
                #[track_caller]
                pub fn $name(&self $(, $p: f64)*) -> Result<Tensor> {
                    let x = self;
                    dispatch_float!(stringify!($name), [x], T => {
                        let f = $Kernel([$(<T as Float>::from_f64($p)),*]);
                        unary::apply::<T, T>(stringify!($name), &x, f)
                    })
                }

                #[doc = concat!("The gradient of [`", stringify!($name), "`](Tensor::", stringify!($name), ") at")]
                /// `input`, with this tensor as the gradient of the output.
                ///
                /// # Errors
                /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
                #[track_caller]
                pub fn $backward(&self, input: &Tensor $(, $p: f64)*) -> Result<Tensor> {
                    const OP: &str = stringify!($backward);
                    self.same_dtype(OP, input)?;
                    let (g, x) = (self, input);
                    dispatch_float!(OP, [g, x], T => {
                        let f = $Kernel([$(<T as Float>::from_f64($p)),*]);
                        backward::<T>(OP, &g, &x, f)
                    })
                }
            )*
        }
    };
    (@count) => { 0 };
    (@count $first:ident $($rest:ident)*) => { 1 + activations!(@count $($rest)*) };
}

pub(super) use activations;

// NaN: a comparison with it is false, so the last branch is the one that lets it pass.
activations! {
    /// 0 where −lambd ≤ x ≤ lambd, else x: `torch.nn.functional.hardshrink`.
    hardshrink, hardshrink_backward, Hardshrink[lambd],
        |x, I| if x >= -lambd && x <= lambd { F::ZERO } else { x },
        |g| if x >= -lambd && x <= lambd { F::ZERO } else { g };
    /// min(max(x + 3, 0), 6) / 6: `torch.nn.functional.hardsigmoid`.
    hardsigmoid, hardsigmoid_backward, Hardsigmoid[],
        |x, I| {
            let (t, six) = (x + F::from_f64(3.0), F::from_f64(6.0));
            (if t < F::ZERO { F::ZERO } else if t > six { six } else { t }) / six
        },
        |g| if x > F::from_f64(-3.0) && x < F::from_f64(3.0) { g / F::from_f64(6.0) } else { F::ZERO };
    /// x min(max(x + 3, 0), 6) / 6: `torch.nn.functional.hardswish`.
    hardswish, hardswish_backward, Hardswish[],
        |x, I| {
            let (t, six) = (x + F::from_f64(3.0), F::from_f64(6.0));
            x * (if t < F::ZERO { F::ZERO } else if t > six { six } else { t }) / six
        },
        |g| {
            let three = F::from_f64(3.0);
            if x <= -three { F::ZERO } else if x < three { g * (x / three + F::from_f64(0.5)) } else { g }
        };
    /// min(max(x, min_val), max_val), which has a gradient at NaN where [`clamp`](Tensor::clamp) has none:
    /// `torch.nn.functional.hardtanh`.
    hardtanh, hardtanh_backward, Hardtanh[min_val, max_val],
        |x, I| if x < min_val { min_val } else if x > max_val { max_val } else { x },
        |g| if x <= min_val || x >= max_val { F::ZERO } else { g };
    /// x where it is positive, else negative_slope · x: `torch.nn.functional.leaky_relu`.
    leaky_relu, leaky_relu_backward, LeakyRelu[negative_slope],
        |x, I| if x > F::ZERO { x } else { x * negative_slope },
        |g| if x > F::ZERO { g } else { g * negative_slope };
    /// x where it is above `threshold`, else `value`: `torch.nn.functional.threshold`.
    threshold, threshold_backward, Threshold[threshold, value],
        |x, I| if x <= threshold { value } else { x },
        |g| {
            let _ = value;
            if x <= threshold { F::ZERO } else { g }
        };
    /// x moved by lambd towards 0, and 0 within: [`softshrink`](Tensor::softshrink) without its check.
    softshrink_by, softshrink_backward, Softshrink[lambd],
        |x, I| if x > lambd { x - lambd } else if x < -lambd { x + lambd } else { x * F::ZERO },
        |g| if x >= -lambd && x <= lambd { F::ZERO } else { g };
}

impl Tensor {
    /// min(max(x, 0), 6): `torch.nn.functional.relu6`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn relu6(&self) -> Result<Tensor> {
        self.hardtanh(0.0, 6.0).map_err(|e| e.of("relu6"))
    }

    /// x moved by `lambd` towards 0, and 0 within: `torch.nn.functional.softshrink`.
    ///
    /// # Errors
    /// If `lambd` is negative or NaN, or the dtype is not floating-point.
    #[track_caller]
    pub fn softshrink(&self, lambd: f64) -> Result<Tensor> {
        if lambd >= 0.0 {
            return self.softshrink_by(lambd).map_err(|e| e.of("softshrink"));
        }
        let (value, expected) = (lambd.to_string(), "0 or more");
        Err(Error::new("softshrink", ErrorKind::Argument { argument: "lambd", value, expected }))
    }

    /// x where it is positive, else weight · x: `torch.nn.functional.prelu`. The weight has one element, or one for
    /// each of dimension 1.
    ///
    /// # Errors
    /// If the weight has another shape, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn prelu(&self, weight: &Tensor) -> Result<Tensor> {
        const OP: &str = "prelu";
        self.same_dtype(OP, weight)?;
        let weight = weight.reshape(prelu_shape(self, weight)?)?;
        let x = self;
        dispatch_float!(OP, [x, weight], T => {
            binary::apply(OP, &x, &weight, |x: T, w: T| if x > 0.0 { x } else { w * x })
        })
    }
}

/// The shape in which the weight of [`prelu`](Tensor::prelu) broadcasts to `x`.
#[track_caller]
fn prelu_shape(x: &Tensor, weight: &Tensor) -> Result<Vec<isize>> {
    let channels = x.shape().get(1).copied().unwrap_or(1);
    if weight.rank() <= 1 && weight.numel() == 1 {
        return Ok(Vec::new());
    }
    if weight.rank() != 1 || weight.numel() != channels {
        let (found, expected) = (weight.shape().clone(), format!("[1] or [{channels}]"));
        return Err(Error::new("prelu", ErrorKind::ShapeMismatch { argument: "weight", found, expected }));
    }
    Ok(std::iter::once(channels as isize).chain(std::iter::repeat_n(1, x.rank() - 2)).collect())
}
