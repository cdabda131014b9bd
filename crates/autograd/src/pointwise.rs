//! Operations on each element by itself, in a few lines each.

use crate::op::{Context, Forward, Grads, Keep, Op};
use crate::{Result, Var};
use tensor_core::Tensor;

/// `y[i] = f(x[i])` with `dx[i] = g[i] · f'`, the derivative written with [`Var`] methods of the one kept value.
#[derive(Clone, Copy)]
pub(crate) struct Pointwise {
    pub name: &'static str,
    /// What the derivative is computed from: the input or the output.
    pub keep: Keep,
    pub forward: fn(&Tensor) -> tensor_core::Result<Tensor>,
    /// f' from the kept value.
    pub derivative: fn(&Var) -> Result<Var>,
    /// g · f' from g and the kept value in one pass, where there is such a kernel.
    pub fused: Option<fn(&Tensor, &Tensor) -> tensor_core::Result<Tensor>>,
}

impl Op for Pointwise {
    fn name(&self) -> &'static str {
        self.name
    }

    fn keep(&self) -> Keep {
        self.keep
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok((self.forward)(inputs[0])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let kept = if self.keep == Keep::Output { ctx.output(0) } else { ctx.input(0) };
        let dx = match self.fused {
            Some(fused) if !ctx.create_graph() => fused(ctx.grad().value(), kept.value())?.into(),
            _ => ctx.grad().mul(&(self.derivative)(&kept)?)?,
        };
        Ok(Grads::from_iter([Some(dx)]))
    }
}
