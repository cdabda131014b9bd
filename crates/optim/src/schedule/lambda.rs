//! Schedules given as functions.

use super::{Rates, Schedule};
use crate::{Invalid, Result};

/// The base times a function of the epoch: `torch.optim.lr_scheduler.LambdaLR`.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{Optimizer, SGD, schedule::{LambdaLR, Scheduler}};
///
/// let mut opt = SGD::new([Parameter::new(Tensor::scalar(1.0f32)?)?], 0.1)?;
/// let mut scheduler = Scheduler::new(&mut opt, LambdaLR::new(|epoch| 0.5f64.powf(epoch as f64)))?;
/// scheduler.step(&mut opt)?;
/// assert_eq!(opt.lr(), 0.05);
/// # Ok::<(), optim::Error>(())
/// ```
pub struct LambdaLR<F>(F);

impl<F: Fn(usize) -> f64 + Send> LambdaLR<F> {
    /// The base times `factor(epoch)`.
    pub fn new(factor: F) -> Self {
        Self(factor)
    }
}

impl<F: Fn(usize) -> f64 + Send> Schedule for LambdaLR<F> {
    fn name(&self) -> &'static str {
        "LambdaLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        Ok(())
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        rates.lr = rates.base_lr * self.0(epoch);
        Ok(())
    }
}

/// Times a function of the epoch, each epoch: `torch.optim.lr_scheduler.MultiplicativeLR`. Behind another schedule it
/// goes on from that one's last learning rate.
pub struct MultiplicativeLR<F>(F);

impl<F: Fn(usize) -> f64 + Send> MultiplicativeLR<F> {
    /// Times `factor(epoch)` at each epoch from 1 on.
    pub fn new(factor: F) -> Self {
        Self(factor)
    }
}

impl<F: Fn(usize) -> f64 + Send> Schedule for MultiplicativeLR<F> {
    fn name(&self) -> &'static str {
        "MultiplicativeLR"
    }

    fn check(&self, _: &[Rates]) -> Result<(), Invalid> {
        Ok(())
    }

    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        if epoch > 0 {
            rates.lr *= self.0(epoch);
        }
        Ok(())
    }

    fn restart(&self, rates: &mut Rates) -> Result<(), Invalid> {
        // PyTorch multiplies at a milestone too, where the function is asked for epoch 0.
        rates.lr *= self.0(0);
        Ok(())
    }
}
