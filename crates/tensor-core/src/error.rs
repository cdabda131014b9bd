//! The crate's error: what failed, where it was called, and what would have fitted.

use crate::{DType, Shape};
use std::panic::Location;

/// The result of a tensor method.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a tensor operation was refused: the operation, the caller's source line and an [`ErrorKind`].
///
/// ```
/// use tensor_core::Tensor;
///
/// let a = Tensor::from_vec(vec![1.0f32, 2.0], [2])?;
/// let b = Tensor::from_vec(vec![1.0f32, 2.0, 3.0], [3])?;
/// let message = a.add(&b).unwrap_err().to_string();
/// assert!(message.starts_with("add: shapes [2] and [3] cannot be broadcast together"));
/// # Ok::<(), tensor_core::Error>(())
/// ```
#[derive(Clone, PartialEq, thiserror::Error)]
#[error("{}: {} (called at {})", .0.op, .0.kind, .0.location)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq)]
struct Inner {
    op: &'static str,
    kind: ErrorKind,
    location: &'static Location<'static>,
}

impl Error {
    /// An error of `op`, called from the line that called this function's caller.
    #[cold]
    #[track_caller]
    pub fn new(op: &'static str, kind: ErrorKind) -> Self {
        Self(Box::new(Inner { op, kind, location: Location::caller() }))
    }

    /// The same error, reported for `location`: for callers that knew the user's line all along.
    pub fn at(mut self, location: &'static Location<'static>) -> Self {
        self.0.location = location;
        self
    }

    /// The same error, reported for the operation `op`: for operations built from others.
    pub fn of(mut self, op: &'static str) -> Self {
        self.0.op = op;
        self
    }

    /// What was wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The operation that refused.
    pub fn op(&self) -> &'static str {
        self.0.op
    }

    /// The source line of the call.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// What was wrong with a call.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Two shapes that do not broadcast.
    #[error(
        "shapes {left} and {right} cannot be broadcast together; sizes must match or be 1, counted from the right"
    )]
    Broadcast {
        /// Shape of the left operand.
        left: Shape,
        /// Shape of the right operand.
        right: Shape,
    },
    /// An argument of another shape than the operation needs.
    #[error("{argument} has shape {found}, expected {expected}")]
    ShapeMismatch {
        /// The argument's name.
        argument: &'static str,
        /// The shape that came.
        found: Shape,
        /// The shape that fits, as text where any size fits in a place ("[N, 10]").
        expected: String,
    },
    /// A dimension that the tensor does not have.
    #[error("dimension {dim} is out of range for shape {shape}; expected {}", dim_range(shape))]
    DimOutOfRange {
        /// The dimension that came.
        dim: isize,
        /// The tensor's shape.
        shape: Shape,
    },
    /// A dimension named twice.
    #[error("dimension {dim} appears more than once")]
    DimRepeated {
        /// The dimension, counted from 0.
        dim: usize,
    },
    /// An index beyond the size of its dimension.
    #[error("index {index} is out of bounds for dimension {dim} with size {size}")]
    IndexOutOfRange {
        /// The index that came.
        index: i64,
        /// The dimension, counted from 0.
        dim: usize,
        /// Its size.
        size: usize,
    },
    /// A new shape with another number of elements.
    #[error("shape {shape} is invalid for {elements} elements")]
    ElementCount {
        /// The shape asked for.
        shape: Shape,
        /// The elements at hand.
        elements: usize,
    },
    /// Operands of two dtypes.
    #[error(
        "operands are {left} and {right}; convert one with to_dtype(DType::{left:?}) or to_dtype(DType::{right:?})"
    )]
    DTypeMismatch {
        /// Dtype of the left operand.
        left: DType,
        /// Dtype of the right operand.
        right: DType,
    },
    /// A dtype that the operation does not take.
    #[error("{argument} is {found}, expected {expected}")]
    DType {
        /// The argument's name.
        argument: &'static str,
        /// The dtype that came.
        found: DType,
        /// What fits.
        expected: &'static str,
    },
    /// A shape whose number of bytes does not fit in memory's address range.
    #[error("shape {shape:?} has more elements than memory can address")]
    ShapeOverflow {
        /// The shape asked for.
        shape: Vec<usize>,
    },
    /// The system has no memory of this size, or the limit of [`memory::set_limit`](crate::memory::set_limit) is met.
    #[error("out of memory: {bytes} bytes could not be allocated")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// An argument with a value outside its range.
    #[error("{argument} is {value}, expected {expected}")]
    Argument {
        /// The argument's name.
        argument: &'static str,
        /// Its value.
        value: String,
        /// What fits.
        expected: &'static str,
    },
    /// A tensor whose elements do not lie side by side, where a plain slice is asked for.
    #[error("tensor of shape {shape} is not contiguous; call contiguous() first")]
    NotContiguous {
        /// The tensor's shape.
        shape: Shape,
    },
    /// A matrix without an inverse.
    #[error("matrix {batch} of the batch is singular: diagonal element {diagonal} of its factor U is zero")]
    Singular {
        /// Which matrix of the batch, counted from 0 over all leading dimensions.
        batch: usize,
        /// Which element, counted from 1.
        diagonal: usize,
    },
    /// A matrix that has no Cholesky factor.
    #[error(
        "matrix {batch} of the batch is not positive-definite: its leading minor of order {minor} is not positive"
    )]
    NotPositiveDefinite {
        /// Which matrix of the batch, counted from 0 over all leading dimensions.
        batch: usize,
        /// The order of the minor, counted from 1.
        minor: usize,
    },
    /// A matrix with elements that no decomposition can hold.
    #[error("matrix {batch} of the batch has NaN or infinite elements")]
    NotFinite {
        /// Which matrix of the batch, counted from 0 over all leading dimensions.
        batch: usize,
    },
    /// A reduction without a neutral value over no elements.
    #[error("shape {shape} has no elements to reduce; the operation has no neutral value")]
    EmptyReduction {
        /// The tensor's shape.
        shape: Shape,
    },
    /// An integer division by zero.
    #[error("integer division by zero")]
    ZeroDivision,
    /// The file system refused.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// A file that is not what it should be.
    #[error("{path}: at byte {offset}: {reason}")]
    Format {
        /// The file, or what stands for it.
        path: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong there and what was expected.
        reason: String,
    },
    /// A pickle that names code or a type that is not PyTorch's own for plain values and tensors.
    #[error(
        "{path}: at byte {offset}: the pickle names {global}, which is not known; only values, lists, dictionaries and \
         tensors of f32, f64, f16, bf16, i64, i32, u8 and bool are read, and no code is run"
    )]
    UnknownGlobal {
        /// The file, or what stands for it.
        path: String,
        /// Where in the pickle.
        offset: u64,
        /// The name, with its module.
        global: String,
    },
}

fn dim_range(shape: &Shape) -> String {
    // PyTorch lets a 0-d tensor be addressed as if it had one dimension.
    let rank = shape.len().max(1);
    format!("{} to {}", -(rank as isize), rank - 1)
}
