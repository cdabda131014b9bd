//! What a rounded division leaves: a − b · q for the rounded quotient q; the derivatives are 1 and −q.

use crate::op::{Keep, apply};
use crate::pointwise::Pair;
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

const REMAINDER: Pair = Pair {
    name: "remainder",
    keep: Keep::Inputs,
    forward: Tensor::remainder,
    derivatives: [
        Some(|ctx| Ok(ctx.input(0).value().ones_like()?.into())),
        Some(|ctx| Ok(ctx.input(0).value().floor_divide(ctx.input(1).value())?.neg()?.into())),
    ],
};

const FMOD: Pair = Pair {
    name: "fmod",
    forward: Tensor::fmod,
    derivatives: [
        REMAINDER.derivatives[0],
        Some(|ctx| Ok(ctx.input(0).value().trunc_divide(ctx.input(1).value())?.neg()?.into())),
    ],
    ..REMAINDER
};

macro_rules! remainders {
    ($($(#[$doc:meta])* $name:ident, $scalar:ident, $op:ident;)*) => {
        impl Var {
            $(
                $(#[$doc])*
                /// Shapes broadcast.
                ///
                /// # Errors
                /// If the shapes do not broadcast, the dtypes differ or are bool, or an integer divisor is 0.
                #[track_caller]
                pub fn $name(&self, other: &Var) -> Result<Var> {
                    apply($op, &[self, other])
                }

                $(#[$doc])*
                /// The divisor is a number; a float beside integers makes them f32.
                ///
                /// # Errors
                /// If both are bool, or the divisor is 0 beside integers.
                #[track_caller]
                pub fn $scalar(&self, other: impl Into<Scalar>) -> Result<Var> {
                    let (x, other) = self.beside(other)?;
                    x.$name(&other)
                }
            )*
        }
    };
}

remainders! {
    /// The remainder with the sign of self: `torch.fmod`.
    fmod, fmod_scalar, FMOD;
    /// The remainder with the sign of the divisor, Python's `%`: `torch.remainder`.
    remainder, remainder_scalar, REMAINDER;
}

pub(crate) const ROW: Row = Row {
    name: "remainder",
    sample: |s| match s.below(4) {
        0 => Sample::pointwise(s, (2.1, 3.9), |x| x.fmod_scalar(2), |x| x % 2.0),
        1 => Sample::pointwise(s, (-1.9, -0.1), |x| x.remainder_scalar(2), |x| x.rem_euclid(2.0)),
        // Quotients between 1 and 2, and between −2 and −1.
        2 => Sample::broadcast(s, (1.6, 2.9), |a, b| a.fmod(&b.mul_scalar(0.5)?), |a, b| a % (b * 0.5)),
        _ => Sample::broadcast(
            s,
            (1.6, 2.9),
            |a, b| a.remainder(&b.mul_scalar(-1.9)?),
            |a, b| a - (a / (b * -1.9)).floor() * (b * -1.9),
        ),
    },
    order: 2,
};
