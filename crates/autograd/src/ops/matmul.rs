//! Matrix products: `Y = A B`; the gradients are `G Bᵀ` and `Aᵀ G`, batches summed where they were broadcast.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

struct Matmul;

impl Op for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].matmul(inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (a, b) = (ctx.input(0), ctx.input(1));
        // A vector counts as a row or column, whose dimension the product dropped.
        let mut g = ctx.grad().clone();
        if b.rank() == 1 {
            g = g.unsqueeze(-1)?;
        }
        if a.rank() == 1 {
            g = g.unsqueeze(-2)?;
        }
        let da = if ctx.needs_grad(0) {
            let column = if b.rank() == 1 { b.unsqueeze(1)? } else { b.clone() };
            let da = g.matmul(&column.transpose(-2, -1)?)?;
            Some(if a.rank() == 1 { da.squeeze(-2)? } else { da })
        } else {
            None
        };
        let db = if ctx.needs_grad(1) {
            let row = if a.rank() == 1 { a.unsqueeze(0)? } else { a.clone() };
            let db = right_gradient(&row, &g, b.rank())?;
            Some(if b.rank() == 1 { db.squeeze(-1)? } else { db })
        } else {
            None
        };
        Ok(Grads::from([da, db]))
    }
}

/// `Aᵀ G`. Where one matrix met a whole batch, all rows of the batch are one product, with nothing to sum after it.
fn right_gradient(a: &Var, g: &Var, b_rank: usize) -> Result<Var> {
    if b_rank <= 2 && a.rank() > 2 {
        let (a, g) = (a.flatten(0, -2)?, g.flatten(0, -2)?);
        return a.t()?.matmul(&g);
    }
    a.transpose(-2, -1)?.matmul(g)
}

impl Var {
    /// The matrix product, as `torch.matmul`: `[.., m, k] × [.., k, n] → [.., m, n]`, batches broadcast; vectors count
    /// as a row or column.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn matmul(&self, other: &Var) -> Result<Var> {
        apply(Matmul, &[self, other])
    }
}

pub(crate) const ROW: Row = Row {
    name: "matmul",
    sample: |s| {
        let (m, k, n) = (s.size(), s.size(), s.size());
        let lead = s.shape(1);
        let with = |lead: &[usize], last: &[usize]| lead.iter().chain(last).copied().collect();
        let (a, b) = match s.below(5) {
            0 => (with(&[], &[k]), with(&[], &[k])),
            1 => (with(&lead, &[m, k]), with(&[], &[k])),
            2 => (with(&[], &[k]), with(&lead, &[k, n])),
            3 => (with(&lead, &[m, k]), with(&[], &[k, n])),
            _ => (with(&s.narrowed(&lead), &[m, k]), with(&s.narrowed(&lead), &[k, n])),
        };
        let (a, b) = (s.tensor(&a, -2.0, 2.0)?, s.tensor(&b, -2.0, 2.0)?);
        let expected = naive(&a, &b)?;
        Ok(Sample::new(vec![a, b], |x| x[0].matmul(&x[1])).expect(expected))
    },
    order: 2,
};

/// `Y[l, i, j] = Σ_k A[l, i, k] B[l, k, j]`, element by element.
fn naive(a: &Tensor, b: &Tensor) -> Result<Vec<f64>> {
    let a = if a.rank() == 1 { a.unsqueeze(0)? } else { a.clone() };
    let b = if b.rank() == 1 { b.unsqueeze(1)? } else { b.clone() };
    let lead = |x: &Tensor| tensor_core::Shape::new(&x.shape()[..x.rank() - 2]);
    let batch = lead(&a).broadcast("sample", &lead(&b))?;
    let (m, k, n) = (a.size(-2)?, a.size(-1)?, b.size(-1)?);
    let wide = |x: &Tensor, rows: usize, cols: usize| -> Result<Vec<f64>> {
        let shape = batch.iter().copied().chain([rows, cols]).collect();
        Ok(x.broadcast_to(&shape)?.to_vec::<f64>()?)
    };
    let (a, b) = (wide(&a, m, k)?, wide(&b, k, n)?);
    let mut y = Vec::new();
    for l in 0..batch.numel() {
        for i in 0..m {
            for j in 0..n {
                y.push((0..k).map(|p| a[(l * m + i) * k + p] * b[(l * k + p) * n + j]).sum());
            }
        }
    }
    Ok(y)
}
