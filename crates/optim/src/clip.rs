//! Clipping of gradients.

use crate::{Error, NamedParameter, Result, half};
use std::panic::Location;
use tensor_core::step::{Real, for_each, map, sum};
use tensor_core::{DType, Tensor};

/// How [`clip_grad_norm`] clips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipOptions {
    /// The largest norm that is left as it is.
    pub max_norm: f64,
    /// The order of the norm: 2 by default, infinity for the largest absolute element.
    pub norm_type: f64,
    /// Whether a norm that is infinite or NaN is an error, by default true; PyTorch's default is false, which fills all
    /// gradients with zeros or NaN.
    pub error_if_nonfinite: bool,
}

impl From<f64> for ClipOptions {
    /// To this norm of order 2; a norm that is not finite is an error.
    fn from(max_norm: f64) -> Self {
        Self { max_norm, norm_type: 2.0, error_if_nonfinite: true }
    }
}

/// Scales all gradients by `min(1, max_norm / (norm + 1e-6))`, where `norm` is that of all of them together, and
/// returns `norm`: `torch.nn.utils.clip_grad_norm_`. Call it between backward and step. Parameters without gradient
/// stay out.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{ClipOptions, clip_grad_norm};
///
/// let w = Parameter::new(Tensor::from_vec(vec![1.5f64, 2.0], [2])?)?;
/// w.var().mul(&w.var())?.sum()?.backward()?;
/// assert_eq!(clip_grad_norm([&w], 1.0)?, 5.0);
/// assert!((w.grad().unwrap().to_vec::<f64>()?[0] - 0.6).abs() < 1e-6);
/// let largest = ClipOptions { norm_type: f64::INFINITY, ..0.1.into() };
/// assert!((clip_grad_norm([&w], largest)? - 0.8).abs() < 1e-6);
/// # Ok::<(), optim::Error>(())
/// ```
///
/// # Errors
/// If the norm is not finite, with the name of the first parameter whose gradient is not; nothing is then changed.
#[track_caller]
pub fn clip_grad_norm(
    params: impl IntoIterator<Item = impl Into<NamedParameter>>,
    options: impl Into<ClipOptions>,
) -> Result<f64> {
    let location = Location::caller();
    let (options, params) = (options.into(), NamedParameter::list(params));
    let norms = norms(&params, options.norm_type)?;
    let norm = join(&norms, options.norm_type);
    if options.error_if_nonfinite && !norm.is_finite() {
        let first = norms.iter().find(|(_, norm)| !norm.is_finite());
        let parameter = first.map_or("none alone".into(), |(place, _)| params[*place].describe(*place));
        let (op, norm_type) = ("clip_grad_norm", options.norm_type);
        return Err(Error::NonFinite { op, norm_type, parameter, location });
    }
    scale_to(&params, options.max_norm, norm)?;
    Ok(norm)
}

/// The norm of order `norm_type` of all gradients together: `torch.nn.utils.get_total_norm` over the gradients; 0
/// without gradients.
///
/// # Errors
/// If memory runs out.
pub fn total_norm(
    params: impl IntoIterator<Item = impl Into<NamedParameter>>,
    norm_type: f64,
) -> Result<f64> {
    Ok(join(&norms(&NamedParameter::list(params), norm_type)?, norm_type))
}

/// Scales all gradients by `min(1, max_norm / (norm + 1e-6))` for a norm that is known:
/// `torch.nn.utils.clip_grads_with_norm_`.
///
/// # Errors
/// If memory runs out.
pub fn clip_grads_with_norm(
    params: impl IntoIterator<Item = impl Into<NamedParameter>>,
    max_norm: f64,
    norm: f64,
) -> Result<()> {
    scale_to(&NamedParameter::list(params), max_norm, norm)
}

/// Brings each element of all gradients between `-clip_value` and `clip_value`: `torch.nn.utils.clip_grad_value_`.
/// NaN stays.
///
/// # Errors
/// If memory runs out.
pub fn clip_grad_value(
    params: impl IntoIterator<Item = impl Into<NamedParameter>>,
    clip_value: f64,
) -> Result<()> {
    for named in NamedParameter::list(params) {
        map_grad(&named, Change::Clamp(clip_value))?;
    }
    Ok(())
}

/// The norm of each gradient, with the parameter's place.
fn norms(params: &[NamedParameter], norm_type: f64) -> Result<Vec<(usize, f64)>> {
    struct Job {
        place: usize,
        grad: Tensor,
        norm: Result<f64>,
    }
    let grads = params.iter().enumerate().filter_map(|(place, named)| Some((place, named.parameter.grad()?)));
    let mut jobs: Vec<Job> = grads.map(|(place, grad)| Job { place, grad, norm: Ok(0.0) }).collect();
    for_each(
        &mut jobs,
        |job| job.grad.numel(),
        |job| {
            job.norm = match job.grad.dtype() {
                DType::F64 => norm::<f64>(&job.grad, norm_type),
                _ => norm::<f32>(&job.grad, norm_type),
            };
        },
    );
    jobs.into_iter().map(|job| Ok((job.place, job.norm?))).collect()
}

fn norm<F: Real>(grad: &Tensor, order: f64) -> Result<f64> {
    let grad = half::widened(grad)?.contiguous()?;
    let elements = grad.as_slice::<F>()?;
    if order.is_infinite() {
        let extreme = |a: F, x: &F| if order > 0.0 { a.max(x.abs()) } else { a.min(x.abs()) };
        return Ok(elements
            .split_first()
            .map_or(0.0, |(first, rest)| rest.iter().fold(first.abs(), extreme).to_f64()));
    }
    let power = |x: F| match order {
        2.0 => x.to_f64() * x.to_f64(),
        1.0 => x.abs().to_f64(),
        0.0 => f64::from(u8::from(x != F::ZERO)),
        order => x.abs().to_f64().powf(order),
    };
    Ok(root(sum([elements], |[x]| power(x))?, order))
}

fn root(sum: f64, order: f64) -> f64 {
    match order {
        2.0 => sum.sqrt(),
        0.0 | 1.0 => sum,
        order => sum.powf(1.0 / order),
    }
}

/// The norm of all from the norms of each.
fn join(norms: &[(usize, f64)], order: f64) -> f64 {
    let mut norms = norms.iter().map(|(_, norm)| *norm);
    if norms.len() == 0 {
        return 0.0;
    }
    match order {
        f64::INFINITY => norms.fold(0.0, Real::max),
        f64::NEG_INFINITY => norms.fold(f64::INFINITY, Real::min),
        0.0 => norms.sum(),
        2.0 => root(norms.map(|norm| norm * norm).sum(), order),
        order => root(norms.by_ref().map(|norm| norm.powf(order)).sum(), order),
    }
}

fn scale_to(params: &[NamedParameter], max_norm: f64, norm: f64) -> Result<()> {
    let factor = max_norm / (norm + 1e-6);
    // Written so that NaN is no reason to stop.
    if factor >= 1.0 {
        return Ok(());
    }
    params.iter().try_for_each(|named| map_grad(named, Change::Scale(factor)))
}

/// What is done to each element of a gradient.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Scale(f64),
    Clamp(f64),
}

/// Changes the gradient of a parameter in place, if there is one.
pub(crate) fn map_grad(named: &NamedParameter, change: Change) -> Result<()> {
    fn apply<F: Real>(grad: &mut Tensor, change: Change) -> Result<()> {
        let elements = grad.as_slice_mut::<F>()?;
        match change {
            Change::Scale(factor) => {
                let [factor] = F::array([factor]);
                map(elements, |x| x * factor);
            }
            Change::Clamp(limit) => {
                let [limit] = F::array([limit]);
                map(elements, |x| x.max(-limit).min(limit));
            }
        }
        Ok(())
    }
    let apply = |grad: &mut Tensor| match grad.dtype() {
        DType::F64 => apply::<f64>(grad, change),
        _ => apply::<f32>(grad, change),
    };
    let changed = named.parameter.update_grad(|grad| half::update(grad, apply));
    changed.unwrap_or(Ok(()))
}
