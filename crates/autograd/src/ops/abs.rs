//! |x|; the derivative is the sign, 0 at 0, as in PyTorch.

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "abs",
    keep: Keep::Inputs,
    forward: Tensor::abs,
    derivative: |x| Ok(x.value().sign()?.into()),
    fused: None,
};

impl Var {
    /// |x|, element by element.
    #[track_caller]
    pub fn abs(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "abs",
    sample: |s| {
        let shape = s.shape(4);
        let x = s.distinct(&shape)?;
        let expected = x.to_vec::<f64>()?.into_iter().map(f64::abs).collect();
        Ok(Sample::new(vec![x], |x| x[0].abs()).expect(expected))
    },
    order: 1,
};
