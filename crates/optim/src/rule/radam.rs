//! Adam with a rectified variance.

use super::{Rule, Slot, Step, check, decay};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Adam that is momentum descent until the variance of its step is known: `torch.optim.RAdam`.
///
/// ```text
/// g = ±g + weight_decay * p                   (decoupled: p = p * (1 - lr * weight_decay) instead)
/// m = beta1 * m + (1 - beta1) * g
/// v = beta2 * v + (1 - beta2) * g²
/// ρ∞ = 2 / (1 - beta2) - 1,   ρ = ρ∞ - 2 * t * beta2^t / (1 - beta2^t)
/// r = sqrt((ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ))
/// p = p - lr * m / (1 - beta1^t) * (r * sqrt(1 - beta2^t) / (sqrt(v) + eps)  if ρ > 5  else  1)
/// ```
///
/// Keeps `step` (t), `exp_avg` (m) and `exp_avg_sq` (v). Liu et al., "On the Variance of the Adaptive Learning Rate and
/// Beyond" (2019).
pub type RAdam = PerParameter<RAdamOptions>;

crate::options! {
    /// Options of [`RAdam`].
    pub struct RAdamOptions {
        /// Learning rate.
        lr: f64 = 1e-3,
        /// Shares of the old mean of the gradients and of their squares.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the root.
        eps: f64 = 1e-8,
        /// Factor of the weight decay.
        weight_decay: f64 = 0.0,
        /// Whether weight decay shrinks the parameter, instead of entering the gradient.
        decoupled_weight_decay: bool = false,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for RAdamOptions {
    const NAME: &'static str = "RAdam";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[Slot::Number("step"), Slot::Buffer("exp_avg"), Slot::Buffer("exp_avg_sq")]
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        check::eps(self.eps)?;
        check::betas(self.betas)?;
        check::weight_decay(self.weight_decay)
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        let t = step.count();
        let (beta1, beta2) = self.betas;
        let (correction1, correction2) = (1.0 - beta1.powf(t), 1.0 - beta2.powf(t));
        let limit = 2.0 / (1.0 - beta2) - 1.0;
        let length = limit - 2.0 * t * beta2.powf(t) / correction2;
        let rectify =
            ((length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length)).sqrt();
        let (gradient, shrink) =
            decay(self.maximize, self.weight_decay, self.decoupled_weight_decay, self.lr);
        let [fresh1, keep2, fresh2] = F::array([1.0 - beta1, beta2, 1.0 - beta2]);
        let [correction1, root, rectify] = F::array([correction1, correction2.sqrt(), rectify]);
        let [lr, eps] = F::array([self.lr, self.eps]);
        let known = length > 5.0;
        step.each(["exp_avg", "exp_avg_sq"], |p, g, [m, v]| {
            let g = gradient.at(p, g);
            let (m, v) = (m.lerp(g, fresh1), v * keep2 + fresh2 * g * g);
            let mean = m / correction1 * lr;
            let update = if known { mean * (root / (v.sqrt() + eps)) * rectify } else { mean };
            (p * shrink - update, [m, v])
        })
    }
}
