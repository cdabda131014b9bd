//! Activations and the softmax family.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::Approximate;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("clamp", "nn_functional_relu6", |c| one(c.x()?.clamp(Some(0.0), Some(6.0)))),
    adapter("clamp", "nn_functional_hardtanh", |c| {
        let (min, max) = (c.arg(0, "min_val").float_or(-1.0)?, c.arg(1, "max_val").float_or(1.0)?);
        one(c.x()?.clamp(Some(min), Some(max)))
    }),
    adapter("gelu", "nn_functional_gelu", |c| {
        let tanh = c.arg(0, "approximate").text_or("none")? == "tanh";
        one(c.x()?.gelu(if tanh { Approximate::Tanh } else { Approximate::None }))
    }),
    adapter("log_softmax", "log_softmax", |c| one(c.x()?.log_softmax(c.arg(0, "dim").int()?))),
    adapter("relu", "nn_functional_relu", |c| one(c.x()?.relu())),
    adapter("sigmoid", "sigmoid", |c| one(c.x()?.sigmoid())),
    adapter("silu", "nn_functional_silu", |c| one(c.x()?.silu())),
    adapter("softmax", "softmax", |c| one(c.x()?.softmax(c.arg(0, "dim").int()?))),
];
