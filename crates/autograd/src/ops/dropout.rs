//! `y = x · mask / (1 − p)`; the mask is a function of a key, so it is never kept, and the rule is the operation itself.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

#[derive(Clone, Copy)]
struct Dropout {
    p: f64,
    key: u64,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].dropout(self.p, self.key)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(apply(*self, &[ctx.grad()])?)]))
    }
}

impl Var {
    /// Each element 0 with probability `p`, else divided by 1 − p; which ones depends on `key` and the element's place
    /// alone. Draw a new key for each call: `torch.nn.functional.dropout` in training.
    ///
    /// # Errors
    /// If `p` is not from 0 to 1 or the dtype is not floating-point.
    #[track_caller]
    pub fn dropout(&self, p: f64, key: u64) -> Result<Var> {
        apply(Dropout { p, key }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "dropout",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let (p, key) = ([0.0, 0.3, 1.0][s.below(3)], s.below(1 << 40) as u64);
        Ok(Sample::new(vec![x], move |x| x[0].dropout(p, key)))
    },
    order: 2,
};
