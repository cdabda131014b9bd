//! Powers.

use super::binary::{self, Arithmetic};
use super::unary;
use crate::dtype::dispatch_number;
use crate::kernel::math::Float;
use crate::{DType, Error, ErrorKind, Result, Scalar, Tensor};

/// A number with powers of its own type.
trait Power: Arithmetic {
    fn power(self, exponent: Self) -> Self;
}

impl Power for f32 {
    fn power(self, exponent: Self) -> Self {
        Float::pow(self, exponent)
    }
}

impl Power for f64 {
    fn power(self, exponent: Self) -> Self {
        Float::pow(self, exponent)
    }
}

macro_rules! integer_power {
    ($($t:ty),*) => {$(
        impl Power for $t {
            /// By squaring; wraps. A negative exponent gives the truncated quotient, 0 but for bases 1 and −1.
            #[allow(unused_comparisons, reason = "u8 is never negative")]
            fn power(self, exponent: Self) -> Self {
                let (mut base, mut rest, mut power) = (self, exponent, 1);
                if exponent < 0 {
                    return match (self, exponent % 2 == 0) {
                        (1, _) => 1,
                        (b, even) if b.wrapping_add(1) == 0 => if even { 1 } else { b },
                        _ => 0,
                    };
                }
                while rest != 0 {
                    if rest % 2 == 1 {
                        power = power.times(base);
                    }
                    base = base.times(base);
                    rest /= 2;
                }
                power
            }
        }
    )*};
}
integer_power!(i64, i32, u8);

impl Tensor {
    /// self ^ other, element by element. Shapes broadcast. Powers of integers wrap; a negative exponent gives 0 there,
    /// but for bases 1 and −1.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are bool.
    #[track_caller]
    pub fn pow(&self, other: &Tensor) -> Result<Tensor> {
        self.same_dtype("pow", other)?;
        let (a, b) = (self, other);
        dispatch_number!("pow", [a, b], T => {
            let power: fn(T, T) -> T = T::power;
            binary::apply("pow", &a, &b, power)
        })
    }

    /// self ^ exponent. Squares, square roots and reciprocals are computed as such. An integer tensor stays one beside
    /// an integer, wrapping, and is f32 beside a float; a bool tensor stays one beside a bool.
    ///
    /// # Errors
    /// If both are integers and the exponent is negative.
    #[track_caller]
    pub fn pow_scalar(&self, exponent: impl Into<Scalar>) -> Result<Tensor> {
        let exponent = exponent.into();
        let x = self.promoted(exponent)?;
        if x.dtype() == DType::Bool {
            return if exponent.to::<bool>() { Ok(x) } else { x.ones_like() };
        }
        if !x.dtype().is_float() && exponent.to::<i64>() < 0 {
            let (value, expected) = (
                exponent.to::<i64>().to_string(),
                "from 0 on for an integer tensor; convert with to_dtype()",
            );
            return Err(Error::new("pow", ErrorKind::Argument { argument: "exponent", value, expected }));
        }
        let exponent = exponent.rounded(x.dtype());
        dispatch_number!("pow", [x], T => match exponent.to::<f64>() {
            1.0 => Ok(Tensor::clone(&x)),
            2.0 => unary::apply("pow", &x, |a: T| a.times(a)),
            3.0 => unary::apply("pow", &x, |a: T| a.times(a).times(a)),
            0.5 => x.sqrt(),
            -0.5 => x.rsqrt(),
            -1.0 => x.reciprocal(),
            -2.0 => x.mul(&x)?.reciprocal(),
            _ => {
                let e: T = exponent.to();
                unary::apply("pow", &x, move |a: T| a.power(e))
            }
        })
    }

    /// self², element by element: `torch.square`.
    ///
    /// # Errors
    /// If the dtype is bool.
    #[track_caller]
    pub fn square(&self) -> Result<Tensor> {
        self.pow_scalar(2).map_err(|e| e.of("square"))
    }
}
