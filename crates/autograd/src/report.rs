//! Which parameters get a gradient from a loss, and what keeps it from the others.

use crate::anomaly::Finiteness;
use crate::trace::{self, Call, Event};
use crate::{DType, Error, Grad, Parameter, Result, Tensor, Var};
use std::panic::Location;

/// The gradient of every parameter, in the order in which they were given. Displayed, a line each.
#[derive(Clone, Debug, PartialEq)]
pub struct GradReport {
    /// The names, and what their gradients are.
    pub parameters: Vec<(String, GradState)>,
}

/// What a parameter's gradient is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GradState {
    /// There is none.
    Missing(Cut),
    /// It is zero everywhere.
    Zero,
    /// It has an infinity and no NaN; [`detect_anomaly`](crate::detect_anomaly) names the operation that made it.
    Infinite,
    /// It has a NaN; [`detect_nan`](crate::detect_nan) names the operation that made it.
    Nan,
    /// It is finite and not zero.
    Finite {
        /// Its 2-norm.
        norm: f64,
    },
}

/// What keeps a gradient from a parameter.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Cut {
    /// The parameter does not require one.
    #[error("it is frozen: requires_grad is false")]
    Frozen,
    /// No operation that leads to the loss uses the parameter.
    #[error("the loss is not computed from it")]
    Unused,
    /// `detach` on the way to the loss.
    #[error("detach cut it at {location}")]
    Detach {
        /// The call.
        location: &'static Location<'static>,
    },
    /// A value on the way that came into an operation as a constant.
    #[error("{op} at {location} takes as a constant what was computed from it, or its plain value")]
    Constant {
        /// The operation.
        op: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// An operation on the way that ran without a graph.
    #[error("{op} at {location} ran under no_grad")]
    NoGrad {
        /// The operation.
        op: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A result on the way that has no gradient by its dtype.
    #[error("{op} at {location} gives {dtype}, which has no gradient")]
    NotFloat {
        /// The operation.
        op: &'static str,
        /// Its result's dtype.
        dtype: DType,
        /// The call.
        location: &'static Location<'static>,
    },
    /// Every operation on the way is in the graph, and a rule gave no gradient.
    #[error("the rule of an operation on the way gives no gradient")]
    Rule,
}

/// Runs `loss` and reports the gradient that each of `parameters` would get from it; their
/// [`grad`](Parameter::grad) is not touched. Every call is noted on the way, which costs memory: for looking into a
/// model, not for each step.
///
/// ```
/// use autograd::{Cut, Error, GradState, Parameter, Tensor, Var, grad_report};
/// let (a, b) = (Parameter::new(Tensor::scalar(3.0f64)?)?, Parameter::new(Tensor::scalar(4.0f64)?)?);
/// let named = [("a", a.clone()), ("b", b.clone())];
/// let report = grad_report(&named, || a.var().mul(&b.var().exp()?.detach().into()))?;
/// assert!(matches!(report.parameters[0].1, GradState::Finite { .. }));
/// assert!(matches!(report.parameters[1].1, GradState::Missing(Cut::Detach { .. })));
/// assert!(report.to_string().contains("b: no gradient: detach cut it at "));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// What `loss` returns; a loss of several elements.
#[track_caller]
pub fn grad_report<N: AsRef<str>, E: From<Error>>(
    parameters: &[(N, Parameter)],
    loss: impl FnOnce() -> std::result::Result<Var, E>,
) -> std::result::Result<GradReport, E> {
    let (loss, events) = trace::record(loss);
    let loss = loss?;
    let gradients = gradients(&loss, parameters)?;
    let lead = leading_to(loss.value(), &events);
    let state = |(parameter, gradient): (&Parameter, Option<Var>)| -> Result<GradState> {
        match gradient {
            Some(gradient) => state(gradient.value()),
            None => Ok(GradState::Missing(find_cut(parameter, &events, &lead))),
        }
    };
    let parameters = parameters.iter().zip(gradients);
    let states =
        parameters.map(|((name, parameter), g)| Ok((name.as_ref().to_string(), state((parameter, g))?)));
    Ok(GradReport { parameters: states.collect::<Result<_>>()? })
}

#[track_caller]
fn gradients<N>(loss: &Var, parameters: &[(N, Parameter)]) -> Result<Vec<Option<Var>>> {
    let vars: Vec<Var> = parameters.iter().map(|(_, parameter)| parameter.var()).collect();
    let wanted: Vec<&Var> = vars.iter().filter(|x| x.requires_grad()).collect();
    let options = Grad { allow_unused: true, ..Grad::default() };
    let mut found = match loss.requires_grad() {
        true => options.of(&[loss], &wanted, &[None])?,
        false => vec![None; wanted.len()],
    }
    .into_iter();
    Ok(vars.iter().map(|x| if x.requires_grad() { found.next().flatten() } else { None }).collect())
}

fn state(gradient: &Tensor) -> Result<GradState> {
    Ok(match Finiteness::of(gradient) {
        Finiteness::Nan => GradState::Nan,
        Finiteness::Infinite => GradState::Infinite,
        Finiteness::Finite => {
            let values = gradient.to_dtype(DType::F64)?.to_vec::<f64>()?;
            match values.iter().map(|x| x * x).sum::<f64>().sqrt() {
                0.0 => GradState::Zero,
                norm => GradState::Finite { norm },
            }
        }
    })
}

fn holds(set: &[Tensor], value: &Tensor) -> bool {
    set.iter().any(|other| other.shares_storage(value))
}

/// For each event, whether the loss was computed from what it gave.
fn leading_to(loss: &Tensor, events: &[Event]) -> Vec<bool> {
    let mut needed = vec![loss.clone()];
    let mut lead = vec![false; events.len()];
    for (event, lead) in events.iter().zip(&mut lead).rev() {
        if let Event::Call(call) = event
            && call.outputs.iter().any(|y| holds(&needed, y))
        {
            *lead = true;
            for (x, _) in &call.inputs {
                if !holds(&needed, x) {
                    needed.push(x.clone());
                }
            }
        }
    }
    lead
}

/// The first place on the way from the parameter to the loss where the graph was left.
fn find_cut(parameter: &Parameter, events: &[Event], lead: &[bool]) -> Cut {
    if !parameter.requires_grad() {
        return Cut::Frozen;
    }
    let mut computed = vec![parameter.value()];
    let mut detached: Option<(&Tensor, &'static Location<'static>)> = None;
    let mut used = false;
    for (event, lead) in events.iter().zip(lead) {
        match event {
            Event::Detach { value, location } if holds(&computed, value) => {
                detached = Some((value, location))
            }
            Event::Call(call) if *lead && call.inputs.iter().any(|(x, _)| holds(&computed, x)) => {
                used = true;
                if let Some(cut) = cut_of(call, &computed, detached) {
                    return cut;
                }
                computed.extend(call.outputs.iter().cloned());
            }
            _ => {}
        }
    }
    if used { Cut::Rule } else { Cut::Unused }
}

/// How a call that uses a computed value leaves the graph, if it does.
fn cut_of(
    call: &Call,
    computed: &[Tensor],
    detached: Option<(&Tensor, &'static Location<'static>)>,
) -> Option<Cut> {
    let &Call { op, location, .. } = call;
    let mut inputs = call.inputs.iter().filter(|(x, _)| holds(computed, x));
    if !call.enabled {
        return Some(Cut::NoGrad { op, location });
    }
    if let Some((x, _)) = inputs.find(|(_, tracked)| !tracked) {
        return Some(match detached {
            Some((value, location)) if value.shares_storage(x) => Cut::Detach { location },
            _ => Cut::Constant { op, location },
        });
    }
    let integer = call.outputs.first().filter(|y| !y.dtype().is_float())?;
    Some(Cut::NotFloat { op, dtype: integer.dtype(), location })
}

impl GradReport {
    /// The parameters whose gradient is not finite and different from zero.
    pub fn faults(&self) -> impl Iterator<Item = &(String, GradState)> {
        self.parameters.iter().filter(|(_, state)| !matches!(state, GradState::Finite { .. }))
    }
}

impl std::fmt::Display for GradState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GradState::Missing(cut) => write!(f, "no gradient: {cut}"),
            GradState::Zero => f.write_str("gradient is zero"),
            GradState::Infinite => f.write_str("gradient has inf"),
            GradState::Nan => f.write_str("gradient has nan"),
            GradState::Finite { norm } => write!(f, "gradient of norm {norm:.4e}"),
        }
    }
}

impl std::fmt::Display for GradReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parameters.iter().try_for_each(|(name, state)| writeln!(f, "{name}: {state}"))
    }
}
