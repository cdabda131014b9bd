//! The Cholesky factor, `A = L Lᵀ`; the gradient is `½ L⁻ᵀ (Φ + Φ̲ᵀ) L⁻¹` with Φ the lower triangle of `Lᵀ G` and Φ̲
//! what lies below its diagonal (Murray, 2016): symmetric, as if both triangles of A had been read.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Cholesky;

impl Op for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn keep(&self) -> Keep {
        Keep::Output
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].cholesky(false)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let lt = ctx.output(0).transpose(-2, -1)?;
        let phi = lt.matmul(ctx.grad())?.tril(0)?;
        let symmetric = phi.add(&phi.tril(-1)?.transpose(-2, -1)?)?;
        let left = lt.solve_triangular(&symmetric, true)?;
        let both = lt.solve_triangular(&left.transpose(-2, -1)?, true)?;
        Ok(Grads::from_iter([Some(both.transpose(-2, -1)?.mul_scalar(0.5)?)]))
    }
}

impl Var {
    /// The lower factor L of symmetric positive-definite matrices `[.., n, n]`, `A = L Lᵀ`, or with `upper` its transpose,
    /// `A = Uᵀ U`: `torch.linalg.cholesky`. Only that triangle of A is read; the gradient is symmetric.
    ///
    /// # Errors
    /// If the matrices are not square or one is not positive-definite, or the dtype is not floating-point.
    #[track_caller]
    pub fn cholesky(&self, upper: bool) -> Result<Var> {
        if upper && self.rank() >= 2 {
            return apply(Cholesky, &[&self.transpose(-2, -1)?])?.transpose(-2, -1);
        }
        apply(Cholesky, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "cholesky",
    sample: |s| {
        let n = s.below(4);
        let shape = s.shape(1).iter().copied().chain([n, n]).collect();
        let (x, upper) = (s.tensor(&shape, -1.0, 1.0)?, s.one_in(2));
        // A matrix moved by finite differences is not symmetric; its product with itself is.
        let positive = move |x: &Var| {
            x.matmul(&x.transpose(-2, -1)?)?.add(&Tensor::eye(n, x.dtype())?.into())
        };
        Ok(Sample::new(vec![x], move |x| positive(&x[0])?.cholesky(upper)))
    },
    order: 2,
};
