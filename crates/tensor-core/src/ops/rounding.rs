//! Rounding to integers and what it cuts off.

use super::unary;
use crate::dtype::dispatch_float;
use crate::{DType, Result, Tensor};

macro_rules! rounding {
    ($($(#[$doc:meta])* $name:ident, $f:ident;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                /// Integers stay as they are.
                ///
                /// # Errors
                /// If the dtype is bool.
                #[track_caller]
                pub fn $name(&self) -> Result<Tensor> {
                    if self.is_integer() {
                        return Ok(self.clone());
                    }
                    let x = self;
                    dispatch_float!(stringify!($name), [x], T => {
                        unary::apply(stringify!($name), &x, |x: T| x.$f())
                    })
                }
            )*
        }
    };
}

rounding! {
    /// The smallest integer that is not less.
    ceil, ceil;
    /// The largest integer that is not greater.
    floor, floor;
    /// The nearest integer; halves go to the even neighbour, as in PyTorch.
    round, round_ties_even;
    /// The integer part, towards 0.
    trunc, trunc;
}

impl Tensor {
    /// Whether elements are integers; bool is none.
    pub(crate) fn is_integer(&self) -> bool {
        !self.dtype().is_float() && self.dtype() != DType::Bool
    }

    /// The nearest multiple of 10^−decimals, to the left of the point for negative `decimals`; halves go to the even
    /// neighbour: `torch.round` with `decimals`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn round_decimals(&self, decimals: i32) -> Result<Tensor> {
        const OP: &str = "round";
        let x = self;
        dispatch_float!(OP, [x], T => {
            let ten = (10.0 as T).powi(decimals.saturating_abs());
            match decimals {
                0 => x.round(),
                1.. => unary::apply(OP, &x, move |x: T| (x * ten).round_ties_even() / ten),
                _ => unary::apply(OP, &x, move |x: T| (x / ten).round_ties_even() * ten),
            }
        })
    }

    /// What [`trunc`](Tensor::trunc) cuts off: x − trunc(x), with the sign of x.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn frac(&self) -> Result<Tensor> {
        let x = self;
        dispatch_float!("frac", [x], T => unary::apply("frac", &x, |x: T| x - x.trunc()))
    }
}
