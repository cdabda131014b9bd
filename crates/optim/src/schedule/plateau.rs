//! A learning rate that falls when a metric stops getting better.

use super::PerGroup;
use crate::value::entry;
use crate::{Dict, Invalid, Optimizer, OptionValue, Result, StateFault};
use std::panic::Location;

/// Multiplies the learning rate by `factor` when a metric has not got better for more than `patience` epochs:
/// `torch.optim.lr_scheduler.ReduceLROnPlateau`.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{Optimizer, SGD, schedule::ReduceLROnPlateau};
///
/// let mut opt = SGD::new([Parameter::new(Tensor::scalar(1.0f32)?)?], 0.1)?;
/// let mut scheduler = ReduceLROnPlateau { patience: 1, factor: 0.5, ..ReduceLROnPlateau::new() };
/// for validation_loss in [1.0, 0.9, 0.9, 0.9] {
///     scheduler.step(&mut opt, validation_loss)?;
/// }
/// assert_eq!(opt.lr(), 0.05);
/// # Ok::<(), optim::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceLROnPlateau {
    /// What is better; default the smaller.
    pub mode: Mode,
    /// The factor, below 1; default 0.1.
    pub factor: f64,
    /// Epochs without progress that are borne; default 10.
    pub patience: usize,
    /// What counts as progress; default 1e-4.
    pub threshold: f64,
    /// Whether the threshold is a share of the best or a difference; default a share.
    pub threshold_mode: ThresholdMode,
    /// Epochs after a reduction that are not counted; default 0.
    pub cooldown: usize,
    /// The smallest learning rate; default 0.
    pub min_lr: PerGroup,
    /// The smallest change that is made; default 1e-8.
    pub eps: f64,
    /// What the epochs so far have brought.
    pub progress: Progress,
}

/// What a [`ReduceLROnPlateau`] has seen.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Progress {
    last_epoch: usize,
    best: Option<f64>,
    num_bad_epochs: usize,
    cooldown_counter: usize,
    last_lr: Vec<f64>,
}

/// What is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The smaller: a loss.
    Min,
    /// The larger: an accuracy.
    Max,
}

/// How the threshold is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThresholdMode {
    /// As a share of the best.
    Rel,
    /// As a difference.
    Abs,
}

impl Default for ReduceLROnPlateau {
    fn default() -> Self {
        Self {
            mode: Mode::Min,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::Rel,
            cooldown: 0,
            min_lr: 0.0.into(),
            eps: 1e-8,
            progress: Progress::default(),
        }
    }
}

impl ReduceLROnPlateau {
    /// With PyTorch's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the metric of an epoch.
    ///
    /// # Errors
    /// If `factor` is not below 1, or `min_lr` is a list of another length than there are groups.
    #[track_caller]
    pub fn step(&mut self, optimizer: &mut dyn Optimizer, metric: f64) -> Result<()> {
        let location = Location::caller();
        Invalid::unless(self.factor < 1.0, "factor", self.factor, "Factor should be < 1.0")
            .and_then(|()| self.min_lr.check("min_lr", optimizer.options().len()))
            .map_err(|invalid| invalid.of("ReduceLROnPlateau", location))?;
        let better = self.is_better(metric);
        let progress = &mut self.progress;
        progress.last_epoch += 1;
        if better {
            progress.best = Some(metric);
            progress.num_bad_epochs = 0;
        } else {
            progress.num_bad_epochs += 1;
        }
        if progress.cooldown_counter > 0 {
            progress.cooldown_counter -= 1;
            progress.num_bad_epochs = 0;
        }
        if progress.num_bad_epochs > self.patience {
            progress.cooldown_counter = self.cooldown;
            progress.num_bad_epochs = 0;
            for (group, options) in optimizer.options_mut().into_iter().enumerate() {
                let lr = options.lr();
                let new = f64::max(lr * self.factor, self.min_lr.at(group));
                if lr - new > self.eps {
                    options.set_lr(new);
                }
            }
        }
        self.progress.last_lr = optimizer.options().iter().map(|options| options.lr()).collect();
        Ok(())
    }

    /// The learning rates after the last step, one a group; empty before the first.
    pub fn lr(&self) -> &[f64] {
        &self.progress.last_lr
    }

    fn is_better(&self, metric: f64) -> bool {
        let worst = if self.mode == Mode::Min { f64::INFINITY } else { f64::NEG_INFINITY };
        let best = self.progress.best.unwrap_or(worst);
        match (self.mode, self.threshold_mode) {
            (Mode::Min, ThresholdMode::Rel) => metric < best * (1.0 - self.threshold),
            (Mode::Min, ThresholdMode::Abs) => metric < best - self.threshold,
            (Mode::Max, ThresholdMode::Rel) => metric > best * (self.threshold + 1.0),
            (Mode::Max, ThresholdMode::Abs) => metric > best + self.threshold,
        }
    }

    /// The state under PyTorch's keys `last_epoch`, `best`, `num_bad_epochs`, `cooldown_counter` and `_last_lr`.
    pub fn state_dict(&self) -> Dict {
        let Progress { last_epoch, best, num_bad_epochs, cooldown_counter, last_lr } = &self.progress;
        let worst = if self.mode == Mode::Min { f64::INFINITY } else { f64::NEG_INFINITY };
        [
            ("last_epoch".into(), last_epoch.to_value()),
            ("best".into(), best.unwrap_or(worst).to_value()),
            ("num_bad_epochs".into(), num_bad_epochs.to_value()),
            ("cooldown_counter".into(), cooldown_counter.to_value()),
            ("_last_lr".into(), last_lr.to_value()),
        ]
        .into()
    }

    /// Takes `state` over. The learning rate itself is part of the optimizer's state.
    ///
    /// # Errors
    /// If an entry is missing or of another kind. The scheduler is then unchanged.
    #[track_caller]
    pub fn load_state_dict(&mut self, state: &Dict) -> Result<()> {
        let location = Location::caller();
        let read = || -> Result<Progress, StateFault> {
            Ok(Progress {
                last_epoch: entry(state, "last_epoch")?,
                best: Some(entry(state, "best")?),
                num_bad_epochs: entry(state, "num_bad_epochs")?,
                cooldown_counter: entry(state, "cooldown_counter")?,
                last_lr: entry(state, "_last_lr")?,
            })
        };
        self.progress = read().map_err(|reason| reason.of("ReduceLROnPlateau", location))?;
        Ok(())
    }
}
