//! Anomaly mode: the first operation whose values, or whose gradients, are NaN or infinite is an error.

use crate::mode::{self, Anomaly, GradMode};
use crate::{Error, Result, Tensor, Var};
use std::panic::Location;
use tensor_core::DType;

/// Runs `body`, forward and backward, with every operation's outputs and gradients checked: the first NaN or infinity
/// is an [`Error::Anomaly`] that names the operation, the shape and the source line of the forward. It costs a pass over
/// each result. `torch.autograd.detect_anomaly`, which looks for NaN in backward alone.
///
/// ```
/// use autograd::{Tensor, Var, detect_anomaly};
/// let x = Var::leaf(Tensor::from_vec(vec![4.0f32, 0.0], [2])?)?;
/// let error = detect_anomaly(|| x.sqrt()?.sum()?.backward()).unwrap_err();
/// assert!(error.to_string().contains("function 'sqrt' returned inf values in its 0th output"));
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// What `body` returns. For a model that masks with −∞ see [`detect_nan`].
pub fn detect_anomaly<R>(body: impl FnOnce() -> R) -> R {
    let _mode = set_detect_anomaly(true);
    body()
}

/// [`detect_anomaly`] that lets infinities pass and reports NaN: for a model that masks with −∞.
pub fn detect_nan<R>(body: impl FnOnce() -> R) -> R {
    let _mode = mode::enter(|mode| mode.anomaly = Anomaly::Nan);
    body()
}

/// Switches the checks of [`detect_anomaly`] on or off on this thread until the returned guard is dropped.
pub fn set_detect_anomaly(enabled: bool) -> GradMode {
    mode::enter(|mode| mode.anomaly = if enabled { Anomaly::NonFinite } else { Anomaly::Nothing })
}

/// Checks what an operation computed.
#[cold]
pub(crate) fn check_outputs(
    check: Anomaly,
    op: &'static str,
    outputs: &[Tensor],
    location: &'static Location<'static>,
) -> Result<()> {
    let values = outputs.iter().map(Some);
    first_fault(check, values).map_or(Ok(()), |(index, found, shape)| {
        Err(Error::Anomaly { pass: "forward", op, index, found, shape, created: location })
    })
}

/// Checks the gradients that a rule computed.
#[cold]
pub(crate) fn check_gradients(
    check: Anomaly,
    op: &'static str,
    grads: &[Option<Var>],
    created: &'static Location<'static>,
) -> Result<()> {
    let values = grads.iter().map(|g| g.as_ref().map(Var::value));
    first_fault(check, values).map_or(Ok(()), |(index, found, shape)| {
        Err(Error::Anomaly { pass: "backward", op, index, found, shape, created })
    })
}

fn first_fault<'a>(
    check: Anomaly,
    values: impl Iterator<Item = Option<&'a Tensor>>,
) -> Option<(usize, &'static str, tensor_core::Shape)> {
    values.enumerate().find_map(|(index, value)| {
        let value = value?;
        let found = match Finiteness::of(value) {
            Finiteness::Finite => return None,
            Finiteness::Infinite if check == Anomaly::Nan => return None,
            Finiteness::Infinite => "inf",
            Finiteness::Nan => "nan",
        };
        Some((index, found, value.shape().clone()))
    })
}

/// The worst that is among some values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finiteness {
    Finite,
    Infinite,
    Nan,
}

impl Finiteness {
    /// Integers are finite; so is a tensor that cannot be read for want of memory.
    pub fn of(value: &Tensor) -> Self {
        let Ok(value) = value.contiguous() else { return Self::Finite };
        let found = match value.dtype() {
            DType::F32 => value.as_slice::<f32>().map(|x| Self::among(x, |x| x.is_finite(), |x| x.is_nan())),
            DType::F64 => value.as_slice::<f64>().map(|x| Self::among(x, |x| x.is_finite(), |x| x.is_nan())),
            dtype if dtype.is_float() => value.to_dtype(DType::F32).map(|x| Self::of(&x)),
            _ => return Self::Finite,
        };
        found.unwrap_or(Self::Finite)
    }

    fn among<T: Copy>(values: &[T], finite: fn(T) -> bool, nan: fn(T) -> bool) -> Self {
        // In blocks: without an exit inside of a block the compiler makes vector instructions of it.
        let good = values.chunks(256).all(|block| block.iter().fold(true, |good, &x| good & finite(x)));
        match good {
            true => Self::Finite,
            false if values.iter().any(|&x| nan(x)) => Self::Nan,
            false => Self::Infinite,
        }
    }
}
