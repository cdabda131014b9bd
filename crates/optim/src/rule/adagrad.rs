//! Adagrad.

use super::{Gradient, Rule, Slot, Step, check};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Adagrad: `torch.optim.Adagrad`.
///
/// ```text
/// g = ±g + weight_decay * p
/// s = s + g²
/// p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)
/// ```
///
/// Keeps `step` (t) and `sum` (s), which starts at `initial_accumulator_value`. Duchi et al., "Adaptive Subgradient
/// Methods for Online Learning and Stochastic Optimization" (2011).
pub type Adagrad = PerParameter<AdagradOptions>;

crate::options! {
    /// Options of [`Adagrad`].
    pub struct AdagradOptions {
        /// Learning rate.
        lr: f64 = 1e-2,
        /// How fast the learning rate falls.
        lr_decay: f64 = 0.0,
        /// Factor of the L2 penalty.
        weight_decay: f64 = 0.0,
        /// Where the sum of squares starts.
        initial_accumulator_value: f64 = 0.0,
        /// Added to the root.
        eps: f64 = 1e-10,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for AdagradOptions {
    const NAME: &'static str = "Adagrad";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[Slot::Number("step"), Slot::Buffer("sum")]
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        Invalid::unless(self.lr_decay >= 0.0, "lr_decay value", self.lr_decay, "lr_decay >= 0")?;
        check::weight_decay(self.weight_decay)?;
        let start = self.initial_accumulator_value;
        Invalid::unless(
            start >= 0.0,
            "initial_accumulator_value value",
            start,
            "initial_accumulator_value >= 0",
        )?;
        check::eps(self.eps)
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        let t = step.count();
        step.init("sum", self.initial_accumulator_value)?;
        let gradient = Gradient::new(self.maximize, self.weight_decay);
        let [rate, eps] = F::array([-(self.lr / (1.0 + (t - 1.0) * self.lr_decay)), self.eps]);
        step.each(["sum"], |p, g, [s]| {
            let g = gradient.at(p, g);
            let s = s + g * g;
            (p + rate * g / (s.sqrt() + eps), [s])
        })
    }
}
