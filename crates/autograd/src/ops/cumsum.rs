//! Running sums along a dimension; the gradient is the running sum from the end. Each is the other's transpose.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct CumSum {
    dim: isize,
    from_end: bool,
}

impl Op for CumSum {
    fn name(&self) -> &'static str {
        if self.from_end { "cumsum_backward" } else { "cumsum" }
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let scan = if self.from_end { Tensor::cumsum_backward } else { Tensor::cumsum };
        Ok(scan(inputs[0], self.dim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let transpose = CumSum { dim: self.dim, from_end: !self.from_end };
        Ok(Grads::from_iter([Some(apply(transpose, &[ctx.grad()])?)]))
    }
}

impl Var {
    /// `yᵢ = x₀ + … + xᵢ` along `dim`: `torch.cumsum`.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn cumsum(&self, dim: isize) -> Result<Var> {
        apply(CumSum { dim, from_end: false }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "cumsum",
    sample: |s| {
        let shape = s.shape(3);
        let dim = s.dim(shape.len());
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let inner: usize =
            shape.get(shape.dim("sample", dim)? + 1..).map_or(1, |inner| inner.iter().product());
        let size = x.size(dim).unwrap_or(1);
        let mut expected = x.to_vec::<f64>()?;
        for i in 0..expected.len() {
            if !(i / inner).is_multiple_of(size) {
                expected[i] += expected[i - inner];
            }
        }
        Ok(Sample::new(vec![x], move |x| x[0].cumsum(dim)).expect(expected))
    },
    order: 2,
};
