//! The crate's error: what was refused, and what would have fitted.

use std::panic::Location;
use tensor_core::Shape;

/// The result of an optimizer's method.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an optimizer, a schedule or a helper refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation on the values was refused.
    #[error(transparent)]
    Tensor(#[from] tensor_core::Error),
    /// An operation on parameters was refused.
    #[error(transparent)]
    Autograd(#[from] autograd::Error),
    /// An optimizer or a group without parameters.
    #[error("{optimizer}: optimizer got an empty parameter list (called at {location})")]
    Empty {
        /// The optimizer.
        optimizer: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A parameter in two groups.
    #[error(
        "{optimizer}: some parameters appear in more than one parameter group: {parameter} (called at {location})"
    )]
    Duplicate {
        /// The optimizer.
        optimizer: &'static str,
        /// The parameter's name, or its place and shape.
        parameter: String,
        /// The call.
        location: &'static Location<'static>,
    },
    /// Groups with and without names in one optimizer.
    #[error(
        "{optimizer}: all optimizer param groups should be with/without names; \
         give (name, parameter) pairs everywhere or nowhere (called at {location})"
    )]
    Names {
        /// The optimizer.
        optimizer: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// An option with a value outside its range.
    #[error("{what}: {invalid} (called at {location})")]
    Option {
        /// The optimizer, schedule or helper.
        what: &'static str,
        /// Which option, its value, and what fits.
        invalid: Invalid,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A name that no optimizer has.
    #[error("no optimizer {name:?}; expected one of {} (called at {location})", expected.join(", "))]
    UnknownOptimizer {
        /// The name.
        name: String,
        /// The names that there are.
        expected: &'static [&'static str],
        /// The call.
        location: &'static Location<'static>,
    },
    /// An option that the optimizer does not have, or not of this type.
    #[error("{optimizer}: no option {option} = {found}; expected one of {expected} (called at {location})")]
    UnknownOption {
        /// The optimizer.
        optimizer: &'static str,
        /// The option.
        option: String,
        /// What kind of value it was given.
        found: String,
        /// The options that there are.
        expected: String,
        /// The call.
        location: &'static Location<'static>,
    },
    /// Several groups, or none, where the optimizer takes one.
    #[error("{optimizer}: {found} parameter groups, expected 1 (called at {location})")]
    OneGroup {
        /// The optimizer.
        optimizer: &'static str,
        /// How many came.
        found: usize,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A parameter of a shape that the rule is not defined for.
    #[error("{optimizer}: a parameter has shape {found}, expected {expected} (called at {location})")]
    ParameterShape {
        /// The optimizer.
        optimizer: &'static str,
        /// Its shape.
        found: Shape,
        /// What fits.
        expected: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A step without the closure that the optimizer evaluates several times.
    #[error(
        "{optimizer}: step() needs a closure that reevaluates the model; use step_with(closure) (called at {location})"
    )]
    ClosureRequired {
        /// The optimizer.
        optimizer: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// The closure of a step failed; `step_with` returns the closure's own error instead.
    #[error("{optimizer}: the closure failed")]
    Closure {
        /// The optimizer.
        optimizer: &'static str,
    },
    /// A rule that asks for a buffer that it does not declare, or twice for one.
    #[error(
        "{optimizer}: the rule asks for the buffer {name:?}, which its state() does not declare, or for one twice"
    )]
    Undeclared {
        /// The optimizer.
        optimizer: &'static str,
        /// The name asked for.
        name: &'static str,
    },
    /// A state that does not belong to this optimizer, schedule or helper; nothing was changed.
    #[error("{what}: load_state_dict: {reason} (called at {location})")]
    State {
        /// Who refused.
        what: &'static str,
        /// What does not fit.
        reason: StateFault,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A gradient that is infinite or NaN where a finite norm is needed.
    #[error(
        "{op}: the total norm of order {norm_type} for gradients from parameters is non-finite, so it cannot be \
         clipped; the first such gradient is that of {parameter}. To scale by the non-finite norm anyway, use \
         error_if_nonfinite = false (called at {location})"
    )]
    NonFinite {
        /// The call's name.
        op: &'static str,
        /// The order of the norm.
        norm_type: f64,
        /// The parameter's name, or its place and shape.
        parameter: String,
        /// The call.
        location: &'static Location<'static>,
    },
}

/// An option outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("Invalid {what}: {value}; expected {expected}")]
pub struct Invalid {
    /// The option, as PyTorch's message names it.
    pub what: &'static str,
    /// Its value.
    pub value: String,
    /// What fits.
    pub expected: &'static str,
}

impl Invalid {
    /// An error unless `holds`: `Invalid::unless(self.lr >= 0.0, "learning rate", self.lr, "lr >= 0")?`.
    ///
    /// # Errors
    /// If not `holds`.
    pub fn unless(
        holds: bool,
        what: &'static str,
        value: impl std::fmt::Debug,
        expected: &'static str,
    ) -> Result<(), Invalid> {
        if holds { Ok(()) } else { Err(Self { what, value: format!("{value:?}"), expected }) }
    }

    /// As an error of `what`.
    pub(crate) fn of(self, what: &'static str, location: &'static Location<'static>) -> Error {
        Error::Option { what, invalid: self, location }
    }
}

/// What does not fit in a saved state.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateFault {
    /// Another number of groups.
    #[error("loaded state dict has a different number of parameter groups: {found}, expected {expected}")]
    Groups {
        /// Groups in the state.
        found: usize,
        /// Groups here.
        expected: usize,
    },
    /// A group of another size.
    #[error(
        "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: \
         group {group} has {found} parameters, expected {expected}"
    )]
    GroupSize {
        /// Which group.
        group: usize,
        /// Parameters in the state.
        found: usize,
        /// Parameters here.
        expected: usize,
    },
    /// An entry that is missing.
    #[error("{key} is missing")]
    Missing {
        /// Where it should be.
        key: String,
    },
    /// An entry that does not belong here.
    #[error("{key} is unexpected; expected {expected}")]
    Unexpected {
        /// Where it is.
        key: String,
        /// The names that fit.
        expected: String,
    },
    /// An entry of another kind or with a value outside its range.
    #[error("{key} is {found}, expected {expected}")]
    Value {
        /// Where it is.
        key: String,
        /// What came.
        found: String,
        /// What fits.
        expected: String,
    },
}

impl StateFault {
    /// As an error of `what`.
    pub(crate) fn of(self, what: &'static str, location: &'static Location<'static>) -> Error {
        Error::State { what, reason: self, location }
    }
}
