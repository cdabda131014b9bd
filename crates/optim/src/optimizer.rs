//! What every optimizer can do.

use crate::hook::{Hook, HookId, Hooks};
use crate::{Error, NamedParameter, Options, Result, StateDict};
use autograd::{DType, Parameter, Var};

/// An optimizer: it reads gradients and writes parameters. The loop is PyTorch's:
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{Adam, Optimizer};
///
/// let w = Parameter::new(Tensor::from_vec(vec![1.0f32, -2.0], [2])?)?;
/// let mut opt = Adam::new([w.clone()], 0.1)?;
/// for _ in 0..200 {
///     let loss = w.var().mul(&w.var())?.sum()?;
///     opt.zero_grad();
///     loss.backward()?;
///     opt.step()?;
/// }
/// assert!(w.value().to_vec::<f32>()?.iter().all(|w| w.abs() < 0.01));
/// # Ok::<(), optim::Error>(())
/// ```
pub trait Optimizer: Send {
    /// The optimizer's name, for messages.
    fn name(&self) -> &'static str;

    /// Moves each parameter that has a gradient. Parameters without a gradient and frozen ones are skipped: they do
    /// not move, decay or count the step.
    ///
    /// # Errors
    /// If memory runs out, or the optimizer needs [`step_with`](Optimizer::step_with).
    #[track_caller]
    fn step(&mut self) -> Result<()>;

    /// As [`step_with`](Optimizer::step_with), for callers that know the optimizer only as a trait object: the closure
    /// computes the gradients and returns the loss as a number. Returns the first loss.
    ///
    /// # Errors
    /// The closure's, and those of [`step`](Optimizer::step).
    fn step_closure(&mut self, closure: &mut dyn FnMut() -> Result<f64>) -> Result<f64>;

    /// All parameters, in the order of the groups.
    fn named_parameters(&self) -> Vec<NamedParameter>;

    /// The options of each group.
    fn options(&self) -> Vec<&dyn Options>;

    /// The options of each group, to change: `opt.options_mut()[0].set_lr(1e-4)`.
    fn options_mut(&mut self) -> Vec<&mut dyn Options>;

    /// The hooks around a step.
    fn hooks(&mut self) -> &mut Hooks;

    /// The state in PyTorch's layout. It is a snapshot: later steps do not change it.
    ///
    /// # Errors
    /// If memory runs out.
    fn state_dict(&self) -> Result<StateDict>;

    /// Takes over state and options from `state`, saved by this kind of optimizer over the same parameters, here or
    /// in PyTorch. An option that `state` does not name stays as it is.
    ///
    /// # Errors
    /// If groups, names, shapes, dtypes or values do not fit. The optimizer is then unchanged.
    #[track_caller]
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()>;

    /// All parameters, in the order of the groups: what to clip.
    fn parameters(&self) -> Vec<Parameter> {
        self.named_parameters().into_iter().map(|named| named.parameter).collect()
    }

    /// Clears all gradients to none: `zero_grad()`. A parameter that the next backward does not reach is then skipped
    /// by the next step.
    fn zero_grad(&self) {
        for named in self.named_parameters() {
            named.parameter.zero_grad();
        }
    }

    /// Fills all gradients with zeros: `zero_grad(set_to_none=False)`. A parameter that the next backward does not
    /// reach is then stepped with a gradient of zero, so momentum still moves it and weight decay still shrinks it.
    ///
    /// # Errors
    /// If memory runs out.
    fn zero_grad_keep(&self) -> Result<()> {
        for named in self.named_parameters() {
            let zero = |grad: &mut autograd::Tensor| grad.zeros_like().map(|zeros| *grad = zeros);
            named.parameter.update_grad(zero).transpose()?;
        }
        Ok(())
    }

    /// The learning rate of the first group.
    fn lr(&self) -> f64 {
        self.options().first().map_or(f64::NAN, |options| options.lr())
    }

    /// Sets the learning rate of all groups.
    fn set_lr(&mut self, lr: f64) {
        for options in self.options_mut() {
            options.set_lr(lr);
        }
    }

    /// `hook` is called before each step.
    fn register_step_pre_hook(&mut self, hook: Hook) -> HookId {
        self.hooks().before(hook)
    }

    /// `hook` is called after each step.
    fn register_step_post_hook(&mut self, hook: Hook) -> HookId {
        self.hooks().after(hook)
    }

    /// Takes a hook out; false if it is not there any more.
    fn remove_hook(&mut self, hook: HookId) -> bool {
        self.hooks().remove(hook)
    }

    /// Steps with a closure that clears the gradients, computes the loss, calls backward and returns the loss. Most
    /// optimizers call it once, [`LBFGS`](crate::LBFGS) at each point that it tries. Returns the first loss.
    ///
    /// ```
    /// use autograd::{Parameter, Tensor};
    /// use optim::{Optimizer, SGD};
    ///
    /// let w = Parameter::new(Tensor::scalar(3.0f64)?)?;
    /// let mut opt = SGD::new([w.clone()], 0.5)?;
    /// let loss = opt.step_with(|| -> optim::Result<_> {
    ///     w.zero_grad();
    ///     let loss = w.var().mul(&w.var())?;
    ///     loss.backward()?;
    ///     Ok(loss)
    /// })?;
    /// assert_eq!((loss.detach().item::<f64>()?, w.value().item::<f64>()?), (9.0, 0.0));
    /// # Ok::<(), optim::Error>(())
    /// ```
    ///
    /// # Errors
    /// The closure's own, and those of [`step`](Optimizer::step).
    fn step_with<E: From<Error>>(&mut self, mut closure: impl FnMut() -> Result<Var, E>) -> Result<Var, E>
    where
        Self: Sized,
    {
        let optimizer = self.name();
        let (mut first, mut failure) = (None, None);
        let stepped = self.step_closure(&mut || match closure() {
            Ok(loss) => {
                let value = loss.detach().to_dtype(DType::F64)?.item()?;
                first.get_or_insert(loss);
                Ok(value)
            }
            Err(error) => {
                failure = Some(error);
                Err(Error::Closure { optimizer })
            }
        });
        match (stepped, failure, first) {
            (Ok(_), _, Some(loss)) => Ok(loss),
            (Err(_), Some(error), _) => Err(error),
            (Err(error), None, _) => Err(error.into()),
            (Ok(_), _, None) => Err(Error::Closure { optimizer }.into()),
        }
    }
}
