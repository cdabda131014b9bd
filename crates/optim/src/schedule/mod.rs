//! Learning-rate schedules.
//!
//! A [`Schedule`] says what the learning rate is at an epoch (or step: whatever [`Scheduler::step`] is called for); a
//! [`Scheduler`] applies it to an optimizer. Formulas, defaults and the order of operations are those of
//! `torch.optim.lr_scheduler`.
//!
//! ```
//! use autograd::{Parameter, Tensor};
//! use optim::schedule::{Scheduler, warmup_cosine};
//! use optim::{AdamW, Optimizer};
//!
//! let w = Parameter::new(Tensor::scalar(1.0f32)?)?;
//! let mut opt = AdamW::new([w], 0.1)?;
//! let mut scheduler = Scheduler::new(&mut opt, warmup_cosine(5, 100))?;
//! for _ in 0..5 {
//!     opt.step()?;
//!     scheduler.step(&mut opt)?;
//! }
//! assert!((opt.lr() - 0.1).abs() < 1e-15);
//! # Ok::<(), optim::Error>(())
//! ```

mod compose;
mod cosine;
mod cyclic;
mod factor;
mod lambda;
mod one_cycle;
mod plateau;
mod step;
mod swa;

pub use compose::{Chained, Sequential, warmup_cosine};
pub use cosine::{CosineAnnealingLR, CosineAnnealingWarmRestarts};
pub use cyclic::{CyclicLR, CyclicMode};
pub use factor::{ConstantLR, LinearLR, PolynomialLR};
pub use lambda::{LambdaLR, MultiplicativeLR};
pub use one_cycle::OneCycleLR;
pub use plateau::{Mode, ReduceLROnPlateau, ThresholdMode};
pub use step::{ExponentialLR, MultiStepLR, StepLR};
pub use swa::SWALR;

use crate::value::entry;
use crate::{Dict, Invalid, Optimizer, OptionValue, Result, StateFault};
use std::panic::Location;

/// What a schedule moves in a group of parameters.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// The learning rate: at the epoch before when a schedule is asked, at the new epoch afterwards.
    pub lr: f64,
    /// The momentum, or first beta; `None` for an optimizer without.
    pub momentum: Option<f64>,
    /// The learning rate that the optimizer had when the scheduler was made.
    pub base_lr: f64,
    /// Which group.
    pub group: usize,
}

/// The learning rate as a function of the epoch. Most are recurrences from one epoch to the next, as in PyTorch, so
/// that they can be chained and go on from a learning rate that was changed by hand.
pub trait Schedule: Send {
    /// The name, for messages.
    fn name(&self) -> &'static str;

    /// Whether the settings are in their ranges and fit an optimizer whose groups have these rates.
    ///
    /// # Errors
    /// For the first that does not.
    fn check(&self, groups: &[Rates]) -> Result<(), Invalid>;

    /// Moves `rates` from `epoch - 1` to `epoch`. At epoch 0 they are as the optimizer was made with.
    ///
    /// # Errors
    /// If the schedule ends before `epoch`.
    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid>;

    /// Starts at epoch 0 behind another schedule.
    ///
    /// # Errors
    /// As [`set`](Schedule::set).
    fn restart(&self, rates: &mut Rates) -> Result<(), Invalid> {
        rates.lr = rates.base_lr;
        self.set(0, rates)
    }
}

impl<S: Schedule + ?Sized> Schedule for Box<S> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn check(&self, groups: &[Rates]) -> Result<(), Invalid> {
        (**self).check(groups)
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        (**self).set(epoch, rates)
    }

    fn restart(&self, rates: &mut Rates) -> Result<(), Invalid> {
        (**self).restart(rates)
    }
}

/// A schedule at work on an optimizer: `scheduler.step()` after each epoch (or each step, for those that count steps),
/// after the optimizer's.
///
/// It does not hold the optimizer; the same one is given to each call. To resume, make optimizer and scheduler as
/// before, then load both states: making a scheduler sets the learning rate, loading its state does not.
pub struct Scheduler {
    schedule: Box<dyn Schedule>,
    epoch: usize,
    base_lrs: Vec<f64>,
    last_lr: Vec<f64>,
}

impl Scheduler {
    /// Starts `schedule` on the optimizer, whose learning rates become the base, and sets those of epoch 0.
    ///
    /// # Errors
    /// If a setting is out of its range, or momentum is to be cycled and the optimizer has none.
    #[track_caller]
    pub fn new(optimizer: &mut dyn Optimizer, schedule: impl Schedule + 'static) -> Result<Self> {
        let location = Location::caller();
        let mut scheduler = Self {
            base_lrs: optimizer.options().iter().map(|options| options.lr()).collect(),
            schedule: Box::new(schedule),
            epoch: 0,
            last_lr: Vec::new(),
        };
        let name = scheduler.schedule.name();
        let rates = scheduler.rates(optimizer);
        scheduler.schedule.check(&rates).map_err(|invalid| invalid.of(name, location))?;
        scheduler.apply(optimizer, location)?;
        Ok(scheduler)
    }

    /// Goes to the next epoch.
    ///
    /// # Errors
    /// If the schedule has ended, or the optimizer has another number of groups than at the start.
    #[track_caller]
    pub fn step(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.epoch += 1;
        self.apply(optimizer, Location::caller())
    }

    /// The learning rates that the last step set, one a group: `get_last_lr()`.
    pub fn lr(&self) -> &[f64] {
        &self.last_lr
    }

    /// The number of steps made: `last_epoch`.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    fn rates(&self, optimizer: &dyn Optimizer) -> Vec<Rates> {
        let groups = optimizer.options().into_iter().zip(&self.base_lrs).enumerate();
        groups
            .map(|(group, (options, &base_lr))| Rates {
                lr: options.lr(),
                momentum: options.momentum(),
                base_lr,
                group,
            })
            .collect()
    }

    fn apply(&mut self, optimizer: &mut dyn Optimizer, location: &'static Location<'static>) -> Result<()> {
        let name = self.schedule.name();
        let mut rates = self.rates(optimizer);
        let (found, expected) = (optimizer.options().len(), self.base_lrs.len());
        Invalid::unless(
            found == expected,
            "number of groups",
            found,
            "as many as when the scheduler was made",
        )
        .and_then(|()| rates.iter_mut().try_for_each(|rates| self.schedule.set(self.epoch, rates)))
        .map_err(|invalid| invalid.of(name, location))?;
        for (options, rates) in optimizer.options_mut().into_iter().zip(&rates) {
            options.set_lr(rates.lr);
            if let Some(momentum) = rates.momentum.filter(|new| options.momentum() != Some(*new)) {
                options.set_momentum(momentum);
            }
        }
        self.last_lr = rates.iter().map(|rates| rates.lr).collect();
        Ok(())
    }

    /// The state under PyTorch's keys `last_epoch`, `_step_count`, `base_lrs` and `_last_lr`.
    pub fn state_dict(&self) -> Dict {
        [
            ("last_epoch".into(), self.epoch.to_value()),
            ("_step_count".into(), (self.epoch + 1).to_value()),
            ("base_lrs".into(), self.base_lrs.to_value()),
            ("_last_lr".into(), self.last_lr.to_value()),
        ]
        .into()
    }

    /// Takes `state` over. The learning rate itself is part of the optimizer's state.
    ///
    /// # Errors
    /// If an entry is missing, of another kind, or for another number of groups. The scheduler is then unchanged.
    #[track_caller]
    pub fn load_state_dict(&mut self, state: &Dict) -> Result<()> {
        let location = Location::caller();
        let read = || -> Result<(usize, Vec<f64>, Vec<f64>), StateFault> {
            let read = (entry(state, "last_epoch")?, entry(state, "base_lrs")?, entry(state, "_last_lr")?);
            let (_, base_lrs, last_lr): &(usize, Vec<f64>, Vec<f64>) = &read;
            for (key, list) in [("base_lrs", base_lrs), ("_last_lr", last_lr)] {
                if list.len() != self.base_lrs.len() {
                    let found = format!("a list of {}", list.len());
                    let expected = format!("one number for each of {} groups", self.base_lrs.len());
                    return Err(StateFault::Value { key: key.into(), found, expected });
                }
            }
            Ok(read)
        };
        let (epoch, base_lrs, last_lr) =
            read().map_err(|reason| reason.of(self.schedule.name(), location))?;
        (self.epoch, self.base_lrs, self.last_lr) = (epoch, base_lrs, last_lr);
        Ok(())
    }
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scheduler({}, epoch {}, lr {:?})", self.schedule.name(), self.epoch, self.last_lr)
    }
}

/// A number for all groups, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub enum PerGroup {
    /// The same for all.
    All(f64),
    /// One for each group.
    Each(Vec<f64>),
}

impl PerGroup {
    /// The number of a group.
    pub(crate) fn at(&self, group: usize) -> f64 {
        match self {
            Self::All(x) => *x,
            Self::Each(list) => list.get(group).copied().unwrap_or(f64::NAN),
        }
    }

    /// Whether there is a number for each group.
    pub(crate) fn check(&self, what: &'static str, groups: usize) -> Result<(), Invalid> {
        let fits = !matches!(self, Self::Each(list) if list.len() != groups);
        Invalid::unless(fits, what, self, "one number, or as many as there are groups")
    }
}

impl From<f64> for PerGroup {
    fn from(x: f64) -> Self {
        Self::All(x)
    }
}

impl From<Vec<f64>> for PerGroup {
    fn from(list: Vec<f64>) -> Self {
        Self::Each(list)
    }
}

/// How a schedule goes from one value to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anneal {
    /// Along half a cosine.
    Cos,
    /// Along a line.
    Linear,
}

/// Whether the optimizer has a momentum to cycle.
pub(crate) fn check_momentum(cycle: bool, groups: &[Rates]) -> Result<(), Invalid> {
    let has = groups.iter().all(|rates| rates.momentum.is_some());
    let expected = "false: optimizer must support momentum or beta1 with `cycle_momentum` option enabled";
    Invalid::unless(!cycle || has, "cycle_momentum", cycle, expected)
}
