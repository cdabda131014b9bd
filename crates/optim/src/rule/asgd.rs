//! Averaged stochastic gradient descent.

use super::{Gradient, Rule, Slot, Step, check};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Averaged stochastic gradient descent: `torch.optim.ASGD`.
///
/// ```text
/// g = ±g + weight_decay * p
/// p = p * (1 - lambd * η) - η * g
/// x = x + μ * (p - x)                         (x = p while μ = 1)
/// η = lr / (1 + lambd * lr * t)^alpha,   μ = 1 / max(1, t - t0)      for the next step
/// ```
///
/// Keeps `step` (t), `eta` (η, in the parameter's precision), `mu` (μ) and `ax` (x), the average that is the result;
/// reading it is the user's part, as in PyTorch. Polyak and Juditsky, "Acceleration of stochastic approximation by
/// averaging" (1992).
pub type ASGD = PerParameter<ASGDOptions>;

crate::options! {
    /// Options of [`ASGD`].
    pub struct ASGDOptions {
        /// Learning rate.
        lr: f64 = 1e-2,
        /// Factor of the decay towards 0.
        lambd: f64 = 1e-4,
        /// How fast the learning rate falls.
        alpha: f64 = 0.75,
        /// The step at which averaging begins.
        t0: f64 = 1e6,
        /// Factor of the L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for ASGDOptions {
    const NAME: &'static str = "ASGD";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[Slot::Number("step"), Slot::Number("eta"), Slot::Number("mu"), Slot::Buffer("ax")]
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        Invalid::unless(self.lambd >= 0.0, "lambd value", self.lambd, "lambd >= 0")?;
        Invalid::unless(self.alpha >= 0.0, "alpha value", self.alpha, "alpha >= 0")?;
        check::weight_decay(self.weight_decay)
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        let t = step.count();
        let round = |x: f64| F::array([x])[0].to_f64();
        let next_eta = round(self.lr / (1.0 + self.lambd * self.lr * t).powf(self.alpha));
        let next_mu = round(1.0 / f64::max(1.0, t - self.t0));
        let eta = std::mem::replace(step.number("eta", round(self.lr)), next_eta);
        let mu = std::mem::replace(step.number("mu", 1.0), next_mu);
        let gradient = Gradient::new(self.maximize, self.weight_decay);
        let [shrink, rate, mu] = F::array([1.0 - self.lambd * eta, -eta, mu]);
        step.each(["ax"], |p, g, [x]| {
            let g = gradient.at(p, g);
            let p = p * shrink + rate * g;
            (p, [if mu == F::ONE { p } else { x + (p - x) * mu }])
        })
    }
}
