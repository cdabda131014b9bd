//! Adamax.

use super::{Gradient, Rule, Slot, Step, check};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Adamax, Adam with the infinity norm: `torch.optim.Adamax`.
///
/// ```text
/// g = ±g + weight_decay * p
/// m = beta1 * m + (1 - beta1) * g
/// u = max(beta2 * u, |g| + eps)
/// p = p - lr / (1 - beta1^t) * m / u
/// ```
///
/// Keeps `step` (t), `exp_avg` (m) and `exp_inf` (u). Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2014);
/// `eps` inside the maximum as in PyTorch.
pub type Adamax = PerParameter<AdamaxOptions>;

crate::options! {
    /// Options of [`Adamax`].
    pub struct AdamaxOptions {
        /// Learning rate.
        lr: f64 = 2e-3,
        /// Shares of the old mean of the gradients and of the old norm.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the absolute gradient.
        eps: f64 = 1e-8,
        /// Factor of the L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for AdamaxOptions {
    const NAME: &'static str = "Adamax";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[Slot::Number("step"), Slot::Buffer("exp_avg"), Slot::Buffer("exp_inf")]
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
        let gradient = Gradient::new(self.maximize, self.weight_decay);
        let [rate, fresh, keep, eps] =
            F::array([-(self.lr / (1.0 - beta1.powf(t))), 1.0 - beta1, beta2, self.eps]);
        step.each(["exp_avg", "exp_inf"], |p, g, [m, u]| {
            let g = gradient.at(p, g);
            let (m, u) = (m.lerp(g, fresh), (u * keep).max(g.abs() + eps));
            (p + rate * m / u, [m, u])
        })
    }
}
