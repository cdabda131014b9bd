//! The crate's error: what was refused, by which layer, and what would have fitted.

use crate::Module;
use crate::place::{self, ModuleId};
use crate::state_dict::SizeMismatch;
use autograd::{DType, Shape};

/// The result of a module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a module refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation outside the layers of this crate was refused.
    #[error(transparent)]
    Autograd(#[from] autograd::Error),
    /// A layer refused its input.
    #[error("{}{layer}: {source}", prefix(.path))]
    Layer {
        /// The place of the layer in the module that was called: names joined by dots; empty for that module itself.
        path: String,
        /// The module that was called.
        root: ModuleId,
        /// The layer with its settings: `Linear(in_features=64, out_features=10, bias=true)`.
        layer: String,
        /// The operation's own error.
        source: Box<autograd::Error>,
    },
    /// A state does not fit the module.
    #[error(transparent)]
    StateDict(Box<StateDictError>),
    /// A buffer set to a value of another shape or dtype.
    #[error(
        "set_value: a value of {found_dtype} {found} cannot replace a buffer of {expected_dtype} {expected}"
    )]
    BufferMismatch {
        /// Shape that came.
        found: Shape,
        /// Dtype that came.
        found_dtype: DType,
        /// Shape of the buffer.
        expected: Shape,
        /// Dtype of the buffer.
        expected_dtype: DType,
    },
    /// A setting outside its range.
    #[error("{op}: {argument} is {value}, expected {expected}")]
    Argument {
        /// The constructor or function.
        op: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// Its value.
        value: String,
        /// What fits.
        expected: &'static str,
    },
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

impl From<autograd::tensor_core::Error> for Error {
    fn from(error: autograd::tensor_core::Error) -> Self {
        Error::Autograd(error.into())
    }
}

/// Adds to an error the module that it comes from: for methods that are no [`Layer::forward`](crate::Layer::forward).
pub(crate) trait OfModule<T> {
    /// The same result, an error with the module and its settings.
    fn of(self, module: &(impl Module + ?Sized)) -> Result<T>;
}

impl<T, E: Into<Error>> OfModule<T> for Result<T, E> {
    fn of(self, module: &(impl Module + ?Sized)) -> Result<T> {
        self.map_err(|error| place::locate(module, error.into()))
    }
}

/// What in a state does not fit a module: PyTorch's three parts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StateDictError {
    /// The type of the module.
    pub module: &'static str,
    /// Names that the module has and the state has not.
    pub missing_keys: Vec<String>,
    /// Names that the state has and the module has not.
    pub unexpected_keys: Vec<String>,
    /// Names with the shape in the state and the shape in the module.
    pub size_mismatches: Vec<SizeMismatch>,
}

impl std::error::Error for StateDictError {}

impl std::fmt::Display for StateDictError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Error(s) in loading state_dict for {}:", self.module)?;
        for (what, keys) in [("Missing", &self.missing_keys), ("Unexpected", &self.unexpected_keys)] {
            if !keys.is_empty() {
                let quoted: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
                write!(f, "\n\t{what} key(s) in state_dict: {}.", quoted.join(", "))?;
            }
        }
        for (name, found, expected) in &self.size_mismatches {
            write!(
                f,
                "\n\tsize mismatch for {name}: copying a param with shape {found} from checkpoint, the shape in \
                 current model is {expected}."
            )?;
        }
        Ok(())
    }
}
