//! Sorting and searching.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{DType, Interpolation, Result, Tensor, Var};
use tensor_core::Unique;

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("", "argsort", |c| {
        let (dim, descending) = order(c)?;
        constant(c.input.tensor()?.argsort(dim, descending))
    }),
    adapter("", "bucketize", |c| {
        let boundaries = c.arg(0, "boundaries").tensor()?;
        places(c, c.input.tensor()?.bucketize(&boundaries, c.kwarg("right").bool_or(false)?))
    }),
    adapter("", "searchsorted", |c| {
        let values = match c.arg(0, "values") {
            Value::Tensor(values) => values.detach(),
            value => Tensor::full([], value.float()?, c.x()?.dtype())?,
        };
        let right = match c.kwarg("side").text_or("")?.as_str() {
            "" => c.kwarg("right").bool_or(false)?,
            side => side == "right",
        };
        let sorter = c.kwarg("sorter").optional(Value::tensor)?;
        places(c, c.input.tensor()?.searchsorted(&values, right, sorter.as_ref()))
    }),
    adapter("", "unique", |c| {
        let dim = c.arg(3, "dim").optional(Value::int)?;
        unique(c, c.input.tensor()?.unique(dim), [1, 2])
    }),
    adapter("", "unique_consecutive", |c| {
        let dim = c.arg(2, "dim").optional(Value::int)?;
        unique(c, c.input.tensor()?.unique_consecutive(dim), [0, 1])
    }),
    adapter("quantile", "nanquantile", |c| quantile(c, Var::nanquantile)),
    adapter("quantile", "quantile", |c| quantile(c, Var::quantile)),
    adapter("sort", "kthvalue", |c| {
        let (k, dim) = (c.arg(0, "k").int()? as usize, c.arg(1, "dim").int_or(-1)?);
        picked(c.x()?.kthvalue(k, dim, keepdim(c, 2)?))
    }),
    adapter("sort", "median", |c| match dim(c, 0)? {
        Some(dim) => picked(c.x()?.median_dim(dim, keepdim(c, 1)?)),
        None => one(c.x()?.median()),
    }),
    adapter("sort", "msort", |c| one(c.x()?.sort(0, false).map(|sorted| sorted.0))),
    adapter("sort", "nanmedian", |c| match dim(c, 0)? {
        Some(dim) => picked(c.x()?.nanmedian_dim(dim, keepdim(c, 1)?)),
        None => one(c.x()?.nanmedian()),
    }),
    adapter("sort", "sort", |c| {
        let (dim, descending) = order(c)?;
        picked(c.x()?.sort(dim, descending))
    }),
    adapter("sort", "topk", |c| {
        let (k, dim) = (c.arg(0, "k").int()? as usize, c.arg(1, "dim").int_or(-1)?);
        picked(c.x()?.topk(k, dim, c.arg(2, "largest").bool_or(true)?))
    }),
];

/// Dimension and direction of a sort.
fn order(c: &Call) -> Asked<(isize, bool)> {
    Ok((c.arg(0, "dim").int_or(-1)?, c.arg(1, "descending").bool_or(false)?))
}

/// Indices in the dtype that the call asks for.
fn places(c: &Call, found: tensor_core::Result<Tensor>) -> Replayed {
    let dtype = if c.kwarg("out_int32").bool_or(false)? { DType::I32 } else { DType::I64 };
    constant(found?.to_dtype(dtype))
}

/// What the call asks for of all that is found; `return_inverse` and `return_counts` are arguments `at`.
fn unique(c: &Call, found: tensor_core::Result<Unique>, at: [usize; 2]) -> Replayed {
    let found = found?;
    let mut results = vec![found.values.into()];
    if c.arg(at[0], "return_inverse").bool_or(false)? {
        results.push(found.inverse.into());
    }
    if c.arg(at[1], "return_counts").bool_or(false)? {
        results.push(found.counts.into());
    }
    Ok(results)
}

fn quantile(c: &Call, of: fn(&Var, &Var, Option<isize>, bool, Interpolation) -> Result<Var>) -> Replayed {
    let x = c.x()?;
    let q = match c.arg(0, "q") {
        Value::Tensor(q) => q,
        q => Tensor::full([], q.float()?, x.dtype())?.into(),
    };
    let interpolation = match c.kwarg("interpolation").text_or("linear")?.as_str() {
        "lower" => Interpolation::Lower,
        "higher" => Interpolation::Higher,
        "nearest" => Interpolation::Nearest,
        "midpoint" => Interpolation::Midpoint,
        _ => Interpolation::Linear,
    };
    one(of(&x, &q, dim(c, 1)?, keepdim(c, 2)?, interpolation))
}
