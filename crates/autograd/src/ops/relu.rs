//! max(x, 0); the derivative is 0 up to 0, at 0 too, and 1 elsewhere, at NaN too, as in PyTorch.

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "relu",
    keep: Keep::Output,
    forward: Tensor::relu,
    derivative: |y| Ok(y.value().le_scalar(0)?.logical_not()?.to_dtype(y.dtype())?.into()),
    fused: Some(Tensor::relu_backward),
};

impl Var {
    /// max(x, 0), element by element; NaN stays NaN.
    #[track_caller]
    pub fn relu(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "relu",
    sample: |s| {
        let shape = s.shape(4);
        let x = s.distinct(&shape)?;
        let expected = x.to_vec::<f64>()?.into_iter().map(|x| x.max(0.0)).collect();
        Ok(Sample::new(vec![x], |x| x[0].relu()).expect(expected))
    },
    order: 1,
};
