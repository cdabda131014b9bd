//! Truth values, tests of floats, and bits.

use super::{binary, unary};
use crate::dtype::dispatch_float;
use crate::{DType, Error, ErrorKind, Result, Tensor};

macro_rules! float_tests {
    ($($(#[$doc:meta])* $name:ident, $integer:expr;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $name(&self) -> Result<Tensor> {
                    if !self.dtype().is_float() {
                        return Tensor::full(self.shape(), f64::from(u8::from($integer)), DType::Bool);
                    }
                    let x = self;
                    dispatch_float!(stringify!($name), [x], T => {
                        unary::apply(stringify!($name), &x, |x: T| x.$name())
                    })
                }
            )*
        }
    };
}

/// The tests under PyTorch's names.
trait Tests: Copy {
    fn isfinite(self) -> bool;
    fn isinf(self) -> bool;
    fn isnan(self) -> bool;
}

macro_rules! tests {
    ($($t:ty),*) => {$(
        impl Tests for $t {
            #[inline(always)]
            fn isfinite(self) -> bool { self.is_finite() }
            #[inline(always)]
            fn isinf(self) -> bool { self.is_infinite() }
            #[inline(always)]
            fn isnan(self) -> bool { self.is_nan() }
        }
    )*};
}
tests!(f32, f64);

float_tests! {
    /// Whether each element is neither infinite nor NaN, as bool: `torch.isfinite`. Integers are.
    isfinite, true;
    /// Whether each element is ∞ or −∞, as bool: `torch.isinf`. Integers are not.
    isinf, false;
    /// Whether each element is NaN, as bool: `torch.isnan`. Integers are not.
    isnan, false;
}

macro_rules! logical_methods {
    ($($(#[$doc:meta])* $name:ident, |$a:ident, $b:ident| $body:expr;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// element by element, as bool; what is not 0 is true, NaN too. Shapes broadcast; dtypes may differ.
                ///
                /// # Errors
                /// If the shapes do not broadcast.
                #[track_caller]
                pub fn $name(&self, other: &Tensor) -> Result<Tensor> {
                    let (a, b) = (self.to_dtype(DType::Bool)?, other.to_dtype(DType::Bool)?);
                    let f: fn(bool, bool) -> bool = |$a, $b| $body;
                    binary::apply(stringify!($name), &a, &b, f)
                }
            )*
        }
    };
}

logical_methods! {
    /// self and other,
    logical_and, |a, b| a & b;
    /// self or other, or both,
    logical_or, |a, b| a | b;
    /// Either self or other,
    logical_xor, |a, b| a ^ b;
}

/// Runs `$body` with `$T` bound to an integer type or bool; a float dtype is an error of `$op`.
macro_rules! dispatch_bits {
    ($op:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            DType::I64 => {
                type $T = i64;
                $body
            }
            DType::I32 => {
                type $T = i32;
                $body
            }
            DType::U8 => {
                type $T = u8;
                $body
            }
            DType::Bool => {
                type $T = bool;
                $body
            }
            found => Err(Error::new(
                $op,
                ErrorKind::DType { argument: "input", found, expected: "an integer dtype or bool" },
            )),
        }
    };
}

macro_rules! bitwise_methods {
    ($($(#[$doc:meta])* $name:ident, |$a:ident, $b:ident| $body:expr;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// bit by bit; truth values as by the logical operation. Shapes broadcast.
                ///
                /// # Errors
                /// If the shapes do not broadcast, the dtypes differ, or are floating-point.
                #[track_caller]
                pub fn $name(&self, other: &Tensor) -> Result<Tensor> {
                    const OP: &str = stringify!($name);
                    self.same_dtype(OP, other)?;
                    dispatch_bits!(OP, self.dtype(), T => {
                        let f: fn(T, T) -> T = |$a, $b| $body;
                        binary::apply(OP, self, other, f)
                    })
                }
            )*
        }
    };
}

bitwise_methods! {
    /// self and other,
    bitwise_and, |a, b| a & b;
    /// self or other, or both,
    bitwise_or, |a, b| a | b;
    /// Either self or other,
    bitwise_xor, |a, b| a ^ b;
}

impl Tensor {
    /// Whether each element is 0, as bool: `torch.logical_not`.
    #[track_caller]
    pub fn logical_not(&self) -> Result<Tensor> {
        unary::apply("logical_not", &self.to_dtype(DType::Bool)?, |x: bool| !x)
    }

    /// All bits turned; the opposite of a truth value: `torch.bitwise_not`.
    ///
    /// # Errors
    /// If the dtype is floating-point.
    #[track_caller]
    pub fn bitwise_not(&self) -> Result<Tensor> {
        dispatch_bits!("bitwise_not", self.dtype(), T => unary::apply("bitwise_not", self, |x: T| !x))
    }
}
