//! Scaling of the loss against underflow of small gradients.

use crate::clip::{Change, map_grad};
use crate::value::entry;
use crate::{Dict, Optimizer, OptionValue, Result, StateFault};
use autograd::Var;
use std::panic::Location;

/// Scales the loss, so that small gradients do not underflow, and skips steps whose gradients are not finite:
/// `torch.amp.GradScaler`. A skipped step leaves parameters and state untouched to the last bit, and the scale falls.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{GradScaler, Optimizer, SGD};
///
/// let w = Parameter::new(Tensor::scalar(1.0f32)?)?;
/// let mut opt = SGD::new([w.clone()], 0.5)?;
/// let mut scaler = GradScaler::new(Default::default());
/// let loss = w.var().mul(&w.var())?;
/// opt.zero_grad();
/// scaler.scale(&loss)?.backward()?;
/// assert!(scaler.step(&mut opt)?);
/// scaler.update();
/// assert_eq!(w.value().item::<f32>()?, 0.0);
/// # Ok::<(), optim::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GradScaler {
    options: GradScalerOptions,
    scale: f64,
    growth_tracker: usize,
    /// Whether the gradients of the optimizer that steps next are unscaled, and if so, whether they are finite.
    unscaled: Option<bool>,
    /// Whether any optimizer met a gradient that is not finite since the last update.
    found_inf: bool,
}

/// Settings of a [`GradScaler`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradScalerOptions {
    /// The scale at the start; default 65536.
    pub init_scale: f64,
    /// Growth of the scale after `growth_interval` steps in a row that were made; default 2.
    pub growth_factor: f64,
    /// Factor of the scale after a step that was skipped; default 0.5.
    pub backoff_factor: f64,
    /// Steps to the next growth; default 2000.
    pub growth_interval: usize,
}

impl Default for GradScalerOptions {
    fn default() -> Self {
        Self { init_scale: 65536.0, growth_factor: 2.0, backoff_factor: 0.5, growth_interval: 2000 }
    }
}

impl GradScaler {
    /// A scaler with these settings.
    pub fn new(options: GradScalerOptions) -> Self {
        Self { options, scale: options.init_scale, growth_tracker: 0, unscaled: None, found_inf: false }
    }

    /// The present scale.
    pub fn get_scale(&self) -> f64 {
        self.scale
    }

    /// The loss to call backward on.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn scale(&self, loss: &Var) -> Result<Var> {
        Ok(loss.mul_scalar(self.scale)?)
    }

    /// Divides the optimizer's gradients by the scale: before they are clipped. [`step`](GradScaler::step) does it
    /// where it was not done. Between this and the step no other optimizer may be stepped.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn unscale(&mut self, optimizer: &dyn Optimizer) -> Result<()> {
        if self.unscaled.is_some() {
            return Ok(());
        }
        let mut finite = true;
        for named in optimizer.named_parameters() {
            finite &= named.parameter.grad().map_or(Ok(true), |grad| grad.is_finite())?;
            map_grad(&named, Change::Scale(1.0 / self.scale))?;
        }
        self.unscaled = Some(finite);
        Ok(())
    }

    /// Steps, unless a gradient is infinite or NaN; true if it stepped.
    ///
    /// # Errors
    /// Those of the optimizer's step.
    #[track_caller]
    pub fn step(&mut self, optimizer: &mut dyn Optimizer) -> Result<bool> {
        self.unscale(optimizer)?;
        let finite = self.unscaled.take().unwrap_or(false);
        self.found_inf |= !finite;
        if finite {
            optimizer.step()?;
        }
        Ok(finite)
    }

    /// Sets the scale for the next iteration: after the steps of all optimizers.
    pub fn update(&mut self) {
        if std::mem::take(&mut self.found_inf) {
            self.scale *= self.options.backoff_factor;
            self.growth_tracker = 0;
            return;
        }
        self.growth_tracker += 1;
        if self.growth_tracker >= self.options.growth_interval {
            // PyTorch keeps the scale in f32 and does not let it grow beyond.
            let grown = self.scale * self.options.growth_factor;
            self.scale = if grown <= f64::from(f32::MAX) { grown } else { self.scale };
            self.growth_tracker = 0;
        }
    }

    /// The state under PyTorch's keys.
    pub fn state_dict(&self) -> Dict {
        [
            ("scale".into(), self.scale.to_value()),
            ("growth_factor".into(), self.options.growth_factor.to_value()),
            ("backoff_factor".into(), self.options.backoff_factor.to_value()),
            ("growth_interval".into(), self.options.growth_interval.to_value()),
            ("_growth_tracker".into(), self.growth_tracker.to_value()),
        ]
        .into()
    }

    /// Takes `state` over.
    ///
    /// # Errors
    /// If an entry is missing or of another kind. Nothing is then changed.
    #[track_caller]
    pub fn load_state_dict(&mut self, state: &Dict) -> Result<()> {
        let location = Location::caller();
        let read = || -> Result<Self, StateFault> {
            let scale = entry(state, "scale")?;
            let options = GradScalerOptions {
                init_scale: scale,
                growth_factor: entry(state, "growth_factor")?,
                backoff_factor: entry(state, "backoff_factor")?,
                growth_interval: entry(state, "growth_interval")?,
            };
            let growth_tracker = entry(state, "_growth_tracker")?;
            Ok(Self { scale, growth_tracker, ..Self::new(options) })
        };
        *self = read().map_err(|reason| reason.of("GradScaler", location))?;
        Ok(())
    }
}
