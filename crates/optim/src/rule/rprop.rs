//! Resilient backpropagation.

use super::{Gradient, Rule, Slot, Step, check};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Resilient backpropagation, for whole batches: `torch.optim.Rprop`.
///
/// ```text
/// s = clamp(s * (η₊ if g * g' > 0,  η₋ if g * g' < 0,  else 1), step_sizes)
/// g = 0 where g * g' < 0
/// p = p - sign(g) * s,   g' = g
/// ```
///
/// Keeps `step`, `prev` (g') and `step_size` (s), which starts at `lr`; later changes of the learning rate do nothing.
/// Riedmiller and Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm" (1993).
pub type Rprop = PerParameter<RpropOptions>;

crate::options! {
    /// Options of [`Rprop`].
    pub struct RpropOptions {
        /// Learning rate.
        lr: f64 = 1e-2,
        /// Factors of the step after a change of sign, and without one.
        etas: (f64, f64) = (0.5, 1.2),
        /// Smallest and largest step.
        step_sizes: (f64, f64) = (1e-6, 50.0),
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for RpropOptions {
    const NAME: &'static str = "Rprop";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[Slot::Number("step"), Slot::Buffer("prev"), Slot::Buffer("step_size")]
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        let (minus, plus) = self.etas;
        let holds = 0.0 < minus && minus < 1.0 && 1.0 < plus;
        Invalid::unless(holds, "eta values", self.etas, "0 < etas.0 < 1 < etas.1")
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        step.count();
        step.init("step_size", self.lr)?;
        let gradient = Gradient::new(self.maximize, 0.0);
        let [minus, plus] = F::array(self.etas.into());
        let [least, most] = F::array(self.step_sizes.into());
        step.each(["prev", "step_size"], |p, g, [before, size]| {
            let g = gradient.at(p, g);
            let turn = (g * before).sign();
            let factor = if turn > F::ZERO {
                plus
            } else if turn < F::ZERO {
                minus
            } else {
                F::ONE
            };
            let size = (size * factor).max(least).min(most);
            let g = if turn < F::ZERO { F::ZERO } else { g };
            (p - g.sign() * size, [g, size])
        })
    }
}
