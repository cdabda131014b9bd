//! Adadelta.

use super::{Gradient, Rule, Slot, Step, check};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Adadelta: `torch.optim.Adadelta`.
///
/// ```text
/// g = ±g + weight_decay * p
/// v = rho * v + (1 - rho) * g²
/// d = sqrt(u + eps) / sqrt(v + eps) * g
/// u = rho * u + (1 - rho) * d²
/// p = p - lr * d
/// ```
///
/// Keeps `step`, `square_avg` (v) and `acc_delta` (u). Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012), with a
/// learning rate in front as in PyTorch.
pub type Adadelta = PerParameter<AdadeltaOptions>;

crate::options! {
    /// Options of [`Adadelta`].
    pub struct AdadeltaOptions {
        /// Learning rate.
        lr: f64 = 1.0,
        /// Share of the old means of squares.
        rho: f64 = 0.9,
        /// Added to the squares under the roots.
        eps: f64 = 1e-6,
        /// Factor of the L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for AdadeltaOptions {
    const NAME: &'static str = "Adadelta";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[Slot::Number("step"), Slot::Buffer("square_avg"), Slot::Buffer("acc_delta")]
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        Invalid::unless((0.0..=1.0).contains(&self.rho), "rho value", self.rho, "0 <= rho <= 1")?;
        check::eps(self.eps)?;
        check::weight_decay(self.weight_decay)
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        step.count();
        let gradient = Gradient::new(self.maximize, self.weight_decay);
        let [rate, keep, fresh, eps] = F::array([-self.lr, self.rho, 1.0 - self.rho, self.eps]);
        step.each(["square_avg", "acc_delta"], |p, g, [v, u]| {
            let g = gradient.at(p, g);
            let v = v * keep + fresh * g * g;
            let d = (u + eps).sqrt() / (v + eps).sqrt() * g;
            (p + rate * d, [v, u * keep + fresh * d * d])
        })
    }
}
