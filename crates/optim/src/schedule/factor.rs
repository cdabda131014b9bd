//! Schedules that are a factor of the base for some epochs.

use super::{Rates, Schedule};
use crate::{Invalid, Result};

/// `factor` of the base for `total_iters` epochs, then the base: `torch.optim.lr_scheduler.ConstantLR`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstantLR {
    /// The factor; default 1/3.
    pub factor: f64,
    /// How long; default 5.
    pub total_iters: usize,
}

impl Default for ConstantLR {
    fn default() -> Self {
        Self { factor: 1.0 / 3.0, total_iters: 5 }
    }
}

impl Schedule for ConstantLR {
    fn name(&self) -> &'static str {
        "ConstantLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        let fits = (0.0..=1.0).contains(&self.factor);
        Invalid::unless(
            fits,
            "factor",
            self.factor,
            "Constant multiplicative factor expected to be between 0 and 1",
        )
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        if epoch == 0 {
            rates.lr *= self.factor;
        } else if epoch == self.total_iters {
            rates.lr *= 1.0 / self.factor;
        }
        Ok(())
    }
}

/// From `start_factor` to `end_factor` of the base in `total_iters` epochs, along a line:
/// `torch.optim.lr_scheduler.LinearLR`. The usual warm-up.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearLR {
    /// The factor at epoch 0; default 1/3.
    pub start_factor: f64,
    /// The factor from epoch `total_iters` on; default 1.
    pub end_factor: f64,
    /// How long; default 5.
    pub total_iters: usize,
}

impl Default for LinearLR {
    fn default() -> Self {
        Self { start_factor: 1.0 / 3.0, end_factor: 1.0, total_iters: 5 }
    }
}

impl Schedule for LinearLR {
    fn name(&self) -> &'static str {
        "LinearLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        let start = self.start_factor > 0.0 && self.start_factor <= 1.0;
        let expected = "Starting multiplicative factor expected to be greater than 0 and less or equal to 1";
        Invalid::unless(start, "start_factor", self.start_factor, expected)?;
        let expected = "Ending multiplicative factor expected to be between 0 and 1";
        Invalid::unless((0.0..=1.0).contains(&self.end_factor), "end_factor", self.end_factor, expected)
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        if epoch == 0 {
            rates.lr *= self.start_factor;
        } else if epoch <= self.total_iters {
            let change = self.end_factor - self.start_factor;
            let before = self.total_iters as f64 * self.start_factor + (epoch as f64 - 1.0) * change;
            rates.lr *= 1.0 + change / before;
        }
        Ok(())
    }
}

/// `(1 - epoch / total_iters)^power` of the base: `torch.optim.lr_scheduler.PolynomialLR`.
#[derive(Clone, Debug, PartialEq)]
pub struct PolynomialLR {
    /// When it reaches 0; default 5.
    pub total_iters: usize,
    /// The power; default 1.
    pub power: f64,
}

impl Default for PolynomialLR {
    fn default() -> Self {
        Self { total_iters: 5, power: 1.0 }
    }
}

impl Schedule for PolynomialLR {
    fn name(&self) -> &'static str {
        "PolynomialLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        Ok(())
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        if epoch > 0 && epoch <= self.total_iters {
            let rest = |epoch: f64| 1.0 - epoch / self.total_iters as f64;
            rates.lr *= (rest(epoch as f64) / rest(epoch as f64 - 1.0)).powf(self.power);
        }
        Ok(())
    }
}
