//! RMSprop.

use super::{Gradient, Rule, Slot, Step, check};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// RMSprop: `torch.optim.RMSprop`.
///
/// ```text
/// g = ±g + weight_decay * p
/// v = alpha * v + (1 - alpha) * g²
/// a = sqrt(v) + eps
/// p = p - lr * g / a
/// ```
///
/// With `centered` the root is of `v - m²`, where `m = alpha * m + (1 - alpha) * g`, an estimate of the variance. With
/// `momentum` the last line is `b = momentum * b + g / a; p = p - lr * b`. Keeps `step`, `square_avg` (v), and where they
/// are used `momentum_buffer` (b) and `grad_avg` (m). Tieleman and Hinton, "Lecture 6.5 - rmsprop" (2012); `centered`:
/// Graves, "Generating Sequences With Recurrent Neural Networks" (2013). `eps` is added after the root, as in PyTorch.
pub type RMSprop = PerParameter<RMSpropOptions>;

crate::options! {
    /// Options of [`RMSprop`].
    pub struct RMSpropOptions {
        /// Learning rate.
        lr: f64 = 1e-2,
        /// Share of the old mean of squares.
        alpha: f64 = 0.99,
        /// Added to the root.
        eps: f64 = 1e-8,
        /// Factor of the L2 penalty.
        weight_decay: f64 = 0.0,
        /// Share of the buffer that is kept.
        momentum: f64 = 0.0,
        /// Whether the squared mean of the gradients is taken off the mean of squares.
        centered: bool = false,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for RMSpropOptions {
    const NAME: &'static str = "RMSprop";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        const STEP: Slot = Slot::Number("step");
        const SQUARE: Slot = Slot::Buffer("square_avg");
        const MOMENTUM: Slot = Slot::Buffer("momentum_buffer");
        const MEAN: Slot = Slot::Buffer("grad_avg");
        match (self.momentum > 0.0, self.centered) {
            (false, false) => &[STEP, SQUARE],
            (true, false) => &[STEP, SQUARE, MOMENTUM],
            (false, true) => &[STEP, SQUARE, MEAN],
            (true, true) => &[STEP, SQUARE, MOMENTUM, MEAN],
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        check::eps(self.eps)?;
        Invalid::unless(self.momentum >= 0.0, "momentum value", self.momentum, "momentum >= 0")?;
        check::weight_decay(self.weight_decay)?;
        Invalid::unless(self.alpha >= 0.0, "alpha value", self.alpha, "alpha >= 0")
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        step.count();
        let gradient = Gradient::new(self.maximize, self.weight_decay);
        let [keep, fresh, eps] = F::array([self.alpha, 1.0 - self.alpha, self.eps]);
        let [rate, momentum] = F::array([-self.lr, self.momentum]);
        let square = move |v: F, g: F| v * keep + fresh * g * g;
        let spread = move |v: F, m: F| (v - m * m).sqrt() + eps;
        match (self.momentum > 0.0, self.centered) {
            (false, false) => step.each(["square_avg"], |p, g, [v]| {
                let g = gradient.at(p, g);
                let v = square(v, g);
                (p + rate * g / (v.sqrt() + eps), [v])
            }),
            (true, false) => step.each(["square_avg", "momentum_buffer"], |p, g, [v, b]| {
                let g = gradient.at(p, g);
                let v = square(v, g);
                let b = b * momentum + g / (v.sqrt() + eps);
                (p + rate * b, [v, b])
            }),
            (false, true) => step.each(["square_avg", "grad_avg"], |p, g, [v, m]| {
                let g = gradient.at(p, g);
                let (v, m) = (square(v, g), m.lerp(g, fresh));
                (p + rate * g / spread(v, m), [v, m])
            }),
            (true, true) => step.each(["square_avg", "momentum_buffer", "grad_avg"], |p, g, [v, b, m]| {
                let g = gradient.at(p, g);
                let (v, m) = (square(v, g), m.lerp(g, fresh));
                let b = b * momentum + g / spread(v, m);
                (p + rate * b, [v, b, m])
            }),
        }
    }
}
