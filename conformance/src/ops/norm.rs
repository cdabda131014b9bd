//! Normalisation.

use super::shared::*;
use super::{Adapter, adapter};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("batch_norm", "nn_functional_batch_norm", batch_norm),
    adapter("batch_norm", "nn_functional_batch_norm_without_cudnn", batch_norm),
    adapter("group_norm", "nn_functional_group_norm", |c| {
        let (weight, bias) =
            (c.arg(1, "weight").optional(Value::var)?, c.arg(2, "bias").optional(Value::var)?);
        let (groups, eps) = (c.arg(0, "num_groups").int()? as usize, c.arg(3, "eps").float_or(1e-5)?);
        one(c.x()?.group_norm(groups, weight.as_ref(), bias.as_ref(), eps))
    }),
    adapter("group_norm", "nn_functional_instance_norm", instance_norm),
    adapter("layer_norm", "nn_functional_layer_norm", |c| {
        let shape = c.arg(0, "normalized_shape").shape()?;
        let (weight, bias) =
            (c.arg(1, "weight").optional(Value::var)?, c.arg(2, "bias").optional(Value::var)?);
        one(c.x()?.layer_norm(shape, weight.as_ref(), bias.as_ref(), c.arg(3, "eps").float_or(1e-5)?))
    }),
    adapter("group_norm", "nn_functional_local_response_norm", |c| {
        let (alpha, beta) = (c.arg(1, "alpha").float_or(1e-4)?, c.arg(2, "beta").float_or(0.75)?);
        let size = c.arg(0, "size").int()? as usize;
        one(c.x()?.local_response_norm(size, alpha, beta, c.arg(3, "k").float_or(1.0)?))
    }),
    adapter("rms_norm", "nn_functional_rms_norm", |c| {
        let shape = c.arg(0, "normalized_shape").shape()?;
        let weight = c.arg(1, "weight").optional(Value::var)?;
        one(c.x()?.rms_norm(shape, weight.as_ref(), c.arg(2, "eps").float_or(f64::EPSILON)?))
    }),
];

fn batch_norm(c: &Call) -> Replayed {
    let x = c.x()?;
    let (weight, bias) = (c.arg(2, "weight").optional(Value::var)?, c.arg(3, "bias").optional(Value::var)?);
    let (weight, bias, eps) = (weight.as_ref(), bias.as_ref(), c.arg(6, "eps").float_or(1e-5)?);
    if c.arg(4, "training").bool_or(false)? {
        return Ok(vec![x.batch_norm(weight, bias, eps)?.0]);
    }
    let (mean, var) = (c.arg(0, "running_mean").tensor()?, c.arg(1, "running_var").tensor()?);
    one(x.batch_norm_eval(&mean, &var, weight, bias, eps))
}

fn instance_norm(c: &Call) -> Replayed {
    let (weight, bias) = (c.arg(2, "weight").optional(Value::var)?, c.arg(3, "bias").optional(Value::var)?);
    let (weight, bias, eps) = (weight.as_ref(), bias.as_ref(), c.arg(6, "eps").float_or(1e-5)?);
    if c.arg(4, "use_input_stats").bool_or(true)? {
        return one(c.x()?.instance_norm(weight, bias, eps));
    }
    let (mean, var) = (c.arg(0, "running_mean").tensor()?, c.arg(1, "running_var").tensor()?);
    one(c.x()?.batch_norm_eval(&mean, &var, weight, bias, eps))
}
