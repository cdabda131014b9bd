//! Linear systems `A X = B`: with `D = A⁻ᵀ G`, the gradient of B is D and that of A is `−D Xᵀ`.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample, Sampler};
use crate::{Result, Var};
use tensor_core::{Shape, Tensor};

struct Solve;

impl Op for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].solve(inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let db = ctx.input(0).transpose(-2, -1)?.solve(ctx.grad())?;
        let da = if ctx.needs_grad(0) {
            Some(db.matmul(&ctx.output(0).transpose(-2, -1)?)?.neg()?)
        } else {
            None
        };
        Ok(Grads::from_iter([da, Some(db)]))
    }
}

impl Var {
    /// X of `A X = B` for square matrices A (`self`) and B of `[.., n, k]`, or of vectors `[.., n]`; leading dimensions
    /// broadcast: `torch.linalg.solve`.
    ///
    /// B holds vectors if it has one dimension, or one less than A and A's leading ones, as in PyTorch.
    ///
    /// # Errors
    /// If the sizes do not fit, a matrix is singular, or the dtypes are not one floating-point dtype.
    #[track_caller]
    pub fn solve(&self, b: &Var) -> Result<Var> {
        solve_with(self, b, |a, b| apply(Solve, &[a, b]))
    }
}

/// Gives `solve` matrices alone: vectors as one column, and no right-hand side of lower rank than A, which could be
/// taken for vectors.
#[track_caller]
pub(super) fn solve_with(a: &Var, b: &Var, solve: impl Fn(&Var, &Var) -> Result<Var>) -> Result<Var> {
    let vectors = b.rank() == 1 || (b.rank() + 1 == a.rank() && a.shape().starts_with(b.shape()));
    let mut right = if vectors { b.unsqueeze(-1)? } else { b.clone() };
    while right.rank() < a.rank() && right.rank() >= 2 {
        right = right.unsqueeze(0)?;
    }
    let x = solve(a, &right)?;
    if vectors { x.squeeze(-1) } else { Ok(x) }
}

/// Well-conditioned square matrices: small elements and a large diagonal, of both signs.
pub(super) fn regular(s: &mut Sampler, lead: &Shape, n: usize) -> Result<Tensor> {
    let shape = lead.iter().copied().chain([n, n]).collect();
    let diagonal = Tensor::eye(n, tensor_core::DType::F64)?.mul_scalar(if s.one_in(2) { 2.0 } else { -2.0 })?;
    Ok(s.tensor(&shape, -0.5, 0.5)?.add(&diagonal)?)
}

pub(crate) const ROW: Row = Row {
    name: "solve",
    sample: |s| {
        let (n, k) = (s.below(4), s.below(3));
        let lead = s.shape(2);
        let (a_lead, b_lead) = (s.narrowed(&lead), s.narrowed(&lead));
        let a = regular(s, &a_lead, n)?;
        let right: Shape = match s.below(3) {
            0 => [n].into(),
            1 => a_lead.iter().copied().chain([n]).collect(),
            _ => b_lead.iter().copied().chain([n, k]).collect(),
        };
        let b = s.tensor(&right, -1.0, 1.0)?;
        Ok(Sample::new(vec![a, b], |x| x[0].solve(&x[1])))
    },
    order: 2,
};
