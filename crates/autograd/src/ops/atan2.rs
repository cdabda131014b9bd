//! The polar coordinates of a point (b, a): its angle, with derivatives b/(a² + b²) and −a/(a² + b²), 0 at the
//! origin, and its distance y from there, with derivatives a/y and b/y.

use crate::op::{Context, Keep, apply};
use crate::pointwise::Pair;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

/// `side / (a² + b²)`, and 0 at the origin.
fn over_square(ctx: &Context, side: &Var) -> Result<Var> {
    let square = ctx.input(0).square()?.add(&ctx.input(1).square()?)?;
    let origin = square.value().eq_scalar(0)?;
    side.div(&square.masked_fill(&origin, 1.0)?)
}

const ANGLE: Pair = Pair {
    name: "atan2",
    keep: Keep::Inputs,
    forward: Tensor::atan2,
    derivatives: [
        Some(|ctx| over_square(ctx, &ctx.input(1))),
        Some(|ctx| over_square(ctx, &ctx.input(0).neg()?)),
    ],
};

const DISTANCE: Pair = Pair {
    name: "hypot",
    keep: Keep::Both,
    forward: Tensor::hypot,
    derivatives: [
        Some(|ctx| ctx.input(0).div(&ctx.output(0))),
        Some(|ctx| ctx.input(1).div(&ctx.output(0))),
    ],
};

impl Var {
    /// The angle in [−π, π] of the point (`other`, `self`): `torch.atan2`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn atan2(&self, other: &Var) -> Result<Var> {
        apply(ANGLE, &[self, other])
    }

    /// √(self² + other²) without overflow: `torch.hypot`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn hypot(&self, other: &Var) -> Result<Var> {
        apply(DISTANCE, &[self, other])
    }
}

pub(crate) const ROW: Row = Row {
    name: "atan2",
    sample: |s| match s.one_in(2) {
        true => Sample::broadcast(s, (0.4, 3.0), Var::atan2, f64::atan2),
        false => Sample::broadcast(s, (0.4, 3.0), Var::hypot, f64::hypot),
    },
    order: 2,
};
