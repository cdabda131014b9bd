//! Schedules that multiply now and then.

use super::{Rates, Schedule};
use crate::{Invalid, Result};

/// Multiplies by `gamma` every `step_size` epochs: `torch.optim.lr_scheduler.StepLR`.
#[derive(Clone, Debug, PartialEq)]
pub struct StepLR {
    /// Epochs between two changes.
    pub step_size: usize,
    /// The factor; default 0.1.
    pub gamma: f64,
}

impl StepLR {
    /// Every `step_size` epochs, by 0.1.
    pub fn new(step_size: usize) -> Self {
        Self { step_size, gamma: 0.1 }
    }
}

impl Schedule for StepLR {
    fn name(&self) -> &'static str {
        "StepLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        Invalid::unless(self.step_size > 0, "step_size", self.step_size, "step_size >= 1")
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        if epoch > 0 && epoch.is_multiple_of(self.step_size) {
            rates.lr *= self.gamma;
        }
        Ok(())
    }
}

/// Multiplies by `gamma` at each milestone: `torch.optim.lr_scheduler.MultiStepLR`. A milestone that is listed twice
/// counts twice.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiStepLR {
    /// The epochs.
    pub milestones: Vec<usize>,
    /// The factor; default 0.1.
    pub gamma: f64,
}

impl MultiStepLR {
    /// At `milestones`, by 0.1.
    pub fn new(milestones: impl Into<Vec<usize>>) -> Self {
        Self { milestones: milestones.into(), gamma: 0.1 }
    }
}

impl Schedule for MultiStepLR {
    fn name(&self) -> &'static str {
        "MultiStepLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        Ok(())
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        let times = self.milestones.iter().filter(|&&milestone| milestone == epoch).count();
        rates.lr *= self.gamma.powi(i32::try_from(times).unwrap_or(i32::MAX));
        Ok(())
    }
}

/// Multiplies by `gamma` each epoch: `torch.optim.lr_scheduler.ExponentialLR`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExponentialLR {
    /// The factor.
    pub gamma: f64,
}

impl ExponentialLR {
    /// By `gamma`.
    pub fn new(gamma: f64) -> Self {
        Self { gamma }
    }
}

impl Schedule for ExponentialLR {
    fn name(&self) -> &'static str {
        "ExponentialLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        Ok(())
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        if epoch > 0 {
            rates.lr *= self.gamma;
        }
        Ok(())
    }
}
