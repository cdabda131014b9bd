//! Stochastic gradient descent.

use super::{Gradient, Rule, Slot, Step, check};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Stochastic gradient descent with momentum: `torch.optim.SGD`.
///
/// ```text
/// d = ±g + weight_decay * p
/// b = momentum * b + (1 - dampening) * d      (b = d in the first step)
/// p = p - lr * (d + momentum * b  if nesterov  else  b)
/// ```
///
/// Without momentum `p = p - lr * d` and nothing is kept. Keeps `momentum_buffer`. After Sutskever et al., "On the
/// importance of initialization and momentum in deep learning" (2013), but with the learning rate outside the buffer,
/// as in PyTorch.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{Optimizer, SGD, SGDOptions};
///
/// let w = Parameter::new(Tensor::scalar(1.0f64)?)?;
/// let mut opt = SGD::new([w.clone()], SGDOptions { momentum: 0.9, ..0.1.into() })?;
/// for _ in 0..2 {
///     opt.zero_grad();
///     w.var().mul(&w.var())?.backward()?;
///     opt.step()?;
/// }
/// assert!((w.value().item::<f64>()? - 0.46).abs() < 1e-15);
/// # Ok::<(), optim::Error>(())
/// ```
pub type SGD = PerParameter<SGDOptions>;

crate::options! {
    /// Options of [`SGD`].
    pub struct SGDOptions {
        /// Learning rate.
        lr: f64 = 1e-3,
        /// Share of the buffer that is kept.
        momentum: f64 = 0.0,
        /// Share of the gradient that does not enter the buffer.
        dampening: f64 = 0.0,
        /// Factor of the L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to look one step of the buffer ahead.
        nesterov: bool = false,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for SGDOptions {
    const NAME: &'static str = "SGD";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        if self.momentum == 0.0 { &[] } else { &[Slot::Buffer("momentum_buffer")] }
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        Invalid::unless(self.momentum >= 0.0, "momentum value", self.momentum, "momentum >= 0")?;
        check::weight_decay(self.weight_decay)?;
        Invalid::unless(
            !self.nesterov || (self.momentum > 0.0 && self.dampening == 0.0),
            "momentum and dampening",
            (self.momentum, self.dampening),
            "another choice: Nesterov momentum requires a momentum and zero dampening",
        )
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        let gradient = Gradient::new(self.maximize, self.weight_decay);
        let [lr, momentum, fresh] = F::array([self.lr, self.momentum, 1.0 - self.dampening]);
        if self.momentum == 0.0 {
            return step.each([], |p, g, []| (p - lr * gradient.at(p, g), []));
        }
        let nesterov = self.nesterov;
        let ahead = move |d: F, b: F| if nesterov { d + momentum * b } else { b };
        if step.init("momentum_buffer", 0.0)? {
            return step.each(["momentum_buffer"], |p, g, _| {
                let d = gradient.at(p, g);
                (p - lr * ahead(d, d), [d])
            });
        }
        step.each(["momentum_buffer"], |p, g, [b]| {
            let d = gradient.at(p, g);
            let b = b * momentum + fresh * d;
            (p - lr * ahead(d, b), [b])
        })
    }
}
