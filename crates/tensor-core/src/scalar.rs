//! A plain number as an operand.

use crate::Element;

/// A number beside a tensor. It takes the tensor's dtype; a float beside integers makes them f32.
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
