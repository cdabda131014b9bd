//! Training-bug lints: a look at a few steps of a loop for what is wrong without an error.

mod finding;
mod watch;

pub use finding::Finding;

use crate::Result;
use autograd::{Call, DType, Parameter, Tensor};
use nn::Module;
use optim::Optimizer;
use watch::Watch;

/// Samples that a unit of a ReLU must have seen to be called dead: one that is 0 for half of them by chance is so for
/// all of 8 in one case of 256.
const DEAD_SAMPLES: usize = 8;
/// Ratios of a gradient's norm to its weight's that let train: initialised networks are around 1e-3 to 1.
const RATIOS: std::ops::RangeInclusive<f64> = 1e-7..=1e2;

/// Runs `body`, the first steps of a training loop (two are needed to see a missing `zero_grad`) and, if wanted, of its
/// validation, and says what looks like a bug. It moves the model as the loop does, and costs time and memory: for a
/// look, not for a run. [`Trainer::diagnose`](crate::Trainer::diagnose) looks at a single batch and puts all back.
///
/// A model that is meant to be so (layers frozen in evaluation, dropout at inference) is reported as well. A parameter
/// in two groups is an error of the optimizer (within one it counts once), losses refuse a target of another shape: the
/// lint for shapes is about those written by hand.
///
/// ```
/// use train::prelude::*;
/// use train::{Finding, diagnose};
///
/// let rng = Rng::seed(0);
/// let model = sequential![Linear::new(4, 3, &rng)?];
/// let mut opt = SGD::new(model.parameters(), 0.1)?;
/// let (x, y) = (rng.randn([16, 4], DType::F32)?, Tensor::zeros([16], DType::I64)?);
/// let found = diagnose(&model, &mut opt, |opt| {
///     for _ in 0..2 {
///         let loss = model.forward(&x.clone().into())?.softmax(-1)?.cross_entropy(&y)?;
///         loss.backward()?;
///         opt.step()?;
///     }
///     Ok(())
/// })?;
/// assert!(matches!(found[0], Finding::SoftmaxBeforeLoss { .. }));
/// assert!(matches!(found[1], Finding::NotCleared { .. }));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// Those of `body`.
pub fn diagnose<O: Optimizer + ?Sized>(
    model: &(impl Module + ?Sized),
    optimizer: &mut O,
    body: impl FnOnce(&mut O) -> Result<()>,
) -> Result<Vec<Finding>> {
    let watch = Watch::begin(model, optimizer)?;
    let (result, calls) = autograd::record_calls(|| body(optimizer));
    let seen = watch.end(optimizer);
    result?;
    let mut found = Vec::new();
    for call in &calls {
        let of_call = [
            squashed_logits(call, &calls),
            broadcast(call),
            dead_relu(call)?,
            hidden_nan(call, &calls)?,
            batch_of_one(call),
        ];
        found.extend(of_call.into_iter().flatten());
    }
    found.extend(seen);
    let held = optimizer.parameters();
    for (name, parameter) in model.named_parameters() {
        let is_held = held.iter().any(|other| other.is(&parameter));
        if parameter.requires_grad() && !is_held {
            found.push(Finding::NotOptimized { parameter: name });
        }
    }
    // Each step of the loop shows the same.
    let mut distinct: Vec<Finding> = Vec::new();
    for finding in found {
        if !distinct.contains(&finding) {
            distinct.push(finding);
        }
    }
    Ok(distinct)
}

/// The loss, if softmax or sigmoid gave its logits. With probabilities as target cross-entropy is computed by
/// `log_softmax`, that of yes and no by `logsigmoid`.
fn squashed_logits(call: &Call, calls: &[Call]) -> Option<Finding> {
    let (logits, _) = call.inputs.first()?;
    let location = call.location;
    let (squash, finding) = match call.op {
        "cross_entropy" | "log_softmax" => ("softmax", Finding::SoftmaxBeforeLoss { location }),
        "logsigmoid" => ("sigmoid", Finding::SigmoidBeforeLoss { location }),
        _ => return None,
    };
    made(calls, logits).any(|other| other.op == squash).then_some(finding)
}

/// The calls that have made a tensor, or what it is a view of.
fn made<'c>(calls: &'c [Call], tensor: &'c Tensor) -> impl Iterator<Item = &'c Call> {
    calls.iter().filter(|call| call.outputs.iter().any(|output| output.shares_storage(tensor)))
}

/// A tracked input of `where` or `masked_fill` whose slope is not finite at some place, with an output that is.
fn hidden_nan(call: &Call, calls: &[Call]) -> Result<Option<Finding>> {
    let Some(output) = call.outputs.first().filter(|_| matches!(call.op, "where" | "masked_fill")) else {
        return Ok(None);
    };
    if !output.is_finite()? {
        return Ok(None);
    }
    for (input, _) in call.inputs.iter().filter(|(_, tracked)| *tracked) {
        let Some(maker) = made(calls, input).next() else { continue };
        let steep = || -> Result<bool> { Ok(maker.op == "sqrt" && input.eq_scalar(0.0)?.any()?) };
        if !input.is_finite()? || steep()? {
            return Ok(Some(Finding::HiddenNan { op: maker.op, location: call.location }));
        }
    }
    Ok(None)
}

/// In training batch norm also gives the statistics that it has found.
fn batch_of_one(call: &Call) -> Option<Finding> {
    let (input, _) = call.inputs.first().filter(|_| call.op == "batch_norm" && call.outputs.len() > 1)?;
    (input.shape().first() == Some(&1)).then_some(Finding::BatchOfOne { location: call.location })
}

/// The difference of an output and a constant, of which one is `[n, 1]` and the other `[n]`.
fn broadcast(call: &Call) -> Option<Finding> {
    let [(a, tracked_a), (b, tracked_b)] = call.inputs.as_slice() else { return None };
    let crossed = |column: &Tensor, row: &Tensor| match (&column.shape()[..], &row.shape()[..]) {
        (&[n, 1], &[m]) => n == m && n > 1,
        _ => false,
    };
    let is_target = call.op == "sub" && tracked_a != tracked_b;
    (is_target && (crossed(a, b) || crossed(b, a))).then(|| Finding::Broadcast {
        op: call.op,
        shapes: [a.shape().clone(), b.shape().clone()],
        location: call.location,
    })
}

/// A unit is a channel of a batch of images or volumes, else an entry of the last dimension.
fn dead_relu(call: &Call) -> Result<Option<Finding>> {
    let Some(output) = call.outputs.first().filter(|_| call.op == "relu" && call.enabled) else {
        return Ok(None);
    };
    let dims = output.shape();
    let unit = if dims.len() > 3 { 1 } else { dims.len().saturating_sub(1) };
    let units = dims.get(unit).copied().unwrap_or(1);
    if units == 0 || output.numel() / units < DEAD_SAMPLES {
        return Ok(None);
    }
    let inner: usize = dims.iter().skip(unit + 1).product();
    let mut alive = vec![false; units];
    for (i, x) in output.to_dtype(DType::F64)?.to_vec::<f64>()?.into_iter().enumerate() {
        if let Some(alive) = alive.get_mut(i / inner % units) {
            *alive |= x != 0.0;
        }
    }
    let dead = alive.iter().filter(|alive| !**alive).count();
    Ok((2 * dead > units).then_some(Finding::DeadRelu { dead, units, location: call.location }))
}

/// The weights (two dimensions or more) whose gradient is far too small or too large for them, or not finite.
fn gradient_ratios(parameters: &[(String, Parameter)]) -> autograd::Result<Vec<Finding>> {
    let norm = |tensor: &Tensor| -> autograd::Result<f64> {
        let values = tensor.to_dtype(DType::F64)?.to_vec::<f64>()?;
        Ok(values.iter().map(|x| x * x).sum::<f64>().sqrt())
    };
    let mut found = Vec::new();
    for (name, parameter) in parameters {
        let Some(gradient) = parameter.grad().filter(|_| parameter.shape().len() > 1) else {
            continue;
        };
        let (gradient, weight) = (norm(&gradient)?, norm(&parameter.value())?);
        // Weights that start at 0 have no ratio.
        if weight > 0.0 && !RATIOS.contains(&(gradient / weight)) {
            found.push(Finding::GradientRatio { parameter: name.clone(), ratio: gradient / weight });
        }
    }
    Ok(found)
}
