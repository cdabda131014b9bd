//! Distances of every vector of one set to every vector of another: `dᵢⱼ = ‖xᵢ − yⱼ‖`.
//!
//! The gradient of xᵢ is `Σⱼ gᵢⱼ ∂‖v‖/∂v` at `v = xᵢ − yⱼ`. For Euclidean distances of many vectors it is two products: with
//! `r = g / d`, `dxᵢ = xᵢ Σⱼ rᵢⱼ − (r y)ᵢ`.

use super::vector_norm::norm_gradient;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::Tensor;

/// Vectors beyond which products pay.
const FEW: usize = 25;

struct Cdist {
    p: f64,
}

impl Op for Cdist {
    fn name(&self) -> &'static str {
        "cdist"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].cdist(inputs[1], self.p)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (x, y, d, g) = (ctx.input(0), ctx.input(1), ctx.output(0), ctx.grad());
        if self.p == 2.0 && d.shape().iter().rev().take(2).any(|&n| n > FEW) {
            let zero = d.value().eq_scalar(0)?;
            let ratio = g.div(&d)?.masked_fill(&zero, 0.0)?;
            let (dx, dy) = (by_products(&ratio, &x, &y)?, by_products(&ratio.transpose(-2, -1)?, &y, &x)?);
            return Ok(Grads::from_iter([Some(dx), Some(dy)]));
        }
        if ctx.create_graph() {
            let differences = x.unsqueeze(-2)?.sub(&y.unsqueeze(-3)?)?;
            let (d, g) = (d.unsqueeze(-1)?, g.unsqueeze(-1)?);
            let each = norm_gradient(&differences, &d, &g, self.p, &[-1])?;
            let (dx, dy) = (each.sum_dim(-2, false)?, each.sum_dim(-3, false)?.neg()?);
            return Ok(Grads::from_iter([Some(dx), Some(dy)]));
        }
        let (x, y, d, g) = (x.value(), y.value(), d.value(), g.value());
        let dx = if ctx.needs_grad(0) { Some(g.cdist_backward(x, y, d, self.p)?.into()) } else { None };
        let dy = if ctx.needs_grad(1) {
            let (g, d) = (g.transpose(-2, -1)?, d.transpose(-2, -1)?);
            Some(g.cdist_backward(y, x, &d, self.p)?.into())
        } else {
            None
        };
        Ok(Grads::from_iter([dx, dy]))
    }
}

/// `xᵢ Σⱼ rᵢⱼ − (r y)ᵢ`.
fn by_products(ratio: &Var, x: &Var, y: &Var) -> Result<Var> {
    ratio.sum_dim(-1, true)?.mul(x)?.sub(&ratio.matmul(y)?)
}

impl Var {
    /// The p-norms of the differences of each vector of `self` `[.., n, m]` and each of `other` `[.., r, m]`, as
    /// `[.., n, r]`: `torch.cdist`. Batches broadcast. A distance of 0 passes no gradient. Euclidean distances of more than
    /// 25 vectors are computed by a matrix product, as PyTorch does, which costs accuracy where a distance is much smaller
    /// than the vectors.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit, or `p` is negative.
    #[track_caller]
    pub fn cdist(&self, other: &Var, p: f64) -> Result<Var> {
        apply(Cdist { p }, &[self, other])
    }
}

pub(crate) const ROW: Row = Row {
    name: "cdist",
    sample: |s| {
        let p = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, f64::INFINITY][s.below(7)];
        // Many vectors at times, for the way by products.
        let many = if s.one_in(8) { FEW } else { 0 };
        let (rows, others, cols) = (s.size() + many, s.size(), s.size());
        let lead = s.shape(1);
        let (x_lead, y_lead) = (s.narrowed(&lead), s.narrowed(&lead));
        let with = |lead: &[usize], last: [usize; 2]| lead.iter().copied().chain(last).collect();
        // No difference near 0, where the norms have kinks, and no two equal, where ∞ has one.
        let x = s.distinct(&with(&x_lead, [rows, cols]))?.add_scalar(0.02)?;
        let y = s.tensor(&with(&y_lead, [others, cols]), -0.02, 0.02)?;
        let y = y.sub_scalar(0.1 * (x.numel() + 2) as f64)?;
        let sample = Sample::new(vec![x.clone(), y.clone()], move |x| x[0].cdist(&x[1], p));
        if !(lead.is_empty() && p > 0.0 && p.is_finite()) {
            return Ok(sample);
        }
        let (x, y) = (x.to_vec::<f64>()?, y.to_vec::<f64>()?);
        let norm = |x: &[f64], y: &[f64]| {
            x.iter().zip(y).map(|(a, b)| (a - b).abs().powf(p)).sum::<f64>().powf(1.0 / p)
        };
        let expected = x.chunks(cols).flat_map(|x| y.chunks(cols).map(move |y| norm(x, y))).collect();
        Ok(sample.expect(expected))
    },
    order: 2,
};
