//! Views, and tensors made anew.

use super::shared::*;
use super::{Adapter, adapter};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("tril", "tril", |c| one(c.x()?.tril(c.arg(0, "diagonal").int_or(0)?))),
    adapter("tril", "triu", |c| one(c.x()?.triu(c.arg(0, "diagonal").int_or(0)?))),
    adapter("view", "broadcast_to", |c| one(c.x()?.expand(c.arg(0, "size").ints()?))),
    adapter("view", "expand", |c| one(c.x()?.expand(c.arg(0, "size").ints()?))),
    adapter("view", "flatten", |c| {
        one(c.x()?.flatten(c.arg(0, "start_dim").int_or(0)?, c.arg(1, "end_dim").int_or(-1)?))
    }),
    adapter("view", "permute", |c| one(c.x()?.permute(c.arg(0, "dims").ints()?))),
    adapter("view", "reshape", |c| one(c.x()?.reshape(c.arg(0, "shape").ints()?))),
    adapter("view", "squeeze", |c| {
        let dim = c.arg(0, "dim");
        if dim.is_none() {
            return unsupported("all dimensions at once");
        }
        one(c.x()?.squeeze(dim.int()?))
    }),
    adapter("view", "sum_to_size", |c| match c.args[..] {
        [Value::List(_)] => one(c.x()?.sum_to(&c.args[0].shape()?)),
        _ => unsupported("sizes as single arguments"),
    }),
    adapter("view", "t", |c| one(c.x()?.t())),
    adapter("view", "transpose", |c| one(c.x()?.transpose(c.arg(0, "dim0").int()?, c.arg(1, "dim1").int()?))),
    adapter("view", "unsqueeze", |c| one(c.x()?.unsqueeze(c.arg(0, "dim").int()?))),
];
