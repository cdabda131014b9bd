//! The reduced QR decomposition, `A = Q R`. For m ≥ n the gradient is `(G_Q + Q S) R⁻ᵀ`, where S is symmetric and holds
//! the upper triangle of `G_R Rᵀ − Qᵀ G_Q` (Roberts and Roberts, 2020). For m < n, R's columns beyond the m-th are
//! `Qᵀ` times those of A, and what they pass on is added first.

use crate::op::{Context, Forward, Grads, Keep, Op, apply_array};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Qr;

impl Op for Qr {
    fn name(&self) -> &'static str {
        "qr"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let (q, r) = inputs[0].qr()?;
        Ok(Forward::many([q, r]))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (a, q, r) = (ctx.input(0), ctx.output(0), ctx.output(1));
        let gradient = |index: usize, like: &Var| -> Result<Var> {
            match ctx.output_grad(index) {
                Some(g) => Ok(g.clone()),
                None => Ok(Tensor::zeros(like.shape(), like.dtype())?.into()),
            }
        };
        let (gq, gr) = (gradient(0, &q)?, gradient(1, &r)?);
        let (m, n) = (a.size(-2)?, a.size(-1)?);
        if m >= n {
            return Ok(Grads::from_iter([Some(tall(&q, &r, &gq, &gr)?)]));
        }
        let square = |x: &Var| x.narrow(-1, 0, m);
        let rest = |x: &Var| x.narrow(-1, m as isize, n - m);
        let gq = gq.add(&rest(&a)?.matmul(&rest(&gr)?.transpose(-2, -1)?)?)?;
        let left = tall(&q, &square(&r)?, &gq, &square(&gr)?)?;
        Ok(Grads::from_iter([Some(Var::cat(&[&left, &q.matmul(&rest(&gr)?)?], -1)?)]))
    }
}

/// The gradient for R square.
fn tall(q: &Var, r: &Var, gq: &Var, gr: &Var) -> Result<Var> {
    let m = gr.matmul(&r.transpose(-2, -1)?)?.sub(&q.transpose(-2, -1)?.matmul(gq)?)?;
    let symmetric = m.triu(0)?.add(&m.triu(1)?.transpose(-2, -1)?)?;
    let right = gq.add(&q.matmul(&symmetric)?)?;
    // X R⁻ᵀ is the transpose of R⁻¹ Xᵀ.
    r.solve_triangular(&right.transpose(-2, -1)?, true)?.transpose(-2, -1)
}

impl Var {
    /// The reduced factors `A = Q R` of `[.., m, n]` with k = min(m, n): Q `[.., m, k]` with orthonormal columns and R
    /// `[.., k, n]` upper triangular, with LAPACK's signs: `torch.linalg.qr`. The gradient exists where the first k
    /// columns are independent.
    ///
    /// # Errors
    /// If there are fewer than two dimensions or the dtype is not floating-point.
    #[track_caller]
    pub fn qr(&self) -> Result<(Var, Var)> {
        let [q, r] = apply_array(Qr, &[self])?;
        Ok((q, r))
    }
}

pub(crate) const ROW: Row = Row {
    name: "qr",
    sample: |s| {
        let (m, n) = (s.below(4), s.below(4));
        let lead = s.shape(1);
        let x = super::solve::regular(s, &lead, m.max(n))?.narrow(-2, 0, m)?.narrow(-1, 0, n)?;
        let which = s.below(3);
        Ok(Sample::new(vec![x], move |x| {
            let (q, r) = x[0].qr()?;
            match which {
                0 => Ok(q),
                1 => Ok(r),
                _ => q.exp()?.matmul(&r.exp()?),
            }
        }))
    },
    order: 2,
};
