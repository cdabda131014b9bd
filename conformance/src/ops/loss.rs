//! Losses.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{CrossEntropyOptions, Reduction};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("cross_entropy", "nn_functional_cross_entropy", |c| {
        let weight = c.arg(1, "weight").optional(Value::var)?.map(|w| w.detach());
        one(c.x()?.cross_entropy_with(c.arg(0, "target").var()?, weight.as_ref(), loss_options(c)?))
    }),
    adapter("mse_loss", "nn_functional_mse_loss", |c| {
        one(c.x()?.mse_loss(c.arg(0, "target").var()?, loss_options(c)?.reduction))
    }),
    adapter("nll_loss", "nn_functional_nll_loss", |c| {
        let weight = c.arg(1, "weight").optional(Value::var)?.map(|w| w.detach());
        one(c.x()?.nll_loss(&c.arg(0, "target").index()?, weight.as_ref(), loss_options(c)?))
    }),
];

fn loss_options(c: &Call) -> Asked<CrossEntropyOptions> {
    let reduction = match c.kwarg("reduction").text_or("mean")?.as_str() {
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        "none" => Reduction::None,
        _ => return unsupported("reduction"),
    };
    Ok(CrossEntropyOptions {
        ignore_index: c.kwarg("ignore_index").int_or(-100)? as i64,
        label_smoothing: c.kwarg("label_smoothing").float_or(0.0)?,
        reduction,
    })
}
