//! x log y, 0 for x = 0; the derivatives are log y, 0 for x = 0 and y ≤ 0, and x / y.

use crate::op::{Keep, apply};
use crate::pointwise::Pair;
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

const OP: Pair = Pair {
    name: "xlogy",
    keep: Keep::Inputs,
    forward: Tensor::xlogy,
    derivatives: [
        Some(|ctx| {
            let (x, y) = (ctx.input(0), ctx.input(1));
            let flat = x.value().eq_scalar(0)?.logical_and(&y.value().le_scalar(0)?)?;
            y.broadcast_to(flat.shape())?.masked_fill(&flat, 1.0)?.log()
        }),
        Some(|ctx| ctx.input(0).div(&ctx.input(1))),
    ],
};

impl Var {
    /// self · log(other), and 0 where `self` is 0, unless `other` is NaN: `torch.xlogy`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn xlogy(&self, other: &Var) -> Result<Var> {
        apply(OP, &[self, other])
    }

    /// self · log(other) for a number: `torch.xlogy`. Integers give f32.
    #[track_caller]
    pub fn xlogy_scalar(&self, other: impl Into<Scalar>) -> Result<Var> {
        let (x, other) = self.beside(other)?;
        x.xlogy(&other)
    }
}

pub(crate) const ROW: Row = Row {
    name: "xlogy",
    sample: |s| match s.one_in(3) {
        true => Sample::pointwise(s, (-2.0, 2.0), |x| x.xlogy_scalar(1.7), |x| x * 1.7f64.ln()),
        false => Sample::broadcast(s, (0.3, 2.5), Var::xlogy, |x, y| x * y.ln()),
    },
    order: 2,
};
