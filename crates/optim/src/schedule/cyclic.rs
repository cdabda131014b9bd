//! Cyclical learning rates.

use super::{PerGroup, Rates, Schedule, check_momentum};
use crate::{Invalid, Result};

/// Up and down between two learning rates along lines, with momentum the other way:
/// `torch.optim.lr_scheduler.CyclicLR`. It counts steps. Smith, "Cyclical Learning Rates for Training Neural Networks"
/// (2015).
///
/// The optimizer's own learning rate does not enter.
#[derive(Clone, Debug, PartialEq)]
pub struct CyclicLR {
    /// The lowest learning rate.
    pub base_lr: PerGroup,
    /// The highest, in the first cycle.
    pub max_lr: PerGroup,
    /// Steps of the way up; default 2000.
    pub step_size_up: usize,
    /// Steps of the way down; default `None`, as many.
    pub step_size_down: Option<usize>,
    /// How the height changes; default triangular.
    pub mode: CyclicMode,
    /// Whether momentum is cycled; default true.
    pub cycle_momentum: bool,
    /// The lowest momentum; default 0.8.
    pub base_momentum: PerGroup,
    /// The highest momentum; default 0.9.
    pub max_momentum: PerGroup,
}

/// How the height of the cycles changes.
#[derive(Clone, Copy, Debug)]
pub enum CyclicMode {
    /// Not at all.
    Triangular,
    /// It halves with each cycle.
    Triangular2,
    /// It is `gamma^step`.
    ExpRange {
        /// The factor of each step.
        gamma: f64,
    },
    /// A function of the cycle, counted from 1: `scale_fn` with `scale_mode='cycle'`.
    Cycle(fn(f64) -> f64),
    /// A function of the step: `scale_fn` with `scale_mode='iterations'`.
    Iterations(fn(f64) -> f64),
}

impl PartialEq for CyclicMode {
    /// Functions are equal if they are the same function.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Triangular, Self::Triangular) | (Self::Triangular2, Self::Triangular2) => true,
            (Self::ExpRange { gamma: a }, Self::ExpRange { gamma: b }) => a == b,
            (Self::Cycle(a), Self::Cycle(b)) | (Self::Iterations(a), Self::Iterations(b)) => {
                std::ptr::fn_addr_eq(*a, *b)
            }
            _ => false,
        }
    }
}

impl CyclicLR {
    /// Between `base_lr` and `max_lr`.
    pub fn new(base_lr: impl Into<PerGroup>, max_lr: impl Into<PerGroup>) -> Self {
        Self {
            base_lr: base_lr.into(),
            max_lr: max_lr.into(),
            step_size_up: 2000,
            step_size_down: None,
            mode: CyclicMode::Triangular,
            cycle_momentum: true,
            base_momentum: 0.8.into(),
            max_momentum: 0.9.into(),
        }
    }
}

impl Schedule for CyclicLR {
    fn name(&self) -> &'static str {
        "CyclicLR"
    }

    fn check(&self, groups: &[Rates]) -> Result<(), Invalid> {
        Invalid::unless(self.step_size_up > 0, "step_size_up", self.step_size_up, "step_size_up >= 1")?;
        let down = self.step_size_down;
        Invalid::unless(down != Some(0), "step_size_down", down, "step_size_down >= 1")?;
        self.base_lr.check("base_lr", groups.len())?;
        self.max_lr.check("max_lr", groups.len())?;
        self.base_momentum.check("base_momentum", groups.len())?;
        self.max_momentum.check("max_momentum", groups.len())?;
        check_momentum(self.cycle_momentum, groups)
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        let (up, step) = (self.step_size_up as f64, epoch as f64);
        let total = up + self.step_size_down.map_or(up, |down| down as f64);
        let ratio = up / total;
        let cycle = (1.0 + step / total).floor();
        let x = 1.0 + step / total - cycle;
        let part = if x <= ratio { x / ratio } else { (x - 1.0) / (ratio - 1.0) };
        let height = match self.mode {
            CyclicMode::Triangular => 1.0,
            CyclicMode::Triangular2 => 1.0 / 2f64.powf(cycle - 1.0),
            CyclicMode::ExpRange { gamma } => gamma.powf(step),
            CyclicMode::Cycle(scale) => scale(cycle),
            CyclicMode::Iterations(scale) => scale(step),
        };
        let (low, high) = (self.base_lr.at(rates.group), self.max_lr.at(rates.group));
        rates.lr = low + (high - low) * part * height;
        if self.cycle_momentum {
            let (low, high) = (self.base_momentum.at(rates.group), self.max_momentum.at(rates.group));
            rates.momentum = Some(high - (high - low) * part * height);
        }
        Ok(())
    }
}
