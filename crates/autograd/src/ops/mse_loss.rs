//! `(x − t)²`, its mean or its sum; the gradients are ±2 (x − t) g, divided by the number of elements for the mean.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Reduction, Result, Var};
use tensor_core::Tensor;

struct MseLoss(Reduction);

impl Op for MseLoss {
    fn name(&self) -> &'static str {
        "mse_loss"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].mse_loss(inputs[1], self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, target) = (ctx.input(0), ctx.input(1));
        let factor = if self.0 == Reduction::Mean { 2.0 / x.numel() as f64 } else { 2.0 };
        let dx = x.sub(&target)?.mul(&ctx.grad().mul_scalar(factor)?)?;
        let dtarget = if ctx.needs_grad(1) { Some(dx.neg()?) } else { None };
        Ok(Grads::from_iter([Some(dx), dtarget]))
    }
}

impl Var {
    /// The mean, the sum or each of `(x − target)²`: `torch.nn.functional.mse_loss`.
    ///
    /// # Errors
    /// If the shapes or dtypes differ. (PyTorch warns and broadcasts, which gives another loss than was meant.)
    #[track_caller]
    pub fn mse_loss(&self, target: impl Into<Var>, reduction: Reduction) -> Result<Var> {
        apply(MseLoss(reduction), &[self, &target.into()])
    }
}

pub(crate) const ROW: Row = Row {
    name: "mse_loss",
    sample: |s| {
        let shape = s.shape(3);
        let (x, target) = (s.tensor(&shape, -2.0, 2.0)?, s.tensor(&shape, -2.0, 2.0)?);
        let (a, b) = (x.to_vec::<f64>()?, target.to_vec::<f64>()?);
        let squares: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).collect();
        let total: f64 = squares.iter().sum();
        let (reduction, expected) = match s.below(3) {
            0 if shape.numel() > 0 => (Reduction::Mean, vec![total / squares.len() as f64]),
            1 => (Reduction::Sum, vec![total]),
            _ => (Reduction::None, squares),
        };
        Ok(Sample::new(vec![x, target], move |x| x[0].mse_loss(&x[1], reduction)).expect(expected))
    },
    order: 2,
};
