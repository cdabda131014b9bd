//! A look at one batch before the run.

use super::{Output, Trainer};
use crate::{Finding, Result};

impl Trainer<'_> {
    /// Computes the loss and the gradients of a batch as [`fit`](Trainer::fit) does and says what looks like a bug: see
    /// [`diagnose`](crate::diagnose). What `fit` does itself (clearing gradients, the order of optimizer and schedule,
    /// evaluation in validation) cannot be wrong here. Nothing is stepped; gradients are cleared, and parameters,
    /// buffers and generators are as they were.
    ///
    /// # Errors
    /// Those of `step`.
    pub fn diagnose<B>(&mut self, batch: B, step: impl FnOnce(B) -> Result<Output>) -> Result<Vec<Finding>> {
        let model = self.model.state_dict();
        let rngs: Vec<_> = self.rngs.iter().map(|rng| rng.state()).collect();
        self.optimizer.zero_grad();
        let found = crate::diagnose(self.model, self.optimizer, |_| Ok(step(batch)?.loss.backward()?));
        self.optimizer.zero_grad();
        self.model.load_state_dict(&model, true)?;
        for (rng, state) in self.rngs.iter().zip(&rngs) {
            rng.set_state(state)?;
        }
        found
    }
}
