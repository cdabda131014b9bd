//! Adam with Nesterov momentum.

use super::{Rule, Slot, Step, check, decay};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Adam with Nesterov momentum: `torch.optim.NAdam`.
///
/// ```text
/// μ_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2),   Μ_t = μ_1 * ... * μ_t
/// g = ±g + weight_decay * p                   (decoupled: p = p * (1 - lr * weight_decay) instead)
/// m = beta1 * m + (1 - beta1) * g
/// v = beta2 * v + (1 - beta2) * g²
/// a = sqrt(v / (1 - beta2^t)) + eps
/// p = p - lr * (1 - μ_t) / (1 - Μ_t) * g / a - lr * μ_{t+1} / (1 - Μ_{t+1}) * m / a
/// ```
///
/// Keeps `step` (t), `mu_product` (Μ_t, in the parameter's precision), `exp_avg` (m) and `exp_avg_sq` (v). Dozat,
/// "Incorporating Nesterov Momentum into Adam" (2016).
pub type NAdam = PerParameter<NAdamOptions>;

crate::options! {
    /// Options of [`NAdam`].
    pub struct NAdamOptions {
        /// Learning rate.
        lr: f64 = 2e-3,
        /// Shares of the old mean of the gradients and of their squares.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the root.
        eps: f64 = 1e-8,
        /// Factor of the weight decay.
        weight_decay: f64 = 0.0,
        /// How fast the momentum grows towards `beta1`.
        momentum_decay: f64 = 4e-3,
        /// Whether weight decay shrinks the parameter, instead of entering the gradient.
        decoupled_weight_decay: bool = false,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for NAdamOptions {
    const NAME: &'static str = "NAdam";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[
            Slot::Number("step"),
            Slot::Number("mu_product"),
            Slot::Buffer("exp_avg"),
            Slot::Buffer("exp_avg_sq"),
        ]
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        check::eps(self.eps)?;
        check::betas(self.betas)?;
        check::weight_decay(self.weight_decay)?;
        Invalid::unless(
            self.momentum_decay >= 0.0,
            "momentum_decay value",
            self.momentum_decay,
            "momentum_decay >= 0",
        )
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        let t = step.count();
        let (beta1, beta2) = self.betas;
        let mu_at = |t: f64| beta1 * (1.0 - 0.5 * 0.96f64.powf(t * self.momentum_decay));
        let (mu, mu_next) = (mu_at(t), mu_at(t + 1.0));
        let kept = step.number("mu_product", 1.0);
        let [old, factor] = F::array([*kept, mu]);
        *kept = (old * factor).to_f64();
        let product = *kept;
        let (gradient, shrink) =
            decay(self.maximize, self.weight_decay, self.decoupled_weight_decay, self.lr);
        let [fresh1, keep2, fresh2] = F::array([1.0 - beta1, beta2, 1.0 - beta2]);
        let [correction, eps] = F::array([1.0 - beta2.powf(t), self.eps]);
        let of_gradient = -self.lr * (1.0 - mu) / (1.0 - product);
        let of_mean = -self.lr * mu_next / (1.0 - product * mu_next);
        let [of_gradient, of_mean] = F::array([of_gradient, of_mean]);
        step.each(["exp_avg", "exp_avg_sq"], |p, g, [m, v]| {
            let g = gradient.at(p, g);
            let (m, v) = (m.lerp(g, fresh1), v * keep2 + fresh2 * g * g);
            let a = (v / correction).sqrt() + eps;
            (p * shrink + of_gradient * g / a + of_mean * m / a, [m, v])
        })
    }
}
