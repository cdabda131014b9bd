//! A rule: how one parameter moves. Everything else (groups, hooks, saved state, the loop) is
//! [`PerParameter`](crate::PerParameter)'s.

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod asgd;
mod lion;
mod muon;
mod nadam;
mod radam;
mod rmsprop;
mod rprop;
mod sgd;
mod step;

pub use adadelta::{Adadelta, AdadeltaOptions};
pub use adafactor::{Adafactor, AdafactorOptions};
pub use adagrad::{Adagrad, AdagradOptions};
pub use adam::{Adam, AdamOptions};
pub use adamax::{Adamax, AdamaxOptions};
pub use adamw::{AdamW, AdamWOptions};
pub use asgd::{ASGD, ASGDOptions};
pub use lion::{Lion, LionOptions};
pub use muon::{AdjustLr, Muon, MuonOptions};
pub use nadam::{NAdam, NAdamOptions};
pub use radam::{RAdam, RAdamOptions};
pub use rmsprop::{RMSprop, RMSpropOptions};
pub use rprop::{Rprop, RpropOptions};
pub use sgd::{SGD, SGDOptions};
pub(crate) use step::Kept;
pub use step::{Parts, Step};

use crate::{Invalid, Options, Result};
use tensor_core::Shape;
use tensor_core::step::Real;

/// What a rule keeps for a parameter between steps, under PyTorch's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A number; [`Step::count`] keeps `step`.
    Number(&'static str),
    /// A tensor of the parameter's dtype.
    Buffer(&'static str),
}

impl Slot {
    /// The key.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number(name) | Self::Buffer(name) => name,
        }
    }
}

/// An update rule: its options ([`options!`](crate::options)), what it keeps, and what it does in a step. All else
/// (groups, hooks, skipped parameters, saving and loading, threads) comes with [`PerParameter`](crate::PerParameter).
///
/// A whole optimizer of one's own, sign descent with momentum:
///
/// ```
/// use autograd::{Parameter, Shape, Tensor};
/// use optim::{Invalid, Optimizer, PerParameter, Real, Result, Rule, Slot, Step};
///
/// optim::options! {
///     /// Options of [`SignSGD`].
///     pub struct SignSGDOptions {
///         /// Learning rate.
///         lr: f64 = 1e-3,
///         /// Share of the old mean.
///         momentum: f64 = 0.9,
///     }
/// }
///
/// impl Rule for SignSGDOptions {
///     const NAME: &'static str = "SignSGD";
///
///     fn state(&self, _: &Shape) -> &'static [Slot] {
///         &[Slot::Buffer("exp_avg")]
///     }
///
///     fn check(&self) -> Result<(), Invalid> {
///         Invalid::unless(self.lr >= 0.0, "learning rate", self.lr, "lr >= 0")
///     }
///
///     fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
///         let [lr, keep, add] = F::array([self.lr, self.momentum, 1.0 - self.momentum]);
///         step.each(["exp_avg"], |p, g, [m]| {
///             let m = keep * m + add * g;
///             (p - lr * m.sign(), [m])
///         })
///     }
/// }
///
/// /// Sign descent.
/// type SignSGD = PerParameter<SignSGDOptions>;
///
/// let w = Parameter::new(Tensor::from_vec(vec![3.0f64, -2.0], [2])?)?;
/// let mut opt = SignSGD::new([w.clone()], 0.5)?;
/// w.var().mul(&w.var())?.sum()?.backward()?;
/// opt.step()?;
/// assert_eq!(w.value().to_vec::<f64>()?, [2.5, -1.5]);
/// # Ok::<(), optim::Error>(())
/// ```
pub trait Rule: Options + Clone + Send + Sync + 'static {
    /// The optimizer's name, for messages.
    const NAME: &'static str;

    /// What the rule keeps, under these options, for a parameter of this shape.
    fn state(&self, parameter: &Shape) -> &'static [Slot];

    /// The shape of the buffer `name` for a parameter of this shape: the same, if the rule does not say otherwise.
    fn state_shape(&self, name: &str, parameter: &Shape) -> Shape {
        let _ = name;
        parameter.clone()
    }

    /// Whether the options are in their ranges.
    ///
    /// # Errors
    /// For the first option that is not.
    fn check(&self) -> Result<(), Invalid>;

    /// Whether the rule is defined for a parameter of this shape.
    ///
    /// # Errors
    /// What the shape should have been.
    fn check_shape(&self, shape: &Shape) -> Result<(), &'static str> {
        let _ = shape;
        Ok(())
    }

    /// One step of one parameter.
    ///
    /// # Errors
    /// If memory runs out, or a buffer is asked for that [`state`](Rule::state) does not declare.
    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()>;
}

/// The gradient as most rules take it: turned around to climb, with the L2 penalty.
#[derive(Clone, Copy)]
pub(crate) struct Gradient<F> {
    sign: F,
    decay: F,
}

impl<F: Real> Gradient<F> {
    pub(crate) fn new(maximize: bool, weight_decay: f64) -> Self {
        let [decay] = F::array([weight_decay]);
        Self { sign: if maximize { -F::ONE } else { F::ONE }, decay }
    }

    /// `±g + weight_decay * p`; without decay the parameter does not enter, were it infinite.
    #[inline(always)]
    pub(crate) fn at(self, p: F, g: F) -> F {
        let g = self.sign * g;
        if self.decay == F::ZERO { g } else { g + self.decay * p }
    }
}

/// The gradient and the factor of the parameter under a weight decay that is `decoupled` or enters the gradient.
pub(crate) fn decay<F: Real>(
    maximize: bool,
    weight_decay: f64,
    decoupled: bool,
    lr: f64,
) -> (Gradient<F>, F) {
    let (l2, shrink) = if decoupled { (0.0, 1.0 - lr * weight_decay) } else { (weight_decay, 1.0) };
    (Gradient::new(maximize, l2), F::array([shrink])[0])
}

/// The checks that most rules share.
pub(crate) mod check {
    use crate::Invalid;

    pub(crate) fn lr(lr: f64) -> Result<(), Invalid> {
        Invalid::unless(lr >= 0.0, "learning rate", lr, "lr >= 0")
    }

    pub(crate) fn eps(eps: f64) -> Result<(), Invalid> {
        Invalid::unless(eps >= 0.0, "epsilon value", eps, "eps >= 0")
    }

    pub(crate) fn weight_decay(weight_decay: f64) -> Result<(), Invalid> {
        Invalid::unless(weight_decay >= 0.0, "weight_decay value", weight_decay, "weight_decay >= 0")
    }

    pub(crate) fn betas(betas: (f64, f64)) -> Result<(), Invalid> {
        let expected = "0 <= beta < 1";
        Invalid::unless((0.0..1.0).contains(&betas.0), "beta parameter at index 0", betas.0, expected)?;
        Invalid::unless((0.0..1.0).contains(&betas.1), "beta parameter at index 1", betas.1, expected)
    }
}
