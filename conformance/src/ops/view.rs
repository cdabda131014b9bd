//! Views, and tensors made anew.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{DType, Tensor};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("", "arange", |c| {
        // One bound is the end.
        let (start, end) = match (c.input.float()?, c.arg(0, "end")) {
            (end, Value::None) => (0.0, end),
            (start, end) => (start, end.float()?),
        };
        made(Tensor::arange(start, end, c.arg(1, "step").float_or(1.0)?, dtype(c)?))
    }),
    adapter("", "empty_like", |c| made(c.x()?.detach().empty_like())),
    adapter("", "eye", |c| {
        let (rows, cols) = (c.input.int()?, c.arg(0, "m").optional(Value::int)?);
        if cols.is_some_and(|cols| cols != rows) {
            return unsupported("an identity that is not square");
        }
        made(Tensor::eye(rows as usize, dtype(c)?))
    }),
    adapter("", "full", |c| made(Tensor::full(c.input.shape()?, c.arg(0, "fill_value").float()?, dtype(c)?))),
    adapter("", "full_like", |c| made(c.x()?.detach().full_like(c.arg(0, "fill_value").float()?))),
    adapter("", "linspace", |c| {
        let (end, steps) = (c.arg(0, "end").float()?, c.arg(1, "steps").int()? as usize);
        made(Tensor::linspace(c.input.float()?, end, steps, dtype(c)?))
    }),
    adapter("", "logspace", |c| {
        let (end, steps) = (c.arg(0, "end").float()?, c.arg(1, "steps").int()? as usize);
        let base = c.arg(2, "base").float_or(10.0)?;
        made(Tensor::logspace(c.input.float()?, end, steps, base, dtype(c)?))
    }),
    adapter("", "ones", |c| made(Tensor::ones(c.input.shape()?, dtype(c)?))),
    adapter("", "ones_like", |c| made(c.x()?.detach().ones_like())),
    adapter("", "tril_indices", |c| {
        let (cols, offset) = (c.arg(0, "col").int()?, c.arg(1, "offset").int_or(0)?);
        made(Tensor::tril_indices(c.input.int()? as usize, cols as usize, offset))
    }),
    adapter("", "triu_indices", |c| {
        let (cols, offset) = (c.arg(0, "col").int()?, c.arg(1, "offset").int_or(0)?);
        made(Tensor::triu_indices(c.input.int()? as usize, cols as usize, offset))
    }),
    adapter("", "zeros", |c| made(Tensor::zeros(c.input.shape()?, dtype(c)?))),
    adapter("", "zeros_like", |c| made(c.x()?.detach().zeros_like())),
    adapter("tril", "tril", |c| one(c.x()?.tril(c.arg(0, "diagonal").int_or(0)?))),
    adapter("tril", "triu", |c| one(c.x()?.triu(c.arg(0, "diagonal").int_or(0)?))),
    adapter("view", "broadcast_to", |c| one(c.x()?.expand(c.arg(0, "size").ints()?))),
    // Another handle, through which no write shows, is a copy.
    adapter("view", "clone", |c| Ok(vec![c.x()?])),
    adapter("view", "expand", |c| one(c.x()?.expand(c.signed("size")?))),
    adapter("view", "expand_as", |c| one(c.x()?.broadcast_to(c.arg(0, "other").var()?.shape()))),
    adapter("view", "flatten", |c| {
        one(c.x()?.flatten(c.arg(0, "start_dim").int_or(0)?, c.arg(1, "end_dim").int_or(-1)?))
    }),
    adapter("view", "movedim", |c| {
        let (source, destination) = (c.arg(0, "source").ints()?, c.arg(1, "destination").ints()?);
        one(c.x()?.movedim(&source[..], &destination[..]))
    }),
    adapter("view", "permute", |c| one(c.x()?.permute(c.signed("dims")?))),
    adapter("view", "ravel", |c| one(c.x()?.ravel())),
    adapter("view", "reshape", |c| one(c.x()?.reshape(c.signed("shape")?))),
    adapter("view", "squeeze", squeeze),
    adapter("view", "squeeze_multiple", squeeze),
    adapter("view", "sum_to_size", |c| one(c.x()?.sum_to(&c.sizes("size")?.into_iter().collect()))),
    adapter("view", "swapaxes", |c| one(c.x()?.swapaxes(c.arg(0, "axis0").int()?, c.arg(1, "axis1").int()?))),
    adapter("view", "t", |c| one(c.x()?.t())),
    adapter("view", "transpose", |c| one(c.x()?.transpose(c.arg(0, "dim0").int()?, c.arg(1, "dim1").int()?))),
    adapter("view", "unflatten", |c| {
        one(c.x()?.unflatten(c.arg(0, "dim").int()?, c.arg(1, "sizes").ints()?))
    }),
    adapter("view", "unsqueeze", |c| one(c.x()?.unsqueeze(c.arg(0, "dim").int()?))),
    adapter("view", "view", |c| one(c.x()?.view(c.signed("shape")?))),
    adapter("view", "view_as", |c| one(c.x()?.view_as(c.arg(0, "other").var()?.shape()))),
    adapter("window", "as_strided", |c| {
        let (shape, strides) = (c.arg(0, "size").shape()?, c.arg(1, "stride").shape()?);
        one(c.x()?.as_strided(shape, &strides, c.arg(2, "storage_offset").int_or(0)? as usize))
    }),
    adapter("window", "diag", |c| one(c.x()?.diag(c.arg(0, "diagonal").int_or(0)?))),
    adapter("window", "diag_embed", |c| {
        let (offset, dim1) = (c.arg(0, "offset").int_or(0)?, c.arg(1, "dim1").int_or(-2)?);
        one(c.x()?.diag_embed(offset, dim1, c.arg(2, "dim2").int_or(-1)?))
    }),
    adapter("window", "diagonal", |c| {
        let (offset, dim1) = (c.arg(0, "offset").int_or(0)?, c.arg(1, "dim1").int_or(0)?);
        one(c.x()?.diagonal(offset, dim1, c.arg(2, "dim2").int_or(1)?))
    }),
    adapter("window", "unfold", |c| {
        let (size, step) = (c.arg(1, "size").int()?, c.arg(2, "step").int()?);
        one(c.x()?.unfold(c.arg(0, "dimension").int()?, size as usize, step as usize))
    }),
];

fn made(y: autograd::tensor_core::Result<Tensor>) -> Replayed {
    Ok(vec![y?.into()])
}

/// The dtype of a new tensor; where none is asked for, that of the record.
fn dtype(c: &Call) -> Asked<DType> {
    c.kwarg("dtype").or(c.out.first().map_or(DType::F32, Tensor::dtype), Value::dtype)
}

fn squeeze(c: &Call) -> Replayed {
    match c.arg(0, "dim") {
        // An empty list names no dimension, where none at all names every one.
        Value::List(dims) if dims.is_empty() => Ok(vec![c.x()?]),
        dims => one(c.x()?.squeeze(&dims.ints()?[..])),
    }
}
