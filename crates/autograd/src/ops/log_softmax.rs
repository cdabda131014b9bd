//! `yᵢ = xᵢ − log Σⱼ exp(xⱼ)`; the gradient is `g − exp(y) Σ g`.

use super::softmax::sample;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::Row;
use crate::{Result, Var};
use tensor_core::Tensor;

struct LogSoftmax {
    dim: isize,
}

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn keep(&self) -> Keep {
        Keep::Output
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].log_softmax(self.dim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, y) = (ctx.grad(), ctx.output(0));
        let dx = if ctx.create_graph() {
            g.sub(&y.exp()?.mul(&g.sum_dim(self.dim, true)?)?)?
        } else {
            g.value().log_softmax_backward(y.value(), self.dim)?.into()
        };
        Ok(Grads::from_iter([Some(dx)]))
    }
}

impl Var {
    /// `xᵢ − log Σⱼ exp(xⱼ)` along `dim`: `torch.log_softmax`.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn log_softmax(&self, dim: isize) -> Result<Var> {
        apply(LogSoftmax { dim }, &[self])
    }
}

pub(crate) const ROW: Row = Row { name: "log_softmax", sample: |s| sample(s, true), order: 2 };
