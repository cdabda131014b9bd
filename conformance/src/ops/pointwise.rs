//! Functions of one or two elements.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::Var;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("abs", "abs", |c| one(c.x()?.abs())),
    adapter("add", "add", |c| beside(c, Var::add, |x, n| x.add_scalar(n))),
    adapter("add", "__radd__", |c| beside(c, Var::add, |x, n| x.add_scalar(n))),
    adapter("div", "div_no_rounding_mode", |c| beside(c, Var::div, |x, n| x.div_scalar(n))),
    adapter("div", "__rdiv__", |c| {
        beside(c, |x, other| other.div(x), |x, n| x.pow_scalar(-1)?.mul_scalar(n))
    }),
    adapter("erf", "erf", |c| one(c.x()?.erf())),
    adapter("exp", "exp", |c| one(c.x()?.exp())),
    adapter("expm1", "expm1", |c| one(c.x()?.expm1())),
    adapter("log", "log", |c| one(c.x()?.log())),
    adapter("log1p", "log1p", |c| one(c.x()?.log1p())),
    adapter("maximum", "maximum", |c| one(c.x()?.maximum(&c.arg(0, "other").var()?))),
    adapter("maximum", "minimum", |c| one(c.x()?.minimum(&c.arg(0, "other").var()?))),
    adapter("maximum", "clamp_min", |c| one(c.x()?.maximum(&c.arg(0, "min").var()?))),
    adapter("maximum", "clamp_max", |c| one(c.x()?.minimum(&c.arg(0, "max").var()?))),
    adapter("mul", "mul", |c| beside(c, Var::mul, |x, n| x.mul_scalar(n))),
    adapter("mul", "__rmul__", |c| beside(c, Var::mul, |x, n| x.mul_scalar(n))),
    adapter("neg", "neg", |c| one(c.x()?.neg())),
    adapter("pow_scalar", "square", |c| one(c.x()?.pow_scalar(2))),
    adapter("pow_scalar", "rsqrt", |c| one(c.x()?.pow_scalar(-0.5))),
    adapter("pow_scalar", "reciprocal", |c| one(c.x()?.pow_scalar(-1))),
    adapter("sqrt", "sqrt", |c| one(c.x()?.sqrt())),
    adapter("sub", "sub", |c| beside(c, Var::sub, |x, n| x.sub_scalar(n))),
    adapter("sub", "__rsub__", |c| beside(c, |x, other| other.sub(x), |x, n| x.neg()?.add_scalar(n))),
    adapter("tanh", "tanh", |c| one(c.x()?.tanh())),
];
