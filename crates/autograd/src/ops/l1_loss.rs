//! Losses of the distance |x − t|: absolute, smoothed at 0, and Huber's.

use crate::testing::{Row, Sample};
use crate::{Reduction, Result, Var};

impl Var {
    /// The mean, the sum or each of `|x − target|`: `torch.nn.functional.l1_loss`. No gradient where they are equal.
    ///
    /// # Errors
    /// If the shapes or dtypes differ.
    #[track_caller]
    pub fn l1_loss(&self, target: impl Into<Var>, reduction: Reduction) -> Result<Var> {
        let target = target.into();
        self.same_shape("l1_loss", &target)?;
        self.sub(&target)?.abs()?.reduced(reduction)
    }

    /// The mean, the sum or each of `½ d² / beta` where d = |x − target| is below `beta` (in PyTorch by default 1), else
    /// `d − ½ beta`: `torch.nn.functional.smooth_l1_loss`. With `beta` 0 it is [`l1_loss`](Var::l1_loss).
    ///
    /// # Errors
    /// If the shapes or dtypes differ or `beta` is negative.
    #[track_caller]
    pub fn smooth_l1_loss(&self, target: impl Into<Var>, beta: f64, reduction: Reduction) -> Result<Var> {
        const OP: &str = "smooth_l1_loss";
        let target = target.into();
        if beta.is_nan() || beta < 0.0 {
            return Err(crate::losses::refused(OP, "beta", beta.to_string(), "a number from 0"));
        }
        self.same_shape(OP, &target)?;
        if beta == 0.0 {
            return self.l1_loss(target, reduction);
        }
        let distance = self.sub(&target)?;
        let size = distance.abs()?;
        let near = distance.mul(&distance)?.mul_scalar(0.5 / beta)?;
        let far = size.sub_scalar(0.5 * beta)?;
        near.where_cond(&size.value().lt_scalar(beta)?, &far)?.reduced(reduction)
    }

    /// The mean, the sum or each of `½ d²` where d = |x − target| is at most `delta` (in PyTorch by default 1), else
    /// `delta (d − ½ delta)`: `torch.nn.functional.huber_loss`.
    ///
    /// # Errors
    /// If the shapes or dtypes differ or `delta` is not positive.
    #[track_caller]
    pub fn huber_loss(&self, target: impl Into<Var>, delta: f64, reduction: Reduction) -> Result<Var> {
        const OP: &str = "huber_loss";
        let target = target.into();
        if delta.is_nan() || delta <= 0.0 {
            return Err(crate::losses::refused(OP, "delta", delta.to_string(), "a number above 0"));
        }
        self.same_shape(OP, &target)?;
        let distance = self.sub(&target)?;
        let size = distance.abs()?;
        let near = distance.mul(&distance)?.mul_scalar(0.5)?;
        let far = size.sub_scalar(0.5 * delta)?.mul_scalar(delta)?;
        near.where_cond(&size.value().le_scalar(delta)?, &far)?.reduced(reduction)
    }
}

pub(crate) const ROW: Row = Row {
    name: "l1_loss",
    sample: |s| {
        let shape = s.shape(3);
        // The differences are odd multiples of 0.05, and so neither 0 nor a bound.
        let (x, target) = (s.distinct(&shape)?, s.distinct(&shape)?.add_scalar(0.05)?.mul_scalar(2)?);
        let differences = x.sub(&target)?.to_vec::<f64>()?.into_iter().map(f64::abs);
        let (form, bound) = (s.below(3), 0.72);
        let losses: Vec<f64> = differences
            .map(|d| match form {
                0 => d,
                1 if d < bound => 0.5 * d * d / bound,
                1 => d - 0.5 * bound,
                _ if d < bound => 0.5 * d * d,
                _ => bound * (d - 0.5 * bound),
            })
            .collect();
        let (reduction, expected) = s.reduced(losses);
        Ok(Sample::new(vec![x, target], move |x| match form {
            0 => x[0].l1_loss(&x[1], reduction),
            1 => x[0].smooth_l1_loss(&x[1], bound, reduction),
            _ => x[0].huber_loss(&x[1], bound, reduction),
        })
        .expect(expected))
    },
    order: 2,
};
