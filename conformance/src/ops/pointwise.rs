//! Functions of one or two elements.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{Result, RoundingMode, Tensor, Var};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("", "eq", |c| beside(c, "other", Var::eq, |x, n| x.eq_scalar(n))),
    adapter("", "floor_divide", |c| {
        let with_number = |x: &Var, n| x.beside(n).and_then(|(x, n)| x.floor_divide(&n));
        beside(c, "other", Var::floor_divide, with_number)
    }),
    adapter("", "ge", |c| beside(c, "other", Var::ge, |x, n| x.ge_scalar(n))),
    adapter("", "gt", |c| beside(c, "other", Var::gt, |x, n| x.gt_scalar(n))),
    adapter("", "isfinite", |c| test(c, Var::isfinite)),
    adapter("", "isinf", |c| test(c, Var::isinf)),
    adapter("", "isnan", |c| test(c, Var::isnan)),
    adapter("", "le", |c| beside(c, "other", Var::le, |x, n| x.le_scalar(n))),
    adapter("", "logical_and", |c| logical(c, Var::logical_and)),
    adapter("", "logical_not", |c| test(c, Var::logical_not)),
    adapter("", "logical_or", |c| logical(c, Var::logical_or)),
    adapter("", "logical_xor", |c| logical(c, Var::logical_xor)),
    adapter("", "lt", |c| beside(c, "other", Var::lt, |x, n| x.lt_scalar(n))),
    adapter("", "ne", |c| beside(c, "other", Var::ne, |x, n| x.ne_scalar(n))),
    // A variable is a value: another handle on it is a copy.
    adapter("", "clone", |c| one(Ok(c.x()?))),
    adapter("", "positive", |c| one(Ok(c.x()?))),
    adapter("abs", "abs", |c| one(c.x()?.abs())),
    adapter("add", "add", |c| beside(c, "other", Var::add, |x, n| x.add_scalar(n))),
    adapter("add", "__radd__", |c| beside(c, "other", Var::add, |x, n| x.add_scalar(n))),
    adapter("atan2", "atan2", |c| pair(c, Var::atan2)),
    adapter("atan2", "hypot", |c| pair(c, Var::hypot)),
    adapter("clamp", "clamp", |c| clamp(c, c.arg(0, "min"), c.arg(1, "max"))),
    adapter("clamp", "clamp_max", |c| clamp(c, Value::None, c.arg(0, "max"))),
    adapter("clamp", "clamp_min", |c| clamp(c, c.arg(0, "min"), Value::None)),
    adapter("copysign", "copysign", |c| beside(c, "other", Var::copysign, |x, n| x.copysign_scalar(n))),
    adapter("div", "div_no_rounding_mode", |c| beside(c, "other", Var::div, |x, n| x.div_scalar(n))),
    adapter("div", "__rdiv__", |c| {
        beside(c, "other", |x, other| other.div(x), |x, n| x.reciprocal()?.mul_scalar(n))
    }),
    adapter("erf", "erf", |c| one(c.x()?.erf())),
    adapter("erf", "erfc", |c| one(c.x()?.erfc())),
    adapter("erf", "erfinv", |c| one(c.x()?.erfinv())),
    adapter("exp", "exp", |c| one(c.x()?.exp())),
    adapter("exp2", "exp2", |c| one(c.x()?.exp2())),
    adapter("exp2", "log10", |c| one(c.x()?.log10())),
    adapter("exp2", "log2", |c| one(c.x()?.log2())),
    adapter("expm1", "expm1", |c| one(c.x()?.expm1())),
    adapter("hyperbolic", "acosh", |c| one(c.x()?.acosh())),
    adapter("hyperbolic", "asinh", |c| one(c.x()?.asinh())),
    adapter("hyperbolic", "atanh", |c| one(c.x()?.atanh())),
    adapter("hyperbolic", "cosh", |c| one(c.x()?.cosh())),
    adapter("hyperbolic", "sinh", |c| one(c.x()?.sinh())),
    adapter("lerp", "addcdiv", |c| {
        let (a, b) = (c.arg(0, "tensor1").var()?, c.arg(1, "tensor2").var()?);
        one(c.x()?.addcdiv(&a, &b, c.kwarg("value").or(1.into(), Value::scalar)?))
    }),
    adapter("lerp", "addcmul", |c| {
        let (a, b) = (c.arg(0, "tensor1").var()?, c.arg(1, "tensor2").var()?);
        one(c.x()?.addcmul(&a, &b, c.kwarg("value").or(1.into(), Value::scalar)?))
    }),
    adapter("lerp", "lerp", |c| {
        let (x, end) = (c.x()?, c.arg(0, "end").var()?);
        match c.arg(1, "weight") {
            Value::Tensor(weight) => one(x.lerp(&end, &weight)),
            weight => one(x.lerp_scalar(&end, weight.float()?)),
        }
    }),
    adapter("lgamma", "digamma", |c| one(c.x()?.digamma())),
    adapter("lgamma", "lgamma", |c| one(c.x()?.lgamma())),
    adapter("log", "log", |c| one(c.x()?.log())),
    adapter("log1p", "log1p", |c| one(c.x()?.log1p())),
    adapter("logaddexp", "logaddexp", |c| pair(c, Var::logaddexp)),
    adapter("logit", "logit", |c| one(c.x()?.logit(c.arg(0, "eps").optional(Value::float)?))),
    adapter("maximum", "fmax", |c| pair(c, Var::fmax)),
    adapter("maximum", "fmin", |c| pair(c, Var::fmin)),
    adapter("maximum", "max_binary", |c| pair(c, Var::maximum)),
    adapter("maximum", "maximum", |c| pair(c, Var::maximum)),
    adapter("maximum", "min_binary", |c| pair(c, Var::minimum)),
    adapter("maximum", "minimum", |c| pair(c, Var::minimum)),
    adapter("mul", "mul", |c| beside(c, "other", Var::mul, |x, n| x.mul_scalar(n))),
    adapter("mul", "__rmul__", |c| beside(c, "other", Var::mul, |x, n| x.mul_scalar(n))),
    adapter("nan_to_num", "nan_to_num", |c| {
        let number = |at, name| c.arg(at, name).optional(Value::float);
        one(c.x()?.nan_to_num(c.arg(0, "nan").float_or(0.0)?, number(1, "posinf")?, number(2, "neginf")?))
    }),
    adapter("neg", "neg", |c| one(c.x()?.neg())),
    adapter("pow", "__rpow__", |c| beside(c, "other", |x, base| base.pow(x), |x, base| x.rpow_scalar(base))),
    adapter("pow", "pow", |c| beside(c, "exponent", Var::pow, |x, n| x.pow_scalar(n))),
    adapter("reciprocal", "reciprocal", |c| one(c.x()?.reciprocal())),
    adapter("reciprocal", "rsqrt", |c| one(c.x()?.rsqrt())),
    adapter("reciprocal", "square", |c| one(c.x()?.square())),
    adapter("remainder", "fmod", |c| beside(c, "other", Var::fmod, |x, n| x.fmod_scalar(n))),
    adapter("remainder", "remainder", |c| beside(c, "other", Var::remainder, |x, n| x.remainder_scalar(n))),
    adapter("round", "ceil", |c| one(c.x()?.ceil())),
    adapter("round", "div_floor_rounding", |c| divide(c, RoundingMode::Floor)),
    adapter("round", "div_trunc_rounding", |c| divide(c, RoundingMode::Trunc)),
    adapter("round", "floor", |c| one(c.x()?.floor())),
    adapter("round", "frac", |c| one(c.x()?.frac())),
    adapter("round", "round", |c| match c.kwarg("decimals").int_or(0)? {
        0 => one(c.x()?.round()),
        decimals => one(c.x()?.round_decimals(decimals as i32)),
    }),
    adapter("round", "sgn", |c| one(c.x()?.sgn())),
    adapter("round", "sign", |c| one(c.x()?.sign())),
    adapter("round", "trunc", |c| one(c.x()?.trunc())),
    adapter("sqrt", "sqrt", |c| one(c.x()?.sqrt())),
    adapter("sub", "sub", |c| beside(c, "other", Var::sub, |x, n| x.sub_scalar(n))),
    adapter("sub", "__rsub__", |c| {
        beside(c, "other", |x, other| other.sub(x), |x, n| x.neg()?.add_scalar(n))
    }),
    adapter("tanh", "tanh", |c| one(c.x()?.tanh())),
    adapter("trigonometric", "acos", |c| one(c.x()?.acos())),
    adapter("trigonometric", "asin", |c| one(c.x()?.asin())),
    adapter("trigonometric", "atan", |c| one(c.x()?.atan())),
    adapter("trigonometric", "cos", |c| one(c.x()?.cos())),
    adapter("trigonometric", "deg2rad", |c| one(c.x()?.deg2rad())),
    adapter("trigonometric", "rad2deg", |c| one(c.x()?.rad2deg())),
    adapter("trigonometric", "sin", |c| one(c.x()?.sin())),
    adapter("trigonometric", "sinc", |c| one(c.x()?.sinc())),
    adapter("trigonometric", "tan", |c| one(c.x()?.tan())),
    adapter("xlogy", "xlogy", |c| beside(c, "other", Var::xlogy, |x, n| x.xlogy_scalar(n))),
];

/// A function of two tensors.
fn pair(c: &Call, f: impl Fn(&Var, &Var) -> Result<Var>) -> Replayed {
    let (x, other) = alike(&c.x()?, &c.arg(0, "other").var()?)?;
    one(f(&x, &other))
}

/// A test of each element.
fn test(c: &Call, f: impl Fn(&Var) -> Result<Tensor>) -> Replayed {
    Ok(vec![f(&c.x()?)?.into()])
}

/// A logical function of two tensors of any dtypes.
fn logical(c: &Call, f: impl Fn(&Var, &Var) -> Result<Tensor>) -> Replayed {
    Ok(vec![f(&c.x()?, &c.arg(0, "other").var()?)?.into()])
}

fn divide(c: &Call, mode: RoundingMode) -> Replayed {
    beside(c, "other", |a, b| a.div_mode(b, mode), |x, n| x.div_mode_scalar(n, mode))
}

/// Bounds by numbers or by tensors.
fn clamp(c: &Call, min: Value, max: Value) -> Replayed {
    let x = c.x()?;
    if !matches!(min, Value::Tensor(_)) && !matches!(max, Value::Tensor(_)) {
        return one(x.clamp(min.optional(Value::float)?, max.optional(Value::float)?));
    }
    let bound = |value: &Value| Ok(value.var()?.to_dtype(x.dtype())?);
    let (min, max) = (min.optional(bound)?, max.optional(bound)?);
    one(x.clamp_tensor(min.as_ref(), max.as_ref()))
}
