//! Reading and writing by index and by mask.

use super::shared::*;
use super::{Adapter, adapter};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("embedding", "nn_functional_embedding", |c| {
        let padding = c.arg(1, "padding_idx");
        let padding = if padding.is_none() { None } else { Some(padding.int()?) };
        one(c.x()?.embedding(&c.arg(0, "input").index()?, padding))
    }),
    adapter("gather", "gather", |c| one(c.x()?.gather(c.arg(0, "dim").int()?, &c.arg(1, "index").index()?))),
    adapter("index_add", "index_add", |c| {
        let x = c.x()?;
        if x.rank() == 0 {
            return unsupported("a 0-d tensor has no slices here");
        }
        let source = c.arg(2, "source").var()?.mul_scalar(c.arg(3, "alpha").float_or(1.0)?)?;
        one(x.index_add(c.arg(0, "dim").int()?, &c.arg(1, "index").index()?, &source))
    }),
    adapter("index_select", "index_select", |c| {
        let x = c.x()?;
        if x.rank() == 0 {
            return unsupported("a 0-d tensor has no slices here");
        }
        one(x.index_select(c.arg(0, "dim").int()?, &c.arg(1, "index").index()?))
    }),
    adapter("masked_fill", "masked_fill", |c| {
        let (x, mask) = (c.x()?, c.arg(0, "mask").tensor()?);
        match c.arg(1, "value") {
            Value::Tensor(_) => unsupported("a tensor as the value; where_cond takes it"),
            value => one(x.masked_fill(&mask, value.float()?)),
        }
    }),
    adapter("scatter_add", "scatter_add", |c| {
        let source = c.arg(2, "src").var()?;
        one(c.x()?.scatter_add(c.arg(0, "dim").int()?, &c.arg(1, "index").index()?, &source))
    }),
    adapter("slice", "narrow", |c| {
        let (dim, start, length) =
            (c.arg(0, "dim").int()?, c.arg(1, "start").int()?, c.arg(2, "length").int()?);
        one(c.x()?.narrow(dim, start, length as usize))
    }),
    adapter("slice", "select", |c| one(c.x()?.select(c.arg(0, "dim").int()?, c.arg(1, "index").int()?))),
    adapter("slice", "slice", |c| {
        let (start, end) = (c.arg(1, "start").int_or(0)?, c.arg(2, "end").int_or(isize::MAX)?);
        one(c.x()?.slice(c.arg(0, "dim").int_or(0)?, start, end, c.arg(3, "step").int_or(1)? as usize))
    }),
    adapter("where_cond", "where", |c| {
        one(c.x()?.where_cond(&c.arg(0, "condition").tensor()?, &c.arg(1, "other").var()?))
    }),
];
