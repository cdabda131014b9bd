//! a + w (b − a); the derivatives are 1 − w, w, and b − a. And fused products, which are compositions.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

struct Lerp;

impl Op for Lerp {
    fn name(&self) -> &'static str {
        "lerp"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].lerp(inputs[1], inputs[2])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, weight) = (ctx.grad(), ctx.input(2));
        let to_end = g.mul(&weight)?;
        let to_weight =
            if ctx.needs_grad(2) { Some(g.mul(&ctx.input(1).sub(&ctx.input(0))?)?) } else { None };
        Ok(Grads::from_iter([Some(g.sub(&to_end)?), Some(to_end), to_weight]))
    }
}

struct LerpScalar(f64);

impl Op for LerpScalar {
    fn name(&self) -> &'static str {
        "lerp"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].lerp_scalar(inputs[1], self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        Ok(Grads::from_iter([Some(g.mul_scalar(1.0 - self.0)?), Some(g.mul_scalar(self.0)?)]))
    }
}

impl Var {
    /// self + weight · (end − self), element by element: `torch.lerp`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn lerp(&self, end: &Var, weight: &Var) -> Result<Var> {
        apply(Lerp, &[self, end, weight])
    }

    /// self + weight · (end − self) for one number: `torch.lerp`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn lerp_scalar(&self, end: &Var, weight: f64) -> Result<Var> {
        apply(LerpScalar(weight), &[self, end])
    }

    /// self + value · a · b: `torch.addcmul`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are bool.
    #[track_caller]
    pub fn addcmul(&self, a: &Var, b: &Var, value: impl Into<Scalar>) -> Result<Var> {
        self.add(&a.mul(b)?.mul_scalar(value)?)
    }

    /// self + value · a / b: `torch.addcdiv`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes differ, or are not floating-point.
    #[track_caller]
    pub fn addcdiv(&self, a: &Var, b: &Var, value: impl Into<Scalar>) -> Result<Var> {
        self.add(&a.div(b)?.mul_scalar(value)?)
    }
}

pub(crate) const ROW: Row = Row {
    name: "lerp",
    sample: |s| match s.below(4) {
        0 => Sample::broadcast(s, (-2.0, 2.0), |a, b| a.lerp_scalar(b, 0.7), |a, b| a + 0.7 * (b - a)),
        1 => Sample::broadcast(s, (-2.0, 2.0), |a, b| a.lerp(b, b), |a, b| a + b * (b - a)),
        2 => Sample::broadcast(s, (-2.0, 2.0), |a, b| a.addcmul(b, a, -1.7), |a, b| a - 1.7 * b * a),
        _ => Sample::broadcast(s, (0.5, 2.0), |a, b| b.addcdiv(a, b, -1.7), |a, b| b - 1.7 * a / b),
    },
    order: 2,
};
