//! The crate's error: what was refused, and what would have fitted.

use std::panic::Location;
use tensor_core::{DType, Shape};

/// The result of an operation on variables.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation on variables was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operation on the values was refused.
    #[error(transparent)]
    Tensor(#[from] tensor_core::Error),
    /// `backward()` on more than one element without a seed.
    #[error(
        "backward: grad can be implicitly created only for scalar outputs, found shape {shape}; \
         reduce it to one element or pass a seed with backward_with(seed) (called at {location})"
    )]
    NotScalar {
        /// Shape of the root.
        shape: Shape,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A seed of another shape or dtype than its output.
    #[error(
        "backward: mismatch in shape or dtype: grad_output[{index}] is {seed_dtype} {seed} and output[{index}] is \
         {output_dtype} {output}; they must be equal (called at {location})"
    )]
    SeedMismatch {
        /// Which output.
        index: usize,
        /// Shape of the seed.
        seed: Shape,
        /// Dtype of the seed.
        seed_dtype: DType,
        /// Shape of the output.
        output: Shape,
        /// Dtype of the output.
        output_dtype: DType,
        /// The call.
        location: &'static Location<'static>,
    },
    /// Backward from a value without history.
    #[error(
        "backward: element {index} of the outputs does not require grad and does not have a history; \
         did no_grad or detach cut it, or does a gradient lack create_graph = true? (called at {location})"
    )]
    NoHistory {
        /// Which output.
        index: usize,
        /// The call.
        location: &'static Location<'static>,
    },
    /// Backward through values that an earlier backward freed.
    #[error(
        "backward: trying to backward through the graph a second time: the values that {op} (called at {created}) \
         saved were freed by the first; specify retain_graph = true there (called at {location})"
    )]
    Freed {
        /// The operation whose values are gone.
        op: &'static str,
        /// Where it was applied.
        created: &'static Location<'static>,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A value that has no gradient by its dtype.
    #[error(
        "{op}: only tensors of floating point dtype can require gradients, found {found}; \
         convert with to_dtype(DType::F32) (called at {location})"
    )]
    NotFloat {
        /// The call's name.
        op: &'static str,
        /// The dtype that came.
        found: DType,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A read of plain values from a tracked variable.
    #[error(
        "{op}: can't read the values of a Var that requires grad; use detach().{op}() instead (called at {location})"
    )]
    Tracked {
        /// The reading method.
        op: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// An operation for leaves on another value.
    #[error(
        "{op}: only leaves can do this, and this Var is the result of {producer}; {hint} (called at {location})"
    )]
    NotLeaf {
        /// The call's name.
        op: &'static str,
        /// The operation that made the value.
        producer: &'static str,
        /// What to do instead.
        hint: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A hook or `retain_grad` on a value that gets no gradient.
    #[error("{op}: cannot register on a Var that doesn't require gradient (called at {location})")]
    NotTracked {
        /// The call's name.
        op: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A gradient assigned with another shape or dtype than its leaf.
    #[error(
        "{op}: a gradient of {found_dtype} {found} cannot be assigned to a value of {expected_dtype} {expected} \
         (called at {location})"
    )]
    GradMismatch {
        /// The call's name.
        op: &'static str,
        /// Shape that came.
        found: Shape,
        /// Dtype that came.
        found_dtype: DType,
        /// Shape of the leaf.
        expected: Shape,
        /// Dtype of the leaf.
        expected_dtype: DType,
        /// The call.
        location: &'static Location<'static>,
    },
    /// An input of `grad` that the outputs do not depend on.
    #[error(
        "grad: one of the differentiated inputs (index {index}) appears to not have been used in the graph; \
         set allow_unused = true if this is intended (called at {location})"
    )]
    Unused {
        /// Which input.
        index: usize,
        /// The call.
        location: &'static Location<'static>,
    },
    /// A rule that returned too many or too few gradients.
    #[error(
        "backward: {op} returned an incorrect number of gradients (expected {expected}, got {found}); it was applied at {created}"
    )]
    GradCount {
        /// The operation.
        op: &'static str,
        /// Its number of inputs.
        expected: usize,
        /// What it returned.
        found: usize,
        /// Where it was applied.
        created: &'static Location<'static>,
    },
    /// A rule that returned a gradient that does not fit its input.
    #[error(
        "backward: {op} returned an invalid gradient at index {index}: got {found}, expected a shape compatible with \
         {expected}; it was applied at {created}"
    )]
    GradShape {
        /// The operation.
        op: &'static str,
        /// Which input.
        index: usize,
        /// Shape that came.
        found: Shape,
        /// Shape of the input.
        expected: Shape,
        /// Where it was applied.
        created: &'static Location<'static>,
    },
    /// A NaN or infinity that anomaly mode found.
    #[error(
        "{pass}: function '{op}' returned {found} values in its {index}th output, of shape {shape}; \
         it was applied at {created}"
    )]
    Anomaly {
        /// "forward" or "backward": there the outputs are the gradients of the operation's inputs.
        pass: &'static str,
        /// The operation.
        op: &'static str,
        /// Which output.
        index: usize,
        /// "nan" or "inf".
        found: &'static str,
        /// The output's shape.
        shape: Shape,
        /// Where the operation was applied.
        created: &'static Location<'static>,
    },
    /// A checkpoint that cannot be computed again as it was.
    #[error("checkpoint: {reason} (called at {location})")]
    Checkpoint {
        /// What differed.
        reason: String,
        /// The call of `checkpoint`.
        location: &'static Location<'static>,
    },
    /// A hook on a finished gradient that failed.
    #[error("backward: a post-accumulate-grad hook failed: {reason} (called at {location})")]
    Hook {
        /// The hook's words.
        reason: String,
        /// The call of backward.
        location: &'static Location<'static>,
    },
    /// An analytical gradient that differs from the numerical one.
    #[error(
        "gradcheck: Jacobian mismatch for output {output} with respect to input {input}, element [{row}, {column}]: \
         numerical {numerical:e}, analytical {analytical:e}\n{report}"
    )]
    GradCheck {
        /// Which output.
        output: usize,
        /// Which input.
        input: usize,
        /// Element of the output.
        row: usize,
        /// Element of the input.
        column: usize,
        /// By central differences.
        numerical: f64,
        /// By the rule.
        analytical: f64,
        /// The inputs, so that the case can be repeated.
        report: String,
    },
    /// An argument with a value outside its range.
    #[error("{op}: {argument} is {value}, expected {expected} (called at {location})")]
    Argument {
        /// The call's name.
        op: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// Its value.
        value: String,
        /// What fits.
        expected: &'static str,
        /// The call.
        location: &'static Location<'static>,
    },
}
