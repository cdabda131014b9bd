//! One of two values by a condition; only the chosen one gets the gradient.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{DType, Result, Var};
use tensor_core::Tensor;

struct WhereCond {
    condition: Tensor,
}

impl Op for WhereCond {
    fn name(&self) -> &'static str {
        "where"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].where_cond(&self.condition, inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let g = ctx.grad();
        let da = if ctx.needs_grad(0) {
            Some(g.masked_fill(&self.condition.eq_scalar(false)?, 0.0)?)
        } else {
            None
        };
        let db = if ctx.needs_grad(1) { Some(g.masked_fill(&self.condition, 0.0)?) } else { None };
        Ok(Grads::from_iter([da, db]))
    }
}

impl Var {
    /// Elements of `self` where `condition` (bool) is true, else of `other`: `torch.where`. Shapes broadcast.
    ///
    /// # Errors
    /// If `condition` is not bool, the other dtypes differ, or shapes do not broadcast.
    #[track_caller]
    pub fn where_cond(&self, condition: &Tensor, other: &Var) -> Result<Var> {
        apply(WhereCond { condition: condition.clone() }, &[self, other])
    }
}

pub(crate) const ROW: Row = Row {
    name: "where_cond",
    sample: |s| {
        let shape = s.shape(3);
        let (a, b, c) = (s.narrowed(&shape), s.narrowed(&shape), s.narrowed(&shape));
        let condition = s.indices(&c, 2)?.to_dtype(DType::Bool)?;
        let (a, b) = (s.tensor(&a, -2.0, 2.0)?, s.tensor(&b, -2.0, 2.0)?);
        Ok(Sample::new(vec![a, b], move |x| x[0].where_cond(&condition, &x[1])))
    },
    order: 2,
};
