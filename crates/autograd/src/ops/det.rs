//! Determinants. The gradient of `det A` is `g · cof A`, the cofactors, which are `det A · A⁻ᵀ` where A has an inverse;
//! that of `log |det A|` is `g · A⁻ᵀ`.

use super::solve::regular;
use crate::op::{Context, Forward, Grads, Keep, Op, apply, apply_array};
use crate::testing::{Row, Sample};
use crate::{Error, Result, Var};
use tensor_core::{DType, ErrorKind, Tensor};

struct Det;

impl Op for Det {
    fn name(&self) -> &'static str {
        "det"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].det()?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (a, det) = (ctx.input(0), ctx.output(0));
        let da = match a.inv() {
            Ok(inverse) => matrices(&ctx.grad().mul(&det)?)?.mul(&inverse.transpose(-2, -1)?)?,
            Err(Error::Tensor(e)) if matches!(e.kind(), ErrorKind::Singular { .. }) => {
                matrices(ctx.grad())?.mul(&cofactors(&a)?)?
            }
            Err(other) => return Err(other),
        };
        Ok(Grads::from_iter([Some(da)]))
    }
}

/// One number for each matrix, as matrices of one element.
fn matrices(x: &Var) -> Result<Var> {
    x.unsqueeze(-1)?.unsqueeze(-1)
}

/// Cofactors of matrices that may be singular: with `A = U diag(s) Vh` they are `±U diag(p) Vh`, where `p[i]` is the
/// product of all s but `s[i]` and the sign that of `det U · det Vh`.
fn cofactors(a: &Var) -> Result<Var> {
    let (u, s, vh) = a.svd()?;
    // Turned orthogonal factors stay orthogonal: their determinants are constants.
    let sign = u.value().det()?.mul(&vh.value().det()?)?;
    let n = s.size(-1)?;
    // Row i holds all of s with a 1 in the place of s[i].
    let others = Var::stack(&vec![&s; n], -2)?.masked_fill(&Tensor::eye(n, DType::Bool)?, 1.0)?;
    let p = others.prod_dim(-1, false)?.mul(&sign.unsqueeze(-1)?.into())?;
    u.mul(&p.unsqueeze(-2)?)?.matmul(&vh)
}

struct SlogDet;

impl Op for SlogDet {
    fn name(&self) -> &'static str {
        "slogdet"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let (sign, log) = inputs[0].slogdet()?;
        Ok(Forward::many([sign, log]))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        // The sign is constant wherever it has a derivative.
        let Some(g) = ctx.output_grad(1) else { return Ok(Grads::from_iter([None])) };
        Ok(Grads::from_iter([Some(matrices(g)?.mul(&ctx.input(0).inv()?.transpose(-2, -1)?)?)]))
    }
}

impl Var {
    /// The determinants of square matrices, `[.., n, n] → [..]`: `torch.linalg.det`. The gradient exists for singular
    /// matrices too; that of the second order there only where no two singular values are equal.
    ///
    /// # Errors
    /// If the matrices are not square or the dtype is not floating-point.
    #[track_caller]
    pub fn det(&self) -> Result<Var> {
        apply(Det, &[self])
    }

    /// The sign of the determinants (0 for a singular matrix) and the logarithm of their size (−∞ there), each
    /// `[.., n, n] → [..]`: `torch.linalg.slogdet`. A singular matrix has no gradient: backward is an error.
    ///
    /// # Errors
    /// If the matrices are not square or the dtype is not floating-point.
    #[track_caller]
    pub fn slogdet(&self) -> Result<(Var, Var)> {
        let [sign, log] = apply_array(SlogDet, &[self])?;
        Ok((sign, log))
    }
}

pub(crate) const ROW: Row = Row {
    name: "det",
    sample: |s| {
        let (lead, n) = (s.shape(1), s.below(4));
        let a = regular(s, &lead, n)?;
        Ok(match s.below(3) {
            0 => Sample::new(vec![a], |x| Ok(x[0].slogdet()?.1)),
            1 if n > 1 => {
                // Of two equal rows.
                let rest = a.narrow(-2, 0, n - 1)?;
                let singular = Tensor::cat(&[&rest, &rest.narrow(-2, 0, 1)?], -2)?;
                Sample::new(vec![singular], |x| x[0].det())
            }
            _ => Sample::new(vec![a], |x| x[0].det()),
        })
    },
    order: 2,
};
