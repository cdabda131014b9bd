//! Gradients over several batches before a step.

use crate::clip::{Change, map_grad};
use crate::{Invalid, NamedParameter, Result};
use std::panic::Location;

/// Counts batches whose gradients add up, and makes their sum a mean when a step is due: the step is that of a batch
/// as large as all of them. The last group of an epoch may be smaller; it is the mean over its own batches, so each
/// of them weighs more than in a full group.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{Accumulation, Optimizer, SGD};
///
/// let w = Parameter::new(Tensor::scalar(0.0f64)?)?;
/// let mut opt = SGD::new([w.clone()], 1.0)?;
/// let mut accumulation = Accumulation::new(2)?;
/// for target in [1.0, 3.0, 10.0] {
///     w.var().mul_scalar(-target)?.backward()?;
///     if accumulation.ready(opt.named_parameters())? {
///         opt.step()?;
///         opt.zero_grad();
///     }
/// }
/// assert_eq!(w.value().item::<f64>()?, 2.0);
/// if accumulation.flush(opt.named_parameters())? {
///     opt.step()?;
///     opt.zero_grad();
/// }
/// assert_eq!(w.value().item::<f64>()?, 12.0);
/// # Ok::<(), optim::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Accumulation {
    every: usize,
    count: usize,
}

impl Accumulation {
    /// A step after every `every` batches.
    ///
    /// # Errors
    /// If `every` is 0.
    #[track_caller]
    pub fn new(every: usize) -> Result<Self> {
        let location = Location::caller();
        Invalid::unless(every > 0, "number of batches", every, "at least 1")
            .map_err(|invalid| invalid.of("Accumulation", location))?;
        Ok(Self { every, count: 0 })
    }

    /// The batches since the last step.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Counts a batch, after its backward. True if the group is full: the gradients are then its mean, and a step is
    /// due.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn ready(&mut self, params: impl IntoIterator<Item = impl Into<NamedParameter>>) -> Result<bool> {
        self.count += 1;
        if self.count < self.every {
            return Ok(false);
        }
        self.flush(params)
    }

    /// Ends the group, full or not. True if there is one: the gradients are then the mean over its batches, and a step
    /// is due.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn flush(&mut self, params: impl IntoIterator<Item = impl Into<NamedParameter>>) -> Result<bool> {
        let count = std::mem::take(&mut self.count);
        if count > 1 {
            for named in NamedParameter::list(params) {
                map_grad(&named, Change::Scale(1.0 / count as f64))?;
            }
        }
        Ok(count > 0)
    }
}
