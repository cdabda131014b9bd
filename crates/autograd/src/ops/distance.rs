//! Distances and similarities of pairs of vectors, vectors of length 1, and the losses made of them.

use crate::losses::refused;
use crate::testing::{Row, Sample};
use crate::{Dims, Reduction, Result, Shape, Var};
use tensor_core::Tensor;

/// Keywords of `torch.nn.functional.triplet_margin_loss`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripletMarginOptions {
    /// By how much the negative should be farther than the positive. Default 1.
    pub margin: f64,
    /// The norm of the distances. Default 2.
    pub p: f64,
    /// Added to each difference, so that no distance is 0. Default 1e-6.
    pub eps: f64,
    /// Whether the distance of positive and negative counts where it is the smaller one. Default false.
    pub swap: bool,
    /// Default [`Reduction::Mean`].
    pub reduction: Reduction,
}

impl Default for TripletMarginOptions {
    fn default() -> Self {
        Self { margin: 1.0, p: 2.0, eps: 1e-6, swap: false, reduction: Reduction::Mean }
    }
}

impl Var {
    /// The p-norm along the last dimension of `x₁ − x₂ + eps` with this value as x₁: `torch.nn.functional
    /// .pairwise_distance`, whose defaults are 2, 1e-6 and false. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes are not one float dtype.
    #[track_caller]
    pub fn pairwise_distance(&self, other: &Var, p: f64, eps: f64, keepdim: bool) -> Result<Var> {
        self.sub(other)?.add_scalar(eps)?.vector_norm(p, -1, keepdim)
    }

    /// `x₁ · x₂ / (max(‖x₁‖, eps) max(‖x₂‖, eps))` along `dim` with this value as x₁: `torch.nn.functional
    /// .cosine_similarity`, whose defaults are 1 and 1e-8. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, there is no such dimension, or the dtypes are not one float dtype.
    #[track_caller]
    pub fn cosine_similarity(&self, other: &Var, dim: isize, eps: f64) -> Result<Var> {
        let shape = self.shape().broadcast("cosine_similarity", other.shape())?;
        let unit = |x: &Var| {
            let x = x.broadcast_to(&shape)?;
            // The least norm stops no gradient, as in PyTorch.
            x.div(&x.vector_norm(2.0, dim, true)?.raised_to(eps)?)
        };
        unit(self)?.mul(&unit(other)?)?.sum_dim(dim, false)
    }

    /// `x / max(‖x‖, eps)` with the p-norm over `dims`: `torch.nn.functional.normalize`, whose defaults are p 2,
    /// dimension 1 and eps 1e-12.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn normalize(&self, p: f64, dims: impl Dims, eps: f64) -> Result<Var> {
        self.div(&self.vector_norm(p, dims, true)?.clamp(Some(eps), None)?)
    }

    /// The mean, the sum or each of `max(0, d(a, p) − d(a, n) + margin)` for this value as anchor a, a positive p and a
    /// negative n, with [`pairwise_distance`](Var::pairwise_distance) as d: `torch.nn.functional.triplet_margin_loss`.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the dtypes are not one float dtype, or the margin is not positive.
    #[track_caller]
    pub fn triplet_margin_loss(
        &self,
        positive: &Var,
        negative: &Var,
        options: TripletMarginOptions,
    ) -> Result<Var> {
        let TripletMarginOptions { margin, p, eps, swap, reduction } = options;
        if margin.is_nan() || margin <= 0.0 {
            return Err(refused("triplet_margin_loss", "margin", margin.to_string(), "a number above 0"));
        }
        let near = self.pairwise_distance(positive, p, eps, false)?;
        let mut far = self.pairwise_distance(negative, p, eps, false)?;
        if swap {
            far = far.minimum(&positive.pairwise_distance(negative, p, eps, false)?)?;
        }
        near.sub(&far)?.add_scalar(margin)?.hinge()?.reduced(reduction)
    }

    /// The mean, the sum or each of `1 − cos(x₁, x₂)` where the target is 1, and `max(0, cos(x₁, x₂) − margin)` where it
    /// is −1, for vectors `[N, D]` and targets `[N]`, or `[D]` and `[]`, with this value as x₁ (`margin` is by default 0 in
    /// PyTorch): `torch.nn.functional.cosine_embedding_loss`.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit.
    #[track_caller]
    pub fn cosine_embedding_loss(
        &self,
        other: &Var,
        target: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Result<Var> {
        const OP: &str = "cosine_embedding_loss";
        let rank = self.rank();
        if !(1..=2).contains(&rank) || other.rank() != rank || target.rank() + 1 != rank {
            let value = format!("{}, {} and {}", self.shape(), other.shape(), target.shape());
            let expected = "[N, D], [N, D] and [N], or [D], [D] and []";
            return Err(refused(OP, "the shapes of inputs and target", value, expected));
        }
        // PyTorch's least square of a norm here.
        let square = |x: &Var| x.mul(x)?.sum_dim(-1, false)?.add_scalar(1e-12);
        let norms = square(self)?.mul(&square(other)?)?.sqrt()?;
        let cos = self.mul(other)?.sum_dim(-1, false)?.div(&norms)?;
        let zero: Var = Tensor::zeros(Shape::default(), self.dtype())?.into();
        let near = cos.neg()?.add_scalar(1)?.where_cond(&target.eq_scalar(1)?, &zero)?;
        let far = cos.sub_scalar(margin)?.hinge()?.where_cond(&target.eq_scalar(-1)?, &zero)?;
        near.add(&far)?.reduced(reduction)
    }
}

/// The cosine of two vectors.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

pub(crate) const ROW: Row = Row {
    name: "distance",
    sample: |s| {
        let (rows, cols) = (s.size(), s.size());
        let shape = Shape::from([rows, cols]);
        // Far from 0, where the length of a vector has a kink, and no two distances equal.
        let (a, b) = (s.tensor(&shape, 0.5, 2.0)?, s.tensor(&shape, -3.0, -1.0)?);
        let c = s.tensor(&shape, 3.0, 5.0)?;
        let (values, others) = (a.to_vec::<f64>()?, b.to_vec::<f64>()?);
        let pairs = || values.chunks(cols).zip(others.chunks(cols));
        let (p, flag) = ([1.0, 2.0, 3.0][s.below(3)], s.one_in(2));
        Ok(match s.below(5) {
            0 => {
                let distance = |(a, b): (&[f64], &[f64])| {
                    a.iter().zip(b).map(|(a, b)| (a - b + 0.02).abs().powf(p)).sum::<f64>().powf(1.0 / p)
                };
                let expected = pairs().map(distance).collect();
                Sample::new(vec![a, b], move |x| x[0].pairwise_distance(&x[1], p, 0.02, flag)).expect(expected)
            }
            1 => {
                let expected = pairs().map(|(a, b)| cosine(a, b)).collect();
                Sample::new(vec![a, b], |x| x[0].cosine_similarity(&x[1], 1, 1e-8)).expect(expected)
            }
            2 => Sample::new(vec![a], move |x| x[0].normalize(p, if flag { 0 } else { -1 }, 0.01)),
            3 => {
                let (reduction, _) = s.reduced(vec![0.0]);
                let options = TripletMarginOptions { p, swap: flag, eps: 0.02, reduction, ..Default::default() };
                Sample::new(vec![a, b, c], move |x| x[0].triplet_margin_loss(&x[1], &x[2], options))
            }
            _ => {
                let sign = s.indices(&Shape::from([rows]), 2)?.mul_scalar(2)?.sub_scalar(1)?;
                let signs = sign.to_vec::<i64>()?;
                // Below or above every cosine of these vectors.
                let margin = if flag { -1.5 } else { -0.3 };
                let losses = pairs().zip(signs).map(|((a, b), t)| match t {
                    1 => 1.0 - cosine(a, b),
                    _ => (cosine(a, b) - margin).max(0.0),
                });
                let (reduction, expected) = s.reduced(losses.collect());
                Sample::new(vec![a, b], move |x| {
                    x[0].cosine_embedding_loss(&x[1], &sign, margin, reduction)
                })
                .expect(expected)
            }
        })
    },
    order: 2,
};
