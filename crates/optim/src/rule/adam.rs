//! Adam.

use super::{Rule, Slot, Step, check, decay};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// Adam: `torch.optim.Adam`.
///
/// ```text
/// g = ±g + weight_decay * p                   (decoupled: p = p * (1 - lr * weight_decay) instead)
/// m = beta1 * m + (1 - beta1) * g
/// v = beta2 * v + (1 - beta2) * g²
/// p = p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
/// ```
///
/// With `amsgrad` the largest `v` so far takes the place of `v` in the last line. Keeps `step` (t), `exp_avg` (m),
/// `exp_avg_sq` (v) and with `amsgrad` `max_exp_avg_sq`. Kingma and Ba, "Adam: A Method for Stochastic Optimization"
/// (2014); `amsgrad`: Reddi et al., "On the Convergence of Adam and Beyond" (2018). With `weight_decay` the penalty
/// enters the gradient and both means; [`AdamW`](crate::AdamW) takes it off the parameter.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{Adam, Optimizer};
///
/// let w = Parameter::new(Tensor::scalar(1.0f32)?)?;
/// let mut opt = Adam::new([w.clone()], 1e-3)?;
/// opt.zero_grad();
/// w.var().mul(&w.var())?.backward()?;
/// opt.step()?;
/// assert_eq!(w.value().item::<f32>()?, 0.999);
/// # Ok::<(), optim::Error>(())
/// ```
pub type Adam = PerParameter<AdamOptions>;

crate::options! {
    /// Options of [`Adam`].
    pub struct AdamOptions {
        /// Learning rate.
        lr: f64 = 1e-3,
        /// Shares of the old mean of the gradients and of their squares.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the root.
        eps: f64 = 1e-8,
        /// Factor of the weight decay.
        weight_decay: f64 = 0.0,
        /// Whether the largest mean of squares so far divides.
        amsgrad: bool = false,
        /// Whether to climb.
        maximize: bool = false,
        /// Whether weight decay shrinks the parameter, instead of entering the gradient.
        decoupled_weight_decay: bool = false,
    }
}

impl Rule for AdamOptions {
    const NAME: &'static str = "Adam";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        const MEANS: &[Slot] = &[Slot::Number("step"), Slot::Buffer("exp_avg"), Slot::Buffer("exp_avg_sq")];
        const WITH_LARGEST: &[Slot] = &[MEANS[0], MEANS[1], MEANS[2], Slot::Buffer("max_exp_avg_sq")];
        if self.amsgrad { WITH_LARGEST } else { MEANS }
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
        let (gradient, shrink) =
            decay(self.maximize, self.weight_decay, self.decoupled_weight_decay, self.lr);
        let [fresh1, keep2, fresh2] = F::array([1.0 - beta1, beta2, 1.0 - beta2]);
        let rate = -(self.lr / (1.0 - beta1.powf(t)));
        let [rate, root, eps] = F::array([rate, (1.0 - beta2.powf(t)).sqrt(), self.eps]);
        let means = |p: F, g: F, m: F, v: F| {
            let g = gradient.at(p, g);
            (p * shrink, m.lerp(g, fresh1), v * keep2 + fresh2 * g * g)
        };
        let descend = |p: F, m: F, v: F| p + rate * m / (v.sqrt() / root + eps);
        if self.amsgrad {
            return step.each(["exp_avg", "exp_avg_sq", "max_exp_avg_sq"], |p, g, [m, v, largest]| {
                let (p, m, v) = means(p, g, m, v);
                let largest = largest.max(v);
                (descend(p, m, largest), [m, v, largest])
            });
        }
        step.each(["exp_avg", "exp_avg_sq"], |p, g, [m, v]| {
            let (p, m, v) = means(p, g, m, v);
            (descend(p, m, v), [m, v])
        })
    }
}
