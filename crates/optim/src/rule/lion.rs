//! Lion.

use super::{Rule, Slot, Step, check, decay};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Lion, sign descent with two means. PyTorch has none; this is the published algorithm with its defaults.
///
/// ```text
/// u = sign(beta1 * m + (1 - beta1) * g)
/// p = p * (1 - lr * weight_decay) - lr * u
/// m = beta2 * m + (1 - beta2) * g
/// ```
///
/// Keeps `exp_avg` (m). Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023). Its steps are larger than
/// Adam's: a learning rate 3 to 10 times smaller and a decay as many times larger fit.
pub type Lion = PerParameter<LionOptions>;

crate::options! {
    /// Options of [`Lion`].
    pub struct LionOptions {
        /// Learning rate.
        lr: f64 = 1e-4,
        /// Shares of the old mean in the step and in the next mean.
        betas: (f64, f64) = (0.9, 0.99),
        /// Factor of the decoupled weight decay.
        weight_decay: f64 = 0.0,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for LionOptions {
    const NAME: &'static str = "Lion";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[Slot::Buffer("exp_avg")]
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        check::betas(self.betas)?;
        check::weight_decay(self.weight_decay)
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        let (gradient, shrink) = decay(self.maximize, self.weight_decay, true, self.lr);
        let (beta1, beta2) = self.betas;
        let [lr, keep, fresh, fresh_next] = F::array([self.lr, beta1, 1.0 - beta1, 1.0 - beta2]);
        step.each(["exp_avg"], |p, g, [m]| {
            let g = gradient.at(p, g);
            let direction = (keep * m + fresh * g).sign();
            (p * shrink - lr * direction, [m.lerp(g, fresh_next)])
        })
    }
}
