//! What several families ask of a call.

pub use crate::call::{Call, Replayed};
pub use crate::value::{Asked, Value, unsupported};
use autograd::{Result, Scalar, Tensor, Var};

/// One result.
pub fn one(y: Result<Var>) -> Replayed {
    Ok(vec![y?])
}

/// One result without a gradient.
pub fn constant(y: tensor_core::Result<Tensor>) -> Replayed {
    Ok(vec![y?.into()])
}

/// A number or a tensor beside the input: argument 0, or the keyword `name`.
pub fn beside<Y>(
    call: &Call,
    name: &str,
    with_tensor: impl Fn(&Var, &Var) -> Result<Y>,
    with_number: impl Fn(&Var, Scalar) -> Result<Y>,
) -> Replayed
where
    Var: From<Y>,
{
    let x = call.x()?;
    let alpha = call.arg(1, "alpha").or(Scalar::Int(1), Value::scalar)?;
    let y = match call.arg(0, name) {
        Value::Tensor(other) => {
            let other = if alpha == Scalar::Int(1) { other } else { other.mul_scalar(alpha)? };
            let (x, other) = alike(&x, &other)?;
            with_tensor(&x, &other)
        }
        other => with_number(&x, times(other.scalar()?, alpha)),
    };
    Ok(vec![y?.into()])
}

/// The product of two numbers, an integer if both are.
fn times(a: Scalar, b: Scalar) -> Scalar {
    match (a, b) {
        (_, Scalar::Int(1)) => a,
        (Scalar::Float(_), _) | (_, Scalar::Float(_)) => Scalar::Float(a.to::<f64>() * b.to::<f64>()),
        _ => Scalar::Int(a.to::<i64>().wrapping_mul(b.to::<i64>())),
    }
}

/// Two tensors in one dtype, as PyTorch promotes an integer beside a float; here one converts.
pub fn alike(a: &Var, b: &Var) -> Result<(Var, Var)> {
    let dtype = if a.dtype().is_float() { a.dtype() } else { b.dtype() };
    Ok((a.to_dtype(dtype)?, b.to_dtype(dtype)?))
}

/// `x` in the dtype that the call names, if it names one.
pub fn in_dtype(call: &Call, x: Var) -> Asked<Var> {
    Ok(match call.arg(1, "dtype").optional(Value::dtype)? {
        Some(dtype) => x.to_dtype(dtype)?,
        None => x,
    })
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
