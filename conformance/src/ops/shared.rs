//! What several families ask of a call.

pub use crate::call::{Call, Replayed};
pub use crate::value::{Asked, Value, unsupported};
use autograd::{Result, Tensor, Var};

/// One result.
pub fn one(y: Result<Var>) -> Replayed {
    Ok(vec![y?])
}

/// One result without a gradient.
pub fn constant(y: tensor_core::Result<Tensor>) -> Replayed {
    Ok(vec![y?.into()])
}

/// A number or a tensor beside the input.
pub fn beside(
    call: &Call,
    with_tensor: impl Fn(&Var, &Var) -> Result<Var>,
    with_number: impl Fn(&Var, f64) -> Result<Var>,
) -> Replayed {
    let x = call.x()?;
    match call.arg(0, "other") {
        Value::Tensor(other) => {
            let alpha = call.arg(1, "alpha").float_or(1.0)?;
            one(with_tensor(&x, &if alpha == 1.0 { other } else { other.mul_scalar(alpha)? }))
        }
        other => one(with_number(&x, other.float()?)),
    }
}

/// The reduced dimensions, argument `at`; all, if none are named.
pub fn dims(c: &Call, at: usize) -> Asked<Vec<isize>> {
    c.arg(at, "dim").ints()
}

/// Whether the reduced dimensions stay, argument `at`.
pub fn keepdim(c: &Call, at: usize) -> Asked<bool> {
    c.arg(at, "keepdim").bool_or(false)
}

/// Values and where they were found.
pub fn picked(found: Result<(Var, Tensor)>) -> Replayed {
    let (values, indices) = found?;
    Ok(vec![values, indices.into()])
}

/// The reduced dimension, argument `at`, if one is named.
pub fn dim(c: &Call, at: usize) -> Asked<Option<isize>> {
    c.arg(at, "dim").optional(Value::int)
}
