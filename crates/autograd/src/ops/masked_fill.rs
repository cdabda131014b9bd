//! A value with a number in the places of a mask, which pass no gradient.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{DType, Result, Scalar, Var};
use tensor_core::Tensor;

struct MaskedFill {
    mask: Tensor,
    value: Scalar,
}

impl Op for MaskedFill {
    fn name(&self) -> &'static str {
        "masked_fill"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].masked_fill(&self.mask, self.value)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().masked_fill(&self.mask, 0.0)?)]))
    }
}

impl Var {
    /// The elements, `value` where `mask` (bool) is true. The mask broadcasts to this shape: `torch.masked_fill`.
    ///
    /// # Errors
    /// If the mask is not bool or does not broadcast to this shape.
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor, value: impl Into<Scalar>) -> Result<Var> {
        apply(MaskedFill { mask: mask.clone(), value: value.into() }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "masked_fill",
    sample: |s| {
        let shape = s.shape(3);
        let narrow = s.narrowed(&shape);
        let mask = s.indices(&narrow, 2)?.to_dtype(DType::Bool)?;
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let wide = mask.broadcast_to(&shape)?.to_vec::<bool>()?;
        let expected =
            x.to_vec::<f64>()?.into_iter().zip(wide).map(|(x, m)| if m { 0.5 } else { x }).collect();
        Ok(Sample::new(vec![x], move |x| x[0].masked_fill(&mask, 0.5)).expect(expected))
    },
    order: 2,
};
