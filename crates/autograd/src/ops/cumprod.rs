//! Running products, and the linear recurrence that their gradients are.
//!
//! With y the running products of x: `dxₖ = Σᵢ≥ₖ gᵢ Πⱼ≤ᵢ,ⱼ≠ₖ xⱼ = yₖ₋₁ sₖ` where `sₖ = gₖ + xₖ₊₁ sₖ₊₁`. Nothing is divided, so
//! zeros among the x do no harm.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct CumProd {
    dim: isize,
}

impl Op for CumProd {
    fn name(&self) -> &'static str {
        "cumprod"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].cumprod(self.dim)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(cumprod_gradient(&ctx.input(0), ctx.grad(), self.dim)?)]))
    }
}

/// The gradient of the running products of `x`, given theirs.
pub(super) fn cumprod_gradient(x: &Var, g: &Var, dim: isize) -> Result<Var> {
    if x.rank() == 0 || x.numel() == 0 {
        return Ok(g.clone());
    }
    let one: Var = x.value().narrow(dim, 0, 1)?.ones_like()?.into();
    let before = Var::cat(&[&one, &x.narrow(dim, 0, x.size(dim)? - 1)?], dim)?.cumprod(dim)?;
    before.mul(&g.linear_scan(&following(x, dim)?, dim, true)?)
}

/// `xₖ₊₁` in place k, and 0 in the last, which no recurrence reads.
fn following(x: &Var, dim: isize) -> Result<Var> {
    let zero: Var = x.value().narrow(dim, 0, 1)?.zeros_like()?.into();
    Var::cat(&[&x.narrow(dim, 1, x.size(dim)? - 1)?, &zero], dim)
}

/// `xₖ₋₁` in place k, and 0 in the first.
fn preceding(x: &Var, dim: isize) -> Result<Var> {
    let zero: Var = x.value().narrow(dim, 0, 1)?.zeros_like()?.into();
    Var::cat(&[&zero, &x.narrow(dim, 0, x.size(dim)? - 1)?], dim)
}

/// `yᵢ = xᵢ + fᵢ yᵢ₋₁`, or with yᵢ₊₁ from the end; inputs x and f.
///
/// The gradient t of x is the same recurrence the other way round, `tᵢ = gᵢ + fᵢ₊₁ tᵢ₊₁`, and that of f is `tᵢ yᵢ₋₁`.
struct LinearScan {
    dim: isize,
    from_end: bool,
}

impl Op for LinearScan {
    fn name(&self) -> &'static str {
        "linear_scan"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].linear_scan(inputs[1], self.dim, self.from_end)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (factor, y) = (ctx.input(1), ctx.output(0));
        if y.rank() == 0 || y.numel() == 0 {
            return Ok(Grads::from_iter([Some(ctx.grad().clone()), None]));
        }
        let (shifted, reached) = if self.from_end {
            (preceding(&factor, self.dim)?, following(&y, self.dim)?)
        } else {
            (following(&factor, self.dim)?, preceding(&y, self.dim)?)
        };
        let dx = ctx.grad().linear_scan(&shifted, self.dim, !self.from_end)?;
        let dfactor = if ctx.needs_grad(1) { Some(dx.mul(&reached)?) } else { None };
        Ok(Grads::from_iter([Some(dx), dfactor]))
    }
}

impl Var {
    /// `yᵢ = x₀ · … · xᵢ` along `dim`: `torch.cumprod`. The gradient is exact beside zeros.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn cumprod(&self, dim: isize) -> Result<Var> {
        apply(CumProd { dim }, &[self])
    }

    /// `yᵢ = xᵢ + fᵢ yᵢ₋₁` along `dim`, or with yᵢ₊₁ from its end. `factor` has this shape; its element beside the first
    /// y is not used.
    ///
    /// # Errors
    /// If there is no such dimension, or shapes or dtypes differ.
    #[track_caller]
    pub fn linear_scan(&self, factor: &Var, dim: isize, from_end: bool) -> Result<Var> {
        apply(LinearScan { dim, from_end }, &[self, factor])
    }
}

pub(crate) const ROW: Row = Row {
    name: "cumprod",
    sample: |s| {
        let shape = s.shape(3);
        let dim = s.dim(shape.len());
        let x = s.tensor(&shape, -2.0, 2.0)?;
        if s.one_in(3) {
            let (factor, from_end) = (s.tensor(&shape, -1.0, 1.0)?, s.one_in(2));
            return Ok(Sample::new(vec![x, factor], move |x| x[0].linear_scan(&x[1], dim, from_end)));
        }
        let zero = s.indices(&shape, 4)?.eq_scalar(0)?;
        let x = if s.one_in(2) { x.masked_fill(&zero, 0.0)? } else { x };
        let inner: usize =
            shape.get(shape.dim("sample", dim)? + 1..).map_or(1, |inner| inner.iter().product());
        let size = x.size(dim).unwrap_or(1);
        let mut expected = x.to_vec::<f64>()?;
        for i in 0..expected.len() {
            if !(i / inner).is_multiple_of(size) {
                expected[i] *= expected[i - inner];
            }
        }
        Ok(Sample::new(vec![x], move |x| x[0].cumprod(dim)).expect(expected))
    },
    order: 2,
};
