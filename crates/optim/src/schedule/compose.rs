//! Schedules made of schedules.

use super::{CosineAnnealingLR, LinearLR, Rates, Schedule};
use crate::{Invalid, Result};

/// One schedule after the other, each from its own epoch 0: `torch.optim.lr_scheduler.SequentialLR`.
///
/// ```
/// use optim::schedule::{ConstantLR, ExponentialLR, Sequential};
/// let schedule = Sequential::new(ConstantLR { factor: 0.1, total_iters: 5 }).then(5, ExponentialLR::new(0.9));
/// ```
pub struct Sequential(Vec<(usize, Box<dyn Schedule>)>);

impl Sequential {
    /// Begins with `first`.
    pub fn new(first: impl Schedule + 'static) -> Self {
        Self(vec![(0, Box::new(first))])
    }

    /// Goes on with `next` from epoch `milestone` on.
    #[must_use]
    pub fn then(mut self, milestone: usize, next: impl Schedule + 'static) -> Self {
        self.0.push((milestone, Box::new(next)));
        self
    }
}

impl Schedule for Sequential {
    fn name(&self) -> &'static str {
        "SequentialLR"
    }

    fn check(&self, groups: &[Rates]) -> Result<(), Invalid> {
        let milestones: Vec<usize> = self.0.iter().map(|(milestone, _)| *milestone).collect();
        Invalid::unless(
            milestones.is_sorted_by(|a, b| a < b),
            "milestones",
            milestones,
            "milestones that grow",
        )?;
        self.0.iter().try_for_each(|(_, schedule)| schedule.check(groups))
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        match self.0.iter().rev().find(|(milestone, _)| *milestone <= epoch) {
            Some((milestone, schedule)) if epoch == *milestone && epoch > 0 => schedule.restart(rates),
            Some((milestone, schedule)) => schedule.set(epoch - milestone, rates),
            None => Ok(()),
        }
    }
}

/// Several schedules, one upon the other's result: `torch.optim.lr_scheduler.ChainedScheduler`.
///
/// ```
/// use optim::schedule::{Chained, ConstantLR, ExponentialLR};
/// let schedule = Chained::new(ConstantLR { factor: 0.1, total_iters: 4 }).and(ExponentialLR::new(0.9));
/// ```
pub struct Chained(Vec<Box<dyn Schedule>>);

impl Chained {
    /// Begins with `first`.
    pub fn new(first: impl Schedule + 'static) -> Self {
        Self(vec![Box::new(first)])
    }

    /// Applies `next` to the result.
    #[must_use]
    pub fn and(mut self, next: impl Schedule + 'static) -> Self {
        self.0.push(Box::new(next));
        self
    }
}

impl Schedule for Chained {
    fn name(&self) -> &'static str {
        "ChainedScheduler"
    }

    fn check(&self, groups: &[Rates]) -> Result<(), Invalid> {
        self.0.iter().try_for_each(|schedule| schedule.check(groups))
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        self.0.iter().try_for_each(|schedule| schedule.set(epoch, rates))
    }
}

/// Up from nearly 0 to the base in `warmup` epochs along a line, then down to 0 at epoch `total` along half a cosine:
/// `SequentialLR([LinearLR(1/warmup, total_iters=warmup), CosineAnnealingLR(total - warmup)], [warmup])`.
///
/// The first learning rate is `1 / warmup` of the base, so that the first epoch already learns.
pub fn warmup_cosine(warmup: usize, total: usize) -> Sequential {
    let cosine = CosineAnnealingLR::new(total.saturating_sub(warmup));
    if warmup == 0 {
        return Sequential::new(cosine);
    }
    let linear = LinearLR { start_factor: 1.0 / warmup as f64, end_factor: 1.0, total_iters: warmup };
    Sequential::new(linear).then(warmup, cosine)
}
