//! Pooling.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{AvgPoolOptions, MaxPoolOptions, Result, Tensor, Var};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("avg_pool", "nn_functional_adaptive_avg_pool1d", |c| match output::<1>(c)? {
        [Some(size)] => one(c.x()?.adaptive_avg_pool1d(size)),
        [None] => one(Ok(c.x()?)),
    }),
    adapter("avg_pool", "nn_functional_adaptive_avg_pool2d", |c| one(c.x()?.adaptive_avg_pool2d(output(c)?))),
    adapter("avg_pool", "nn_functional_adaptive_avg_pool3d", |c| one(c.x()?.adaptive_avg_pool3d(output(c)?))),
    adapter("max_pool", "nn_functional_adaptive_max_pool1d", |c| {
        let length = c.x()?.size(-1)?;
        let [size] = output::<1>(c)?;
        with_indices(c, 1, c.x()?.adaptive_max_pool1d_with_indices(size.unwrap_or(length)))
    }),
    adapter("max_pool", "nn_functional_adaptive_max_pool2d", |c| {
        with_indices(c, 1, c.x()?.adaptive_max_pool2d_with_indices(output(c)?))
    }),
    adapter("max_pool", "nn_functional_adaptive_max_pool3d", |c| {
        with_indices(c, 1, c.x()?.adaptive_max_pool3d_with_indices(output(c)?))
    }),
    adapter("avg_pool", "nn_functional_avg_pool1d", |c| avg_pool(c, Var::avg_pool1d)),
    adapter("avg_pool", "nn_functional_avg_pool2d", |c| avg_pool(c, Var::avg_pool2d)),
    adapter("avg_pool", "nn_functional_avg_pool3d", |c| avg_pool(c, Var::avg_pool3d)),
    adapter("max_pool", "nn_functional_max_pool1d", |c| max_pool(c, Var::max_pool1d_with_indices)),
    adapter("max_pool", "nn_functional_max_pool2d", |c| max_pool(c, Var::max_pool2d_with_indices)),
    adapter("max_pool", "nn_functional_max_pool3d", |c| max_pool(c, Var::max_pool3d_with_indices)),
];

/// The argument `output_size`, with None for a size that stays.
fn output<const N: usize>(c: &Call) -> Asked<[Option<usize>; N]> {
    let size = |value: &Value| value.optional(|value| Ok(value.int()? as usize));
    match c.arg(0, "output_size") {
        Value::List(sizes) => match sizes.iter().map(size).collect::<Asked<Vec<_>>>()?[..] {
            [size] => Ok([size; N]),
            ref sizes => sizes.try_into().or_else(|_| unsupported("another number of sizes")),
        },
        one => Ok([size(&one)?; N]),
    }
}

/// The values, and the indices if the call asks for them in argument `at`.
fn with_indices(c: &Call, at: usize, pooled: Result<(Var, Tensor)>) -> Replayed {
    let (y, indices) = pooled?;
    Ok(if c.arg(at, "return_indices").bool_or(false)? { vec![y, indices.into()] } else { vec![y] })
}

fn avg_pool<const N: usize>(c: &Call, method: fn(&Var, AvgPoolOptions<N>) -> Result<Var>) -> Replayed {
    let kernel = c.arg(0, "kernel_size").sizes_or([1; N])?;
    let options = AvgPoolOptions {
        kernel,
        stride: c.arg(1, "stride").sizes_or(kernel)?,
        padding: c.arg(2, "padding").sizes_or([0; N])?,
        ceil_mode: c.arg(3, "ceil_mode").bool_or(false)?,
        count_include_pad: c.arg(4, "count_include_pad").bool_or(true)?,
        divisor_override: c.arg(5, "divisor_override").optional(|divisor| Ok(divisor.int()? as i64))?,
    };
    one(method(&c.x()?, options))
}

fn max_pool<const N: usize>(
    c: &Call,
    method: fn(&Var, MaxPoolOptions<N>) -> Result<(Var, Tensor)>,
) -> Replayed {
    let kernel = c.arg(0, "kernel_size").sizes_or([1; N])?;
    let options = MaxPoolOptions {
        kernel,
        stride: c.arg(1, "stride").sizes_or(kernel)?,
        padding: c.arg(2, "padding").sizes_or([0; N])?,
        dilation: c.arg(3, "dilation").sizes_or([1; N])?,
        ceil_mode: c.arg(4, "ceil_mode").bool_or(false)?,
    };
    with_indices(c, 5, method(&c.x()?, options))
}
