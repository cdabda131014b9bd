//! Another dtype; the gradient comes back in the input's.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{DType, Result, Var};
use tensor_core::Tensor;

struct ToDtype(DType);

impl Op for ToDtype {
    fn name(&self) -> &'static str {
        "to_dtype"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].to_dtype(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().to_dtype(ctx.dtype(0))?)]))
    }
}

impl Var {
    /// The elements converted to `dtype`. An integer or bool result has no history.
    #[track_caller]
    pub fn to_dtype(&self, dtype: DType) -> Result<Var> {
        if self.dtype() == dtype { Ok(self.clone()) } else { apply(ToDtype(dtype), &[self]) }
    }
}

pub(crate) const ROW: Row = Row {
    name: "to_dtype",
    // f32 between would hide a finite difference of 1e-6; the conversion itself is exact for these values.
    sample: |s| {
        let shape = s.shape(3);
        let x = s.indices(&shape, 9)?.to_dtype(DType::F64)?;
        let expected = x.to_vec::<f64>()?;
        Ok(Sample::new(vec![x], |x| x[0].to_dtype(DType::F64)).expect(expected))
    },
    order: 2,
};
