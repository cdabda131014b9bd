//! Triangular systems `A X = B`: with `D = A⁻ᵀ G`, the gradient of B is D, that of A the triangle of `−D Xᵀ`.

use super::solve::solve_with;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct SolveTriangular {
    upper: bool,
}

impl Op for SolveTriangular {
    fn name(&self) -> &'static str {
        "solve_triangular"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].solve_triangular(inputs[1], self.upper)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let db = ctx.input(0).transpose(-2, -1)?.solve_triangular(ctx.grad(), !self.upper)?;
        let da = if ctx.needs_grad(0) {
            let da = db.matmul(&ctx.output(0).transpose(-2, -1)?)?.neg()?;
            Some(if self.upper { da.triu(0)? } else { da.tril(0)? })
        } else {
            None
        };
        Ok(Grads::from_iter([da, Some(db)]))
    }
}

impl Var {
    /// X of `A X = B` for triangular matrices A (`self`), of which the other triangle is not read; shapes as for
    /// [`solve`](Var::solve): `torch.linalg.solve_triangular`. A zero on the diagonal gives infinities.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes are not one floating-point dtype.
    #[track_caller]
    pub fn solve_triangular(&self, b: &Var, upper: bool) -> Result<Var> {
        solve_with(self, b, |a, b| apply(SolveTriangular { upper }, &[a, b]))
    }
}

pub(crate) const ROW: Row = Row {
    name: "solve_triangular",
    sample: |s| {
        let n = s.below(4);
        let matrix = s.shape(1).iter().copied().chain([n, n]).collect();
        let right = if s.one_in(2) { vec![n] } else { vec![n, s.below(3)] };
        let (a, b) = (s.tensor(&matrix, 0.5, 2.0)?, s.tensor(&right.as_slice().into(), -1.0, 1.0)?);
        let upper = s.one_in(2);
        Ok(Sample::new(vec![a, b], move |x| x[0].solve_triangular(&x[1], upper)))
    },
    order: 2,
};
