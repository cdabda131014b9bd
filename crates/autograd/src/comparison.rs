//! Comparisons, tests of floats and logic: the methods of the tensor under the same names. Their results have no
//! gradient and are plain tensors.

use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident, $scalar:ident;)*) => {
        impl Var {
            $(
                $(#[$doc])*
                /// element by element, as bool. Shapes broadcast.
                ///
                /// # Errors
                /// If the shapes do not broadcast or the dtypes differ.
                #[track_caller]
                pub fn $name(&self, other: &Var) -> Result<Tensor> {
                    Ok(self.value().$name(other.value())?)
                }

                $(#[$doc])*
                /// each element against one number, as bool.
                #[track_caller]
                pub fn $scalar(&self, other: impl Into<Scalar>) -> Result<Tensor> {
                    Ok(self.value().$scalar(other)?)
                }
            )*
        }
    };
}

comparisons! {
    /// self = other,
    eq, eq_scalar;
    /// self ≥ other,
    ge, ge_scalar;
    /// self > other,
    gt, gt_scalar;
    /// self ≤ other,
    le, le_scalar;
    /// self < other,
    lt, lt_scalar;
    /// self ≠ other,
    ne, ne_scalar;
}

macro_rules! tests {
    ($($(#[$doc:meta])* $name:ident($($other:ident)?);)*) => {
        impl Var {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $name(&self $(, $other: &Var)?) -> Result<Tensor> {
                    Ok(self.value().$name($($other.value())?)?)
                }
            )*
        }
    };
}

tests! {
    /// The quotient rounded down, without a gradient: `torch.floor_divide`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ or are bool, or an integer divisor is 0.
    floor_divide(other);
    /// Whether each element is neither infinite nor NaN, as bool: `torch.isfinite`.
    isfinite();
    /// Whether each element is ∞ or −∞, as bool: `torch.isinf`.
    isinf();
    /// Whether each element is NaN, as bool: `torch.isnan`.
    isnan();
    /// self and other, element by element, as bool; what is not 0 is true: `torch.logical_and`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    logical_and(other);
    /// Whether each element is 0, as bool: `torch.logical_not`.
    logical_not();
    /// self or other, or both, element by element, as bool: `torch.logical_or`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    logical_or(other);
    /// Either self or other, element by element, as bool: `torch.logical_xor`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    logical_xor(other);
}
