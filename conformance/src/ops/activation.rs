//! Activations and the softmax family.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{Approximate, Result, Var};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("elu", "nn_functional_celu", |c| with_number(c, "alpha", 1.0, Var::celu)),
    adapter("elu", "nn_functional_elu", |c| with_number(c, "alpha", 1.0, Var::elu)),
    adapter("elu", "nn_functional_logsigmoid", |c| one(c.x()?.logsigmoid())),
    adapter("elu", "nn_functional_mish", |c| one(c.x()?.mish())),
    adapter("elu", "nn_functional_selu", |c| one(c.x()?.selu())),
    adapter("elu", "nn_functional_softplus", |c| {
        let (beta, threshold) = (c.arg(0, "beta").float_or(1.0)?, c.arg(1, "threshold").float_or(20.0)?);
        one(c.x()?.softplus(beta, threshold))
    }),
    adapter("elu", "nn_functional_softsign", |c| one(c.x()?.softsign())),
    adapter("elu", "nn_functional_tanhshrink", |c| one(c.x()?.tanhshrink())),
    adapter("gelu", "nn_functional_gelu", |c| {
        let tanh = c.arg(0, "approximate").text_or("none")? == "tanh";
        one(c.x()?.gelu(if tanh { Approximate::Tanh } else { Approximate::None }))
    }),
    adapter("glu", "nn_functional_glu", |c| one(c.x()?.glu(c.arg(0, "dim").int_or(-1)?))),
    adapter("log_softmax", "log_softmax", |c| along(c, Var::log_softmax)),
    adapter("prelu", "nn_functional_prelu", |c| one(c.x()?.prelu(&c.arg(0, "weight").var()?))),
    adapter("rectifier", "nn_functional_hardshrink", |c| with_number(c, "lambd", 0.5, Var::hardshrink)),
    adapter("rectifier", "nn_functional_hardsigmoid", |c| one(c.x()?.hardsigmoid())),
    adapter("rectifier", "nn_functional_hardswish", |c| one(c.x()?.hardswish())),
    adapter("rectifier", "nn_functional_hardtanh", |c| {
        let (min, max) = (c.arg(0, "min_val").float_or(-1.0)?, c.arg(1, "max_val").float_or(1.0)?);
        one(c.x()?.hardtanh(min, max))
    }),
    adapter("rectifier", "nn_functional_leaky_relu", |c| {
        with_number(c, "negative_slope", 0.01, Var::leaky_relu)
    }),
    adapter("rectifier", "nn_functional_relu6", |c| one(c.x()?.relu6())),
    adapter("rectifier", "nn_functional_softshrink", |c| with_number(c, "lambd", 0.5, Var::softshrink)),
    adapter("rectifier", "nn_functional_threshold", |c| {
        one(c.x()?.threshold(c.arg(0, "threshold").float()?, c.arg(1, "value").float()?))
    }),
    adapter("relu", "nn_functional_relu", |c| one(c.x()?.relu())),
    adapter("sigmoid", "sigmoid", |c| one(c.x()?.sigmoid())),
    adapter("silu", "nn_functional_silu", |c| one(c.x()?.silu())),
    adapter("softmax", "nn_functional_softmin", |c| along(c, Var::softmin)),
    adapter("softmax", "softmax", |c| along(c, Var::softmax)),
];

/// A function with one number as its parameter.
fn with_number(c: &Call, name: &str, default: f64, f: impl Fn(&Var, f64) -> Result<Var>) -> Replayed {
    one(f(&c.x()?, c.arg(0, name).float_or(default)?))
}

/// A function along a dimension, with the dtype in which to compute it as the last argument.
fn along(c: &Call, f: impl Fn(&Var, isize) -> Result<Var>) -> Replayed {
    let x = in_dtype(c, c.x()?)?;
    one(f(&x, c.arg(0, "dim").int()?))
}
