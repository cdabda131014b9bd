//! Reductions and running results.

use super::shared::*;
use super::{Adapter, adapter};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("", "all", |c| constant(c.input.tensor()?.all_dim(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("", "any", |c| constant(c.input.tensor()?.any_dim(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("", "argmax", |c| constant(c.input.tensor()?.argmax(dim(c, 0)?, keepdim(c, 1)?))),
    adapter("", "argmin", |c| constant(c.input.tensor()?.argmin(dim(c, 0)?, keepdim(c, 1)?))),
    adapter("", "count_nonzero", |c| constant(c.input.tensor()?.count_nonzero(&dims(c, 0)?[..]))),
    adapter("amax", "amax", |c| one(c.x()?.amax(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("amax", "amin", |c| one(c.x()?.amin(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("amax", "aminmax", |c| {
        let (min, max) = c.x()?.aminmax(dim(c, 0)?, keepdim(c, 1)?)?;
        Ok(vec![min, max])
    }),
    adapter("amax", "max_reduction_no_dim", |c| one(c.x()?.amax(&[][..], false))),
    adapter("amax", "min_reduction_no_dim", |c| one(c.x()?.amin(&[][..], false))),
    adapter("cummax", "cummax", |c| picked(c.x()?.cummax(c.arg(0, "dim").int()?))),
    adapter("cummax", "cummin", |c| picked(c.x()?.cummin(c.arg(0, "dim").int()?))),
    adapter("cumprod", "cumprod", |c| one(c.in_dtype()?.cumprod(c.arg(0, "dim").int()?))),
    adapter("cumsum", "cumsum", |c| one(c.in_dtype()?.cumsum(c.arg(0, "dim").int()?))),
    adapter("diff", "diff", |c| {
        let (prepend, append) =
            (c.arg(2, "prepend").optional(Value::var)?, c.arg(3, "append").optional(Value::var)?);
        let (n, dim) = (c.arg(0, "n").int_or(1)? as usize, c.arg(1, "dim").int_or(-1)?);
        one(c.x()?.diff(n, dim, prepend.as_ref(), append.as_ref()))
    }),
    adapter("logcumsumexp", "logcumsumexp", |c| one(c.x()?.logcumsumexp(c.arg(0, "dim").int()?))),
    adapter("logsumexp", "logsumexp", |c| one(c.x()?.logsumexp(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("max_dim", "max_reduction_with_dim", |c| {
        picked(c.x()?.max_dim(c.arg(0, "dim").int()?, keepdim(c, 1)?))
    }),
    adapter("max_dim", "min_reduction_with_dim", |c| {
        picked(c.x()?.min_dim(c.arg(0, "dim").int()?, keepdim(c, 1)?))
    }),
    adapter("nansum", "nanmean", |c| one(c.in_dtype()?.nanmean(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("nansum", "nansum", |c| one(c.in_dtype()?.nansum(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("prod", "prod", |c| {
        let x = c.in_dtype()?;
        one(match dim(c, 0)? {
            Some(dim) => x.prod_dim(dim, keepdim(c, 1)?),
            None => x.prod(),
        })
    }),
    adapter("sum", "mean", |c| one(c.in_dtype()?.mean_dim(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("sum", "sum", |c| one(c.in_dtype()?.sum_dim(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("trace", "trace", |c| one(c.x()?.trace())),
    adapter("var_dim", "std", |c| {
        let (dims, correction, keepdim) = moment(c)?;
        one(c.x()?.std_dim(&dims[..], correction, keepdim))
    }),
    adapter("var_dim", "std_mean", |c| {
        let (dims, correction, keepdim) = moment(c)?;
        let (deviation, mean) = c.x()?.std_mean(&dims[..], correction, keepdim)?;
        Ok(vec![deviation, mean])
    }),
    adapter("var_dim", "var", |c| {
        let (dims, correction, keepdim) = moment(c)?;
        one(c.x()?.var_dim(&dims[..], correction, keepdim))
    }),
    adapter("var_dim", "var_mean", |c| {
        let (dims, correction, keepdim) = moment(c)?;
        let (variance, mean) = c.x()?.var_mean(&dims[..], correction, keepdim)?;
        Ok(vec![variance, mean])
    }),
    adapter("vector_norm", "dist", |c| {
        one(c.x()?.dist(&c.arg(0, "other").var()?, c.arg(1, "p").float_or(2.0)?))
    }),
    adapter("vector_norm", "linalg_vector_norm", |c| {
        one(c.in_dtype()?.vector_norm(c.arg(0, "ord").float_or(2.0)?, &dims(c, 1)?[..], keepdim(c, 2)?))
    }),
    adapter("vector_norm", "norm", |c| {
        let p = match c.arg(0, "p") {
            Value::Text(p) if p == "fro" => 2.0,
            Value::Text(_) => return unsupported("norms of matrices, by name"),
            p => p.float_or(2.0)?,
        };
        one(c.in_dtype()?.norm(p, &dims(c, 1)?[..], keepdim(c, 2)?))
    }),
    adapter("vector_norm", "renorm", |c| {
        let (p, dim) = (c.arg(0, "p").float()?, c.arg(1, "dim").int()?);
        one(c.x()?.renorm(p, dim, c.arg(2, "maxnorm").float()?))
    }),
];

/// Dimensions, correction and keepdim of a variance. Positional arguments are `dim, unbiased, keepdim`, or `unbiased`
/// alone.
fn moment(c: &Call) -> Asked<(Vec<isize>, f64, bool)> {
    if let [flag @ Value::Bool(_)] = &c.args[..] {
        return Ok((Vec::new(), flag.float()?, false));
    }
    let unbiased = c.arg(1, "unbiased").bool_or(true)?;
    let correction = c.kwarg("correction").float_or(f64::from(u8::from(unbiased)))?;
    Ok((dims(c, 0)?, correction, keepdim(c, 2)?))
}
