//! The one-cycle policy.

use super::{Anneal, PerGroup, Rates, Schedule, check_momentum};
use crate::{Invalid, Result};
use std::f64::consts::PI;

/// Up to `max_lr` and down far below where it began, with momentum the other way:
/// `torch.optim.lr_scheduler.OneCycleLR`. It counts steps, and ends after `total_steps` of them. Smith and Topin,
/// "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates" (2017).
///
/// The optimizer's own learning rate does not enter.
#[derive(Clone, Debug, PartialEq)]
pub struct OneCycleLR {
    /// The highest learning rate.
    pub max_lr: PerGroup,
    /// Steps of the cycle: epochs times steps of an epoch.
    pub total_steps: usize,
    /// Share of the steps that go up; default 0.3.
    pub pct_start: f64,
    /// The way between the corners; default cosine.
    pub anneal_strategy: Anneal,
    /// Whether momentum is cycled; default true.
    pub cycle_momentum: bool,
    /// The lowest momentum; default 0.85.
    pub base_momentum: PerGroup,
    /// The highest momentum; default 0.95.
    pub max_momentum: PerGroup,
    /// The first learning rate is `max_lr / div_factor`; default 25.
    pub div_factor: f64,
    /// The last is the first divided by this; default 1e4.
    pub final_div_factor: f64,
    /// Whether the way down stops at the first learning rate, as far from the top as the way up; default false.
    pub three_phase: bool,
}

impl OneCycleLR {
    /// Up to `max_lr` within `total_steps` steps.
    pub fn new(max_lr: impl Into<PerGroup>, total_steps: usize) -> Self {
        Self {
            max_lr: max_lr.into(),
            total_steps,
            pct_start: 0.3,
            anneal_strategy: Anneal::Cos,
            cycle_momentum: true,
            base_momentum: 0.85.into(),
            max_momentum: 0.95.into(),
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }

    /// The phase of `step` and the share of it that is over, as (corner before, corner after, share). Corners are
    /// 0 first, 1 top, 2 last.
    fn phase(&self, step: usize) -> (usize, usize, f64) {
        let (step, total) = (step as f64, self.total_steps as f64);
        let up = self.pct_start * total - 1.0;
        let end = total - 1.0;
        let down = 2.0 * self.pct_start * total - 2.0;
        let (from, to, start, stop) = match self.three_phase {
            _ if step <= up => (0, 1, 0.0, up),
            true if step <= down => (1, 0, up, down),
            true => (0, 2, down, end),
            false => (1, 2, up, end),
        };
        (from, to, (step - start) / (stop - start))
    }

    fn between(&self, start: f64, end: f64, share: f64) -> f64 {
        match self.anneal_strategy {
            Anneal::Cos => end + (start - end) / 2.0 * ((PI * share).cos() + 1.0),
            Anneal::Linear => (end - start) * share + start,
        }
    }
}

impl Schedule for OneCycleLR {
    fn name(&self) -> &'static str {
        "OneCycleLR"
    }

    fn check(&self, groups: &[Rates]) -> Result<(), Invalid> {
        Invalid::unless(self.total_steps > 0, "total_steps", self.total_steps, "total_steps >= 1")?;
        Invalid::unless(
            (0.0..=1.0).contains(&self.pct_start),
            "pct_start",
            self.pct_start,
            "0 <= pct_start <= 1",
        )?;
        self.max_lr.check("max_lr", groups.len())?;
        self.base_momentum.check("base_momentum", groups.len())?;
        self.max_momentum.check("max_momentum", groups.len())?;
        check_momentum(self.cycle_momentum, groups)
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        Invalid::unless(epoch <= self.total_steps, "number of steps", epoch, "at most total_steps")?;
        let top = self.max_lr.at(rates.group);
        let first = top / self.div_factor;
        let lrs = [first, top, first / self.final_div_factor];
        let (low, high) = (self.base_momentum.at(rates.group), self.max_momentum.at(rates.group));
        let momentums = [high, low, high];
        let (from, to, share) = self.phase(epoch);
        rates.lr = self.between(lrs[from], lrs[to], share);
        if self.cycle_momentum {
            rates.momentum = Some(self.between(momentums[from], momentums[to], share));
        }
        Ok(())
    }
}
