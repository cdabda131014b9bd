//! The reduced singular value decomposition, `A = U diag(S) Vh`. With `skew X = X − Xᵀ` and `E[i, j] = S[j]² − S[i]²`
//! the gradient is
//! `U ((skew(Uᵀ G_U) / E) S + S (skew(Vᵀ G_V) / E) + diag(G_S)) Vᵀ + (1 − U Uᵀ) G_U S⁻¹ Vᵀ + U S⁻¹ G_Vᵀ (1 − V Vᵀ)`
//! (Townsend, 2016). That of S alone needs no E and exists for equal singular values too.

use crate::op::{Context, Forward, Grads, Keep, Op, apply_array};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Svd;

impl Op for Svd {
    fn name(&self) -> &'static str {
        "svd"
    }

    fn keep(&self) -> Keep {
        Keep::Output
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let (u, s, vh) = inputs[0].svd()?;
        Ok(Forward::many([u, s, vh]))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (u, s, vh) = (ctx.output(0), ctx.output(1), ctx.output(2));
        let mut sum: Option<Var> = None;
        let mut add = |part: Var| -> Result<()> {
            sum = Some(match sum.take() {
                Some(sum) => sum.add(&part)?,
                None => part,
            });
            Ok(())
        };
        if let Some(gs) = ctx.output_grad(1) {
            add(u.mul(&gs.unsqueeze(-2)?)?.matmul(&vh)?)?;
        }
        if let Some(gu) = ctx.output_grad(0) {
            add(left(&u, &s, gu)?.matmul(&vh)?)?;
        }
        if let Some(gvh) = ctx.output_grad(2) {
            // Aᵀ = V diag(S) Uᵀ: the same rule with the parts exchanged.
            let v = vh.transpose(-2, -1)?;
            add(u.matmul(&left(&v, &s, &gvh.transpose(-2, -1)?)?.transpose(-2, -1)?)?)?;
        }
        Ok(Grads::from_iter([sum]))
    }
}

/// `U (skew(Uᵀ G) / E) S + (1 − U Uᵀ) G S⁻¹`, what the gradient of U gives before it meets `Vᵀ`.
fn left(u: &Var, s: &Var, g: &Var) -> Result<Var> {
    let ut_g = u.transpose(-2, -1)?.matmul(g)?;
    let skew = ut_g.sub(&ut_g.transpose(-2, -1)?)?;
    let squares = s.mul(s)?;
    let differences = squares.unsqueeze(-2)?.sub(&squares.unsqueeze(-1)?)?;
    let k = s.size(-1)?;
    let diagonal = Tensor::eye(k, tensor_core::DType::Bool)?;
    let within = skew.div(&differences.masked_fill(&diagonal, 1.0)?)?.mul(&s.unsqueeze(-2)?)?;
    let inside = u.matmul(&within)?;
    if u.size(-2)? == k {
        return Ok(inside);
    }
    let outside = g.sub(&u.matmul(&ut_g)?)?.div(&s.unsqueeze(-2)?)?;
    inside.add(&outside)
}

impl Var {
    /// The reduced singular value decomposition `A = U diag(S) Vh` of `[.., m, n]` with k = min(m, n): U `[.., m, k]`,
    /// S `[.., k]` falling, Vh `[.., k, n]`: `torch.linalg.svd(full_matrices=False)`. The signs of the vectors are not
    /// determined by A, and differ from LAPACK's: a loss must not depend on them. The gradients of U and Vh exist where
    /// all singular values differ.
    ///
    /// # Errors
    /// If there are fewer than two dimensions, an element is NaN or infinite, or the dtype is not floating-point.
    #[track_caller]
    pub fn svd(&self) -> Result<(Var, Var, Var)> {
        let [u, s, vh] = apply_array(Svd, &[self])?;
        Ok((u, s, vh))
    }

    /// The singular values of `[.., m, n]`, falling, `[.., min(m, n)]`: `torch.linalg.svdvals`.
    ///
    /// # Errors
    /// As for [`svd`](Var::svd).
    #[track_caller]
    pub fn svdvals(&self) -> Result<Var> {
        Ok(self.svd()?.1)
    }
}

pub(crate) const ROW: Row = Row {
    name: "svd",
    sample: |s| {
        let (m, n) = (s.below(4), s.below(4));
        let shape = s.shape(1).iter().copied().chain([m, n]).collect();
        // Singular values far from each other and from 0, whose differences the gradient divides by.
        let far: Vec<f64> = (0..m * n).map(|i| if i % (n + 1) == 0 { 1.0 + i as f64 } else { 0.0 }).collect();
        let x = s.tensor(&shape, -0.4, 0.4)?.add(&Tensor::from_vec(far, [m, n])?)?;
        let which = s.below(3);
        Ok(Sample::new(vec![x], move |x| {
            let (u, s, vh) = x[0].svd()?;
            match which {
                0 => Ok(s),
                1 => u.mul(&u)?.matmul(&vh.mul(&vh)?),
                _ => u.mul(&s.exp()?.unsqueeze(-2)?)?.matmul(&vh),
            }
        }))
    },
    order: 2,
};
