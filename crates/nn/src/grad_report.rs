//! What each parameter's gradient looks like: the first thing to read when a model does not learn.

use crate::{Module, Result};
use autograd::{DType, Shape, Tensor};
use std::fmt;

/// The gradient of a parameter in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GradState {
    /// Not asked for: the parameter is frozen.
    Frozen,
    /// None: no backward reached the parameter.
    Missing,
    /// Zero in every element.
    Zero,
    /// NaN or infinite in some element.
    NotFinite,
    /// Anything else.
    Fine,
}

/// One parameter of a [`GradReport`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradRow {
    /// The parameter's name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its gradient in one word.
    pub state: GradState,
    /// The root of the sum of the squares of the gradient; 0 without one.
    pub grad_norm: f64,
    /// The root of the sum of the squares of the value.
    pub value_norm: f64,
}

/// What [`grad_report`] returns; it prints as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct GradReport {
    /// A row a parameter, each once, in the order of declaration.
    pub rows: Vec<GradRow>,
}

impl GradReport {
    /// The trained parameters whose gradient is missing, zero or not finite. Empty when all is well.
    pub fn suspects(&self) -> impl Iterator<Item = &GradRow> {
        self.rows.iter().filter(|row| !matches!(row.state, GradState::Fine | GradState::Frozen))
    }
}

/// The gradients of all parameters as they are now, after a backward and before
/// [`zero_grad`](crate::Module::zero_grad).
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let rng = Rng::seed(0);
/// let model = (Linear::new(2, 3, &rng)?, Linear::new(3, 1, &rng)?);
/// let hidden = model.0.forward(&Tensor::ones([4, 2], DType::F32)?.into())?;
/// // Detached by mistake: the first layer would never learn.
/// model.1.forward(&hidden.detach().into())?.sum()?.backward()?;
/// let report = nn::grad_report(&model)?;
/// let names: Vec<&str> = report.suspects().map(|row| row.name.as_str()).collect();
/// assert_eq!(names, ["0.weight", "0.bias"]);
/// # Ok::<(), nn::Error>(())
/// ```
///
/// # Errors
/// If memory does not suffice.
pub fn grad_report(model: &(impl Module + ?Sized)) -> Result<GradReport> {
    let row = |(name, parameter): (String, autograd::Parameter)| -> Result<GradRow> {
        let grad = parameter.grad();
        let grad_norm = grad.as_ref().map(norm).transpose()?;
        let state = match (&grad, grad_norm) {
            _ if !parameter.requires_grad() => GradState::Frozen,
            (Some(grad), _) if !grad.is_finite()? => GradState::NotFinite,
            (Some(_), Some(norm)) if norm > 0.0 => GradState::Fine,
            (Some(_), _) => GradState::Zero,
            (None, _) => GradState::Missing,
        };
        let (shape, value_norm) = (parameter.shape().clone(), norm(&parameter.value())?);
        Ok(GradRow { name, shape, state, grad_norm: grad_norm.unwrap_or(0.0), value_norm })
    };
    Ok(GradReport { rows: model.named_parameters().into_iter().map(row).collect::<Result<_>>()? })
}

fn norm(x: &Tensor) -> Result<f64> {
    let x = x.to_dtype(DType::F64)?;
    Ok(x.mul(&x)?.sum()?.item::<f64>()?.sqrt())
}

impl fmt::Display for GradReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(9);
        writeln!(
            f,
            "{:width$}  {:>16}  {:>10}  {:>10}  gradient",
            "parameter", "shape", "|grad|", "|value|"
        )?;
        for GradRow { name, shape, state, grad_norm, value_norm } in &self.rows {
            let word = match state {
                GradState::Frozen => "frozen",
                GradState::Missing => "MISSING: no backward came here",
                GradState::Zero => "ZERO",
                GradState::NotFinite => "NOT FINITE",
                GradState::Fine => "",
            };
            let shape = shape.to_string();
            let line = format!("{name:width$}  {shape:>16}  {grad_norm:>10.3e}  {value_norm:>10.3e}  {word}");
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(f, "{} of {} parameters want a look", self.suspects().count(), self.rows.len())
    }
}
