//! A plain number as an operand.

use crate::{DType, Element, Error, ErrorKind, Result, bf16, f16};

/// A number beside a tensor. It takes the tensor's dtype, but that a float makes integers and bools f32, and an integer
/// makes bools i64: `torch.result_type`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A floating-point number.
    Float(f64),
    /// An integer.
    Int(i64),
    /// A truth value.
    Bool(bool),
}

impl Scalar {
    /// The number as an element.
    #[inline]
    pub fn to<T: Element>(self) -> T {
        match self {
            Scalar::Float(x) => T::from_f64(x),
            Scalar::Int(x) => T::from_i64(x),
            Scalar::Bool(x) => T::from_i64(i64::from(x)),
        }
    }

    /// The number as an element, or an error of `op` where it lies beyond what the dtype holds; a fraction is cut off.
    #[track_caller]
    pub(crate) fn checked<T: Element>(self, op: &'static str, argument: &'static str) -> Result<T> {
        let (element, wide) = (self.to::<T>(), self.to::<f64>());
        let held = match (T::DTYPE, self) {
            (DType::Bool, _) => true,
            (dtype, Scalar::Float(x)) if dtype.is_float() => element.to_f64().is_finite() || !x.is_finite(),
            (dtype, _) if dtype.is_float() => element.to_f64().is_finite(),
            (_, Scalar::Float(x)) => element.to_f64() == x.trunc(),
            (_, Scalar::Int(x)) => element.to_i64() == x,
            (_, Scalar::Bool(_)) => true,
        };
        if held {
            return Ok(element);
        }
        let expected = "a number that the tensor's dtype holds; convert the tensor with to_dtype()";
        Err(Error::new(op, ErrorKind::Argument { argument, value: wide.to_string(), expected }))
    }

    /// The number that a tensor of `dtype` holds for it, where that is half precision; else the number itself, which
    /// becomes an element by [`to`](Scalar::to).
    pub(crate) fn rounded(self, dtype: DType) -> Self {
        match dtype {
            DType::F16 => Scalar::Float(self.to::<f16>().to_f64()),
            DType::BF16 => Scalar::Float(self.to::<bf16>().to_f64()),
            _ => self,
        }
    }
}

macro_rules! from {
    ($($t:ty => $variant:ident),*) => {$(
        impl From<$t> for Scalar {
            fn from(x: $t) -> Self {
                Scalar::$variant(x.into())
            }
        }
    )*};
}
from!(f32 => Float, f64 => Float, i32 => Int, i64 => Int, u8 => Int, bool => Bool);
