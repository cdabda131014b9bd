//! a σ(b) for the halves a and b of a dimension; the derivatives are σ(b) and a σ(b) (1 − σ(b)).

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Glu {
    dim: isize,
}

impl Op for Glu {
    fn name(&self) -> &'static str {
        "glu"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].glu(self.dim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, g) = (ctx.input(0), ctx.grad());
        let half = x.size(self.dim)? / 2;
        let gate = x.narrow(self.dim, half as isize, half)?.sigmoid()?;
        let da = g.mul(&gate)?;
        let closed = gate.neg()?.add_scalar(1)?;
        let db = da.mul(&x.narrow(self.dim, 0, half)?)?.mul(&closed)?;
        Ok(Grads::from_iter([Some(Var::cat(&[&da, &db], self.dim)?)]))
    }
}

impl Var {
    /// a · sigmoid(b) for the first half a and the second half b of dimension `dim`: `torch.nn.functional.glu`, where
    /// the last is the default.
    ///
    /// # Errors
    /// If there is no such dimension or its size is odd.
    #[track_caller]
    pub fn glu(&self, dim: isize) -> Result<Var> {
        apply(Glu { dim }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "glu",
    sample: |s| {
        let mut shape = s.shape_of_rank(3);
        let dim = s.dim(3);
        let at = shape.dim("sample", dim)?;
        let inner: usize = shape[at + 1..].iter().product();
        let half = shape[at];
        shape = shape.iter().enumerate().map(|(d, &n)| if d == at { 2 * n } else { n }).collect();
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let values = x.to_vec::<f64>()?;
        let expected = (0..values.len() / 2).map(|i| {
            let a = i / (half * inner) * 2 * half * inner + i % (half * inner);
            values[a] / (1.0 + (-values[a + half * inner]).exp())
        });
        let expected = expected.collect();
        Ok(Sample::new(vec![x], move |x| x[0].glu(dim)).expect(expected))
    },
    order: 2,
};
