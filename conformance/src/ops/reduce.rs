//! Reductions and running results.

use super::shared::*;
use super::{Adapter, adapter};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("amax", "amax", |c| one(c.x()?.amax(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("amax", "amin", |c| one(c.x()?.amin(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("amax", "max_reduction_no_dim", |c| one(c.x()?.amax(&[][..], false))),
    adapter("amax", "min_reduction_no_dim", |c| one(c.x()?.amin(&[][..], false))),
    adapter("cumsum", "cumsum", |c| one(c.x()?.cumsum(c.arg(0, "dim").int()?))),
    adapter("logsumexp", "logsumexp", |c| one(c.x()?.logsumexp(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("max_dim", "max_reduction_with_dim", |c| {
        let (values, indices) = c.x()?.max_dim(c.arg(0, "dim").int()?, keepdim(c, 1)?)?;
        Ok(vec![values, indices.into()])
    }),
    adapter("max_dim", "min_reduction_with_dim", |c| {
        let (values, indices) = c.x()?.min_dim(c.arg(0, "dim").int()?, keepdim(c, 1)?)?;
        Ok(vec![values, indices.into()])
    }),
    adapter("sum", "sum", |c| one(c.x()?.sum_dim(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("sum", "mean", |c| one(c.x()?.mean_dim(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("var_dim", "var", |c| one(c.x()?.var_dim(&dims(c, 0)?[..], correction(c)?, keepdim(c, 3)?))),
    adapter("var_dim", "std", |c| one(c.x()?.std_dim(&dims(c, 0)?[..], correction(c)?, keepdim(c, 3)?))),
];

/// `torch.var`'s correction, or its older form `unbiased`.
fn correction(c: &Call) -> Asked<f64> {
    let unbiased = c.arg(1, "unbiased").bool_or(true)?;
    c.arg(2, "correction").float_or(f64::from(u8::from(unbiased)))
}
