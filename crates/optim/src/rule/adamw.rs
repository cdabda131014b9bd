//! Adam with decoupled weight decay.

use super::{AdamOptions, Rule, Slot, Step};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Adam with decoupled weight decay: `torch.optim.AdamW`.
///
/// ```text
/// p = p * (1 - lr * weight_decay), then as Adam without weight decay
/// ```
///
/// Keeps what [`Adam`](crate::Adam) keeps. Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2017).
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{AdamW, AdamWOptions, Optimizer};
///
/// let w = Parameter::new(Tensor::scalar(1.0f64)?)?;
/// let mut opt = AdamW::new([w.clone()], AdamWOptions { weight_decay: 0.1, ..1e-3.into() })?;
/// w.var().mul(&w.var())?.backward()?;
/// opt.step()?;
/// assert!((w.value().item::<f64>()? - (1.0 - 1e-4 - 1e-3)).abs() < 1e-10);
/// # Ok::<(), optim::Error>(())
/// ```
pub type AdamW = PerParameter<AdamWOptions>;

crate::options! {
    /// Options of [`AdamW`].
    pub struct AdamWOptions {
        /// Learning rate.
        lr: f64 = 1e-3,
        /// Shares of the old mean of the gradients and of their squares.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the root.
        eps: f64 = 1e-8,
        /// Factor of the weight decay.
        weight_decay: f64 = 1e-2,
        /// Whether the largest mean of squares so far divides.
        amsgrad: bool = false,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl AdamWOptions {
    fn adam(&self) -> AdamOptions {
        let Self { lr, betas, eps, weight_decay, amsgrad, maximize } = *self;
        AdamOptions { lr, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay: true }
    }
}

impl Rule for AdamWOptions {
    const NAME: &'static str = "AdamW";

    fn state(&self, parameter: &Shape) -> &'static [Slot] {
        self.adam().state(parameter)
    }

    fn check(&self) -> Result<(), Invalid> {
        self.adam().check()
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        self.adam().update(step)
    }
}
