//! |a| with the sign of b; the derivatives are y/a, 0 for a = 0, and 0.

use crate::op::{Keep, apply};
use crate::pointwise::Pair;
use crate::testing::{Row, Sample};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

const OP: Pair = Pair {
    name: "copysign",
    keep: Keep::Inputs,
    forward: Tensor::copysign,
    derivatives: [
        // 1 with the sign of b, and that turned where a is negative.
        Some(|ctx| {
            let (a, b) = (ctx.input(0), ctx.input(1));
            Ok(a.value().sign()?.mul(&a.value().ones_like()?.copysign(b.value())?)?.into())
        }),
        None,
    ],
};

impl Var {
    /// |self| with the sign of `other`, that of a zero too: `torch.copysign`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn copysign(&self, other: &Var) -> Result<Var> {
        apply(OP, &[self, other])
    }

    /// |self| with the sign of a number: `torch.copysign`. Integers give f32.
    #[track_caller]
    pub fn copysign_scalar(&self, other: impl Into<Scalar>) -> Result<Var> {
        let (x, other) = self.beside(other)?;
        x.copysign(&other)
    }
}

pub(crate) const ROW: Row = Row {
    name: "copysign",
    sample: |s| match s.one_in(3) {
        true => Sample::pointwise(s, (0.3, 2.0), |x| x.copysign_scalar(-1), |x| -x),
        false => {
            let (a, b) = s.broadcast_pair(3);
            let (a, b) = (s.distinct(&a)?, s.distinct(&b)?);
            let shape = a.shape().broadcast("sample", b.shape())?;
            let wide = |x: &Tensor| x.broadcast_to(&shape)?.to_vec::<f64>();
            let expected = wide(&a)?.into_iter().zip(wide(&b)?).map(|(a, b)| a.copysign(b)).collect();
            Ok(Sample::new(vec![a, b], |x| x[0].copysign(&x[1])).expect(expected))
        }
    },
    order: 2,
};
