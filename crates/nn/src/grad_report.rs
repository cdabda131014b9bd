//! Which parameters of a model learn.

use crate::{Module, Result};
use autograd::{GradReport, Var};

/// The gradient of each parameter of `model` from `loss`, by name, and for those without one the operation and the source
/// line that cut it off: see [`autograd::grad_report`].
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let rng = Rng::seed(0);
/// let model = (Linear::new(2, 3, &rng)?, Linear::new(3, 1, &rng)?);
/// let report = nn::grad_report(&model, || {
///     let hidden = model.0.forward(&Tensor::ones([4, 2], DType::F32)?.into())?;
///     // Detached by mistake: the first layer would never learn.
///     Ok(model.1.forward(&hidden.detach().into())?.sum()?)
/// })?;
/// assert!(report.to_string().contains("0.weight: no gradient: detach cut it at "));
/// # Ok::<(), nn::Error>(())
/// ```
///
/// # Errors
/// What `loss` returns; a loss of several elements.
#[track_caller]
pub fn grad_report(model: &(impl Module + ?Sized), loss: impl FnOnce() -> Result<Var>) -> Result<GradReport> {
    autograd::grad_report(&model.named_parameters(), loss)
}
