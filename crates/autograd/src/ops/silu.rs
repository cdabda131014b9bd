//! x σ(x) with σ(x) = 1 / (1 + e⁻ˣ); the derivative is σ (1 + x (1 − σ)).

use crate::op::{Keep, apply};
use crate::pointwise::Pointwise;
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

const OP: Pointwise = Pointwise {
    name: "silu",
    keep: Keep::Inputs,
    forward: Tensor::silu,
    derivative: |x| {
        let sigmoid = x.sigmoid()?;
        sigmoid.neg()?.add_scalar(1.0)?.mul(x)?.add_scalar(1.0)?.mul(&sigmoid)
    },
    fused: Some(Tensor::silu_backward),
};

impl Var {
    /// x / (1 + e⁻ˣ), element by element: `torch.nn.functional.silu`.
    #[track_caller]
    pub fn silu(&self) -> Result<Var> {
        apply(OP, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "silu",
    sample: |s| Sample::pointwise(s, (-4.0, 4.0), |x| x.silu(), |x| x / (1.0 + (-x).exp())),
    order: 2,
};
