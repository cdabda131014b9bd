//! The larger or the smaller of two values; the chosen one gets the gradient, each of equal ones half of it.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Extreme {
    larger: bool,
}

impl Op for Extreme {
    fn name(&self) -> &'static str {
        if self.larger { "maximum" } else { "minimum" }
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let pick = if self.larger { Tensor::maximum } else { Tensor::minimum };
        Ok(pick(inputs[0], inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (a, b) = (ctx.input(0), ctx.input(1));
        let g = ctx.grad();
        let shared = g.mul_scalar(0.5)?.where_cond(&a.value().eq(b.value())?, g)?;
        // Where either is NaN neither loses, and both get the gradient.
        let loses = if self.larger { Tensor::lt } else { Tensor::gt };
        let da = shared.masked_fill(&loses(a.value(), b.value())?, 0.0)?;
        let db = shared.masked_fill(&loses(b.value(), a.value())?, 0.0)?;
        Ok(Grads::from_iter([Some(da), Some(db)]))
    }
}

impl Var {
    /// The larger of the two, element by element; NaN if either is NaN: `torch.maximum`. Shapes broadcast. Equal
    /// values share the gradient.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn maximum(&self, other: &Var) -> Result<Var> {
        apply(Extreme { larger: true }, &[self, other])
    }

    /// The smaller of the two, element by element; NaN if either is NaN: `torch.minimum`. Shapes broadcast. Equal
    /// values share the gradient.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn minimum(&self, other: &Var) -> Result<Var> {
        apply(Extreme { larger: false }, &[self, other])
    }
}

pub(crate) const ROW: Row = Row {
    name: "maximum",
    sample: |s| {
        let (a, b) = s.broadcast_pair(3);
        // Values of one are odd, of the other even multiples of 0.05: no two tie within a finite difference.
        let (a, b) = (s.distinct(&a)?, s.distinct(&b)?.add_scalar(0.05)?);
        let larger = s.one_in(2);
        let shape = a.shape().broadcast("sample", b.shape())?;
        let wide = |x: &Tensor| x.broadcast_to(&shape)?.to_vec::<f64>();
        let pick = if larger { f64::max } else { f64::min };
        let expected = wide(&a)?.into_iter().zip(wide(&b)?).map(|(a, b)| pick(a, b)).collect();
        let call = move |x: &[Var]| if larger { x[0].maximum(&x[1]) } else { x[0].minimum(&x[1]) };
        Ok(Sample::new(vec![a, b], call).expect(expected))
    },
    order: 2,
};
