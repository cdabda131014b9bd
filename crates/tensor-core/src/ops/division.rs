//! Division with a rounded quotient, and its remainders.

use super::binary;
use crate::dtype::dispatch_number;
use crate::{Element, Error, ErrorKind, Result, Scalar, Tensor};

/// How [`Tensor::div_mode`] rounds the quotient: `rounding_mode` in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundingMode {
    /// Towards 0, as integers divide in C.
    Trunc,
    /// Down, as Python's `//`.
    Floor,
}

/// A number with rounded division; a divisor of 0 is refused before for integers.
trait Divide: Element {
    fn div_trunc(self, b: Self) -> Self;
    fn div_floor(self, b: Self) -> Self;
    /// The remainder of `div_trunc`, with the sign of self.
    fn fmod(self, b: Self) -> Self;
    /// The remainder of `div_floor`, with the sign of b.
    fn remainder(self, b: Self) -> Self;
}

macro_rules! divide {
    (float $($t:ident),*) => {$(
        impl Divide for $t {
            fn div_trunc(self, b: Self) -> Self {
                (self / b).trunc()
            }
            /// As Python and PyTorch: from the exact remainder, so that the quotient is not rounded across an integer.
            fn div_floor(self, b: Self) -> Self {
                if b == 0.0 {
                    return self / b;
                }
                let rest = self % b;
                let quotient = (self - rest) / b;
                let quotient = if rest != 0.0 && (b < 0.0) != (rest < 0.0) { quotient - 1.0 } else { quotient };
                if quotient == 0.0 {
                    return (0.0 as $t).copysign(self / b);
                }
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }
            fn fmod(self, b: Self) -> Self {
                self % b
            }
            fn remainder(self, b: Self) -> Self {
                let rest = self % b;
                if rest != 0.0 && (b < 0.0) != (rest < 0.0) { rest + b } else { rest }
            }
        }
    )*};
    (int $($t:ident),*) => {$(
        #[allow(unused_comparisons, reason = "u8 is never negative")]
        impl Divide for $t {
            fn div_trunc(self, b: Self) -> Self {
                self.wrapping_div(b)
            }
            fn div_floor(self, b: Self) -> Self {
                let (quotient, rest) = (self.wrapping_div(b), self.wrapping_rem(b));
                if rest != 0 && (b < 0) != (rest < 0) { quotient - 1 } else { quotient }
            }
            fn fmod(self, b: Self) -> Self {
                self.wrapping_rem(b)
            }
            fn remainder(self, b: Self) -> Self {
                let rest = self.wrapping_rem(b);
                if rest != 0 && (b < 0) != (rest < 0) { rest + b } else { rest }
            }
        }
    )*};
}
divide!(float f32, f64);
divide!(int i64, i32, u8);

macro_rules! division_methods {
    ($($(#[$doc:meta])* $name:ident, $scalar:ident, $f:ident;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// Shapes broadcast.
                ///
                /// # Errors
                /// If the shapes do not broadcast, the dtypes differ or are bool, or an integer divisor is 0.
                #[track_caller]
                pub fn $name(&self, other: &Tensor) -> Result<Tensor> {
                    const OP: &str = stringify!($name);
                    self.same_dtype(OP, other)?;
                    let (a, b) = (self, other);
                    dispatch_number!(OP, [a, b], T => {
                        if a.is_integer() && a.numel() > 0 && has_zero::<T>(&b)? {
                            return Err(Error::new(OP, ErrorKind::ZeroDivision));
                        }
                        let f: fn(T, T) -> T = <T as Divide>::$f;
                        binary::apply(OP, &a, &b, f)
                    })
                }

                $(#[$doc])*
                /// The divisor is a number; a float beside integers makes them f32.
                ///
                /// # Errors
                /// If the dtype is bool beside a bool, or the divisor is 0 beside integers.
                #[track_caller]
                pub fn $scalar(&self, other: impl Into<Scalar>) -> Result<Tensor> {
                    let (x, other) = self.beside(other)?;
                    x.$name(&other)
                }
            )*
        }
    };
}

division_methods! {
    /// The quotient rounded down: `torch.floor_divide`.
    floor_divide, floor_divide_scalar, div_floor;
    /// The remainder with the sign of self: `torch.fmod`.
    fmod, fmod_scalar, fmod;
    /// The remainder with the sign of the divisor, Python's `%`: `torch.remainder`.
    remainder, remainder_scalar, remainder;
    /// The quotient rounded towards 0: `torch.div` with `rounding_mode="trunc"`.
    trunc_divide, trunc_divide_scalar, div_trunc;
}

#[track_caller]
fn has_zero<T: Element>(x: &Tensor) -> Result<bool> {
    Ok(x.contiguous()?.dense::<T>().contains(&T::default()))
}

impl Tensor {
    /// The rounded quotient, in the dtype of the operands: `torch.div` with a `rounding_mode`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ or are bool, or an integer divisor is 0.
    #[track_caller]
    pub fn div_mode(&self, other: &Tensor, mode: RoundingMode) -> Result<Tensor> {
        match mode {
            RoundingMode::Trunc => self.trunc_divide(other),
            RoundingMode::Floor => self.floor_divide(other),
        }
    }
}
