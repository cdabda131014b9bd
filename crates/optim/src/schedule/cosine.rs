//! Schedules along a cosine.

use super::{Rates, Schedule};
use crate::{Invalid, Result};
use std::f64::consts::PI;

/// From the base to `eta_min` in `t_max` epochs along half a cosine, then back and so on:
/// `torch.optim.lr_scheduler.CosineAnnealingLR`. Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm
/// Restarts" (2016), without the restarts.
#[derive(Clone, Debug, PartialEq)]
pub struct CosineAnnealingLR {
    /// Epochs from the base to `eta_min`: `T_max`.
    pub t_max: usize,
    /// The smallest learning rate; default 0.
    pub eta_min: f64,
}

impl CosineAnnealingLR {
    /// Down to 0 in `t_max` epochs.
    pub fn new(t_max: usize) -> Self {
        Self { t_max, eta_min: 0.0 }
    }
}

impl Schedule for CosineAnnealingLR {
    fn name(&self) -> &'static str {
        "CosineAnnealingLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        Invalid::unless(self.t_max > 0, "T_max", self.t_max, "T_max >= 1")
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        let length = self.t_max as f64;
        let height = |epoch: usize| 1.0 + (PI * epoch as f64 / length).cos();
        if epoch == 0 {
            return Ok(());
        }
        if (epoch + self.t_max - 1).is_multiple_of(2 * self.t_max) {
            // The epoch after the lowest, from which no factor leads up.
            rates.lr += (rates.base_lr - self.eta_min) * (1.0 - (PI / length).cos()) / 2.0;
        } else {
            rates.lr = height(epoch) / height(epoch - 1) * (rates.lr - self.eta_min) + self.eta_min;
        }
        Ok(())
    }
}

/// From the base to `eta_min` along half a cosine in `t_0` epochs, then again from the base in `t_mult` times as many,
/// and so on: `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`. Loshchilov and Hutter, "SGDR: Stochastic Gradient
/// Descent with Warm Restarts" (2016).
#[derive(Clone, Debug, PartialEq)]
pub struct CosineAnnealingWarmRestarts {
    /// Epochs to the first restart: `T_0`.
    pub t_0: usize,
    /// Growth of this number after each restart: `T_mult`; default 1.
    pub t_mult: usize,
    /// The smallest learning rate; default 0.
    pub eta_min: f64,
}

impl CosineAnnealingWarmRestarts {
    /// A restart every `t_0` epochs.
    pub fn new(t_0: usize) -> Self {
        Self { t_0, t_mult: 1, eta_min: 0.0 }
    }
}

impl Schedule for CosineAnnealingWarmRestarts {
    fn name(&self) -> &'static str {
        "CosineAnnealingWarmRestarts"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        Invalid::unless(self.t_0 > 0, "T_0", self.t_0, "T_0 >= 1")?;
        Invalid::unless(self.t_mult > 0, "T_mult", self.t_mult, "T_mult >= 1")
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        let (mut since, mut length) = (epoch, self.t_0);
        if self.t_mult == 1 {
            since %= length;
        }
        while since >= length {
            since -= length;
            length = length.saturating_mul(self.t_mult);
        }
        let height = 1.0 + (PI * since as f64 / length as f64).cos();
        rates.lr = self.eta_min + (rates.base_lr - self.eta_min) * height / 2.0;
        Ok(())
    }
}
