//! Pooling.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{AvgPoolOptions, MaxPoolOptions};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("adaptive_avg_pool2d", "nn_functional_adaptive_avg_pool2d", adaptive_avg_pool2d),
    adapter("avg_pool2d", "nn_functional_avg_pool2d", avg_pool2d),
    adapter("max_pool2d", "nn_functional_max_pool2d", max_pool2d),
];

fn adaptive_avg_pool2d(c: &Call) -> Replayed {
    let size = |value: &Value| if value.is_none() { Ok(None) } else { value.int().map(|n| Some(n as usize)) };
    let output = match c.arg(0, "output_size") {
        Value::List(pair) => [size(&pair[0])?, size(&pair[1])?],
        one => [size(&one)?; 2],
    };
    one(c.x()?.adaptive_avg_pool2d(output))
}

fn avg_pool2d(c: &Call) -> Replayed {
    let kernel = c.arg(0, "kernel_size").sizes_or([1; 2])?;
    let divisor = c.arg(5, "divisor_override");
    one(c.x()?.avg_pool2d(AvgPoolOptions {
        kernel,
        stride: c.arg(1, "stride").sizes_or(kernel)?,
        padding: c.arg(2, "padding").sizes_or([0; 2])?,
        ceil_mode: c.arg(3, "ceil_mode").bool_or(false)?,
        count_include_pad: c.arg(4, "count_include_pad").bool_or(true)?,
        divisor_override: if divisor.is_none() { None } else { Some(divisor.int()? as i64) },
    }))
}

fn max_pool2d(c: &Call) -> Replayed {
    let kernel = c.arg(0, "kernel_size").sizes_or([1; 2])?;
    let options = MaxPoolOptions {
        kernel,
        stride: c.arg(1, "stride").sizes_or(kernel)?,
        padding: c.arg(2, "padding").sizes_or([0; 2])?,
        dilation: c.arg(3, "dilation").sizes_or([1; 2])?,
        ceil_mode: c.arg(4, "ceil_mode").bool_or(false)?,
    };
    let (y, indices) = c.x()?.max_pool2d_with_indices(options)?;
    Ok(if c.arg(5, "return_indices").bool_or(false)? { vec![y, indices.into()] } else { vec![y] })
}
