//! What losses share.

use crate::{Error, Reduction, Result, Var};
use std::panic::Location;

impl Var {
    /// The mean, the sum or each of these losses.
    #[track_caller]
    pub(crate) fn reduced(&self, reduction: Reduction) -> Result<Var> {
        match reduction {
            Reduction::Mean => self.mean(),
            Reduction::Sum => self.sum(),
            Reduction::None => Ok(self.clone()),
        }
    }

    /// This value raised to `min` where it is less, its gradient passed all the same: PyTorch's `clamp_` without
    /// gradient.
    pub(crate) fn raised_to(&self, min: f64) -> Result<Var> {
        let enough = self.value().ge_scalar(min)?;
        let missing = self.value().neg()?.add_scalar(min)?.masked_fill(&enough, 0.0)?;
        self.add(&missing.into())
    }

    /// `max(self, 0)` with no gradient at 0: a hinge.
    pub(crate) fn hinge(&self) -> Result<Var> {
        self.clamp(Some(0.0), None)
    }

    /// Refuses a target of another shape. (PyTorch often broadcasts, which gives another loss than was meant.)
    #[track_caller]
    pub(crate) fn same_shape(&self, op: &'static str, target: &Var) -> Result<()> {
        if self.shape() == target.shape() {
            return Ok(());
        }
        Err(refused(
            op,
            "the target's shape",
            format!("{} for input {}", target.shape(), self.shape()),
            "equal shapes",
        ))
    }
}

/// An argument of the caller's that does not fit.
#[cold]
#[track_caller]
pub(crate) fn refused(
    op: &'static str,
    argument: &'static str,
    value: String,
    expected: &'static str,
) -> Error {
    Error::Argument { op, argument, value, expected, location: Location::caller() }
}
