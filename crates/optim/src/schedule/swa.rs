//! The learning rate of stochastic weight averaging.

use super::{Anneal, PerGroup, Rates, Schedule};
use crate::{Invalid, Result};
use std::f64::consts::PI;

/// From the present learning rate to `swa_lr` in `anneal_epochs` epochs, and there for good:
/// `torch.optim.swa_utils.SWALR`. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization"
/// (2018).
#[derive(Clone, Debug, PartialEq)]
pub struct SWALR {
    /// The learning rate at the end.
    pub swa_lr: PerGroup,
    /// The number of epochs on the way; default 10.
    pub anneal_epochs: usize,
    /// The way; default cosine.
    pub anneal_strategy: Anneal,
}

impl SWALR {
    /// To `swa_lr` in 10 epochs.
    pub fn new(swa_lr: impl Into<PerGroup>) -> Self {
        Self { swa_lr: swa_lr.into(), anneal_epochs: 10, anneal_strategy: Anneal::Cos }
    }

    /// Share of `swa_lr` at `epoch`.
    fn share(&self, epoch: f64) -> f64 {
        let t = (epoch / self.anneal_epochs.max(1) as f64).clamp(0.0, 1.0);
        match self.anneal_strategy {
            Anneal::Cos => (1.0 - (PI * t).cos()) / 2.0,
            Anneal::Linear => t,
        }
    }
}

impl Schedule for SWALR {
    fn name(&self) -> &'static str {
        "SWALR"
    }

    fn check(&self, groups: &[Rates]) -> Result<(), Invalid> {
        self.swa_lr.check("swa_lr", groups.len())
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        let epoch = if self.anneal_epochs == 0 { epoch.max(1) } else { epoch } as f64;
        let end = self.swa_lr.at(rates.group);
        let before = self.share(epoch - 1.0);
        let start = if before == 1.0 { end } else { (rates.lr - before * end) / (1.0 - before) };
        let share = self.share(epoch);
        rates.lr = end * share + start * (1.0 - share);
        Ok(())
    }

    fn restart(&self, rates: &mut Rates) -> Result<(), Invalid> {
        // It goes on from the learning rate that it finds.
        self.set(0, rates)
    }
}
