//! What listens to a run: one trait.

use crate::Result;
use crate::optim::schedule::Mode;
use optim::{Dict, OptionValue};
use std::collections::BTreeMap;

/// Numbers by name: losses, metrics, the learning rate.
pub type Values = BTreeMap<String, f64>;

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It goes on.
    Continue,
    /// It ends after what is under way, as if it had reached its limit.
    Stop,
}

/// What a callback is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The epoch, counted from 0.
    pub epoch: usize,
    /// The optimizer's steps so far.
    pub step: usize,
    /// After a step: its loss, learning rate and gradient norm. After an epoch: the means over it and the validation's
    /// values.
    pub values: &'a Values,
}

/// Listens to a [`Trainer`](crate::Trainer). All methods but the name may be left out. What a callback remembers goes
/// into checkpoints by [`state_dict`](Callback::state_dict).
pub trait Callback {
    /// The name in checkpoints and in the reason for an end; no two callbacks of a run have the same.
    fn name(&self) -> &str;

    /// After each step of the optimizer.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_step(&mut self, _event: &Event<'_>) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    /// After each epoch and its validation.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_epoch(&mut self, _event: &Event<'_>) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    /// At the end of the run.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_end(&mut self, _event: &Event<'_>) -> Result<()> {
        Ok(())
    }

    /// What it remembers.
    fn state_dict(&self) -> Dict {
        Dict::new()
    }

    /// Takes over what it remembered.
    ///
    /// # Errors
    /// If `state` is none of its own.
    fn load_state_dict(&mut self, _state: &Dict) -> Result<()> {
        Ok(())
    }
}

/// Whether `value` is better than `best` by more than `min_delta`. NaN is never better.
pub(crate) fn is_better(mode: Mode, value: f64, best: Option<f64>, min_delta: f64) -> bool {
    let Some(best) = best else { return !value.is_nan() };
    match mode {
        Mode::Min => value < best - min_delta,
        Mode::Max => value > best + min_delta,
    }
}

/// Ends a run whose value has not got better for more than `patience` epochs in a row, or is NaN.
///
/// ```
/// use train::{EarlyStopping, optim::schedule::Mode};
///
/// let stop = EarlyStopping::new("val_accuracy", Mode::Max).patience(2);
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    value: String,
    mode: Mode,
    patience: usize,
    min_delta: f64,
    best: Option<f64>,
    bad_epochs: usize,
}

impl EarlyStopping {
    /// Watches the value of this name, such as `val_loss`.
    pub fn new(value: impl Into<String>, mode: Mode) -> Self {
        Self { value: value.into(), mode, patience: 3, min_delta: 0.0, best: None, bad_epochs: 0 }
    }

    /// Epochs without progress that are borne; default 3.
    pub fn patience(self, patience: usize) -> Self {
        Self { patience, ..self }
    }

    /// What counts as progress: more than this; default 0.
    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }
}

impl Callback for EarlyStopping {
    fn name(&self) -> &str {
        "early stopping"
    }

    fn on_epoch(&mut self, event: &Event<'_>) -> Result<Flow> {
        let known = || event.values.keys().cloned().collect::<Vec<_>>().join(", ");
        let value = event.values.get(&self.value);
        let value = *value.ok_or_else(|| {
            crate::Error::argument("EarlyStopping", "value", &self.value, format!("one of {}", known()))
        })?;
        if is_better(self.mode, value, self.best, self.min_delta) {
            (self.best, self.bad_epochs) = (Some(value), 0);
        } else {
            self.bad_epochs += 1;
        }
        Ok(if value.is_nan() || self.bad_epochs > self.patience { Flow::Stop } else { Flow::Continue })
    }

    fn state_dict(&self) -> Dict {
        [("best".into(), self.best.to_value()), ("bad_epochs".into(), self.bad_epochs.to_value())].into()
    }

    fn load_state_dict(&mut self, state: &Dict) -> Result<()> {
        self.best = crate::checkpoint::entry(state, "best")?;
        self.bad_epochs = crate::checkpoint::entry(state, "bad_epochs")?;
        Ok(())
    }
}
