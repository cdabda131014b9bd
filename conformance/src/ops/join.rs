//! Joining, splitting and repeating.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{Indexing, Result, Var};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("cat", "cat", |c| along(c, Var::cat)),
    adapter("cat", "stack", |c| along(c, Var::stack)),
    adapter("flip", "flip", |c| one(c.x()?.flip(c.arg(0, "dims").ints()?))),
    adapter("flip", "fliplr", |c| one(c.x()?.flip([1]))),
    adapter("flip", "flipud", |c| one(c.x()?.flip([0]))),
    adapter("flip", "roll", |c| one(c.x()?.roll(c.arg(0, "shifts").ints()?, c.arg(1, "dims").ints()?))),
    adapter("repeat", "repeat", |c| one(c.x()?.repeat(c.sizes("repeats")?))),
    adapter("repeat", "repeat_interleave", |c| {
        let (x, dim) = (c.x()?, c.arg(1, "dim").optional(Value::int)?);
        match c.arg(0, "repeats") {
            Value::Tensor(repeats) => one(x.repeat_interleave_each(&repeats.detach(), dim)),
            repeats => one(x.repeat_interleave(repeats.int()? as usize, dim)),
        }
    }),
    adapter("repeat", "tile", |c| one(c.x()?.tile(c.sizes("dims")?))),
    adapter("split", "chunk", |c| Ok(c.x()?.chunk(c.arg(0, "chunks").int()? as usize, dim(c)?)?)),
    adapter("split", "split", split),
    adapter("split", "split_list_args", split),
    adapter("split", "split_with_sizes", split),
    adapter("split", "tensor_split", |c| {
        let (x, dim) = (c.x()?, dim(c)?);
        Ok(match c.arg(0, "indices_or_sections") {
            Value::Int(sections) => x.tensor_split(sections as usize, dim)?,
            Value::Tensor(sections) if sections.rank() == 0 => {
                x.tensor_split(sections.detach().item::<i64>()? as usize, dim)?
            }
            Value::Tensor(indices) => {
                let indices = indices.detach().to_vec::<i64>()?;
                x.tensor_split_at(&indices.into_iter().map(|i| i as isize).collect::<Vec<_>>(), dim)?
            }
            indices => x.tensor_split_at(&indices.ints()?, dim)?,
        })
    }),
    adapter("split", "unbind", |c| Ok(c.x()?.unbind(c.arg(0, "dim").int_or(0)?)?)),
    adapter("stack", "block_diag", |c| one(Var::block_diag(&c.listed()?.iter().collect::<Vec<_>>()))),
    adapter("stack", "dstack", |c| one(Var::dstack(&c.listed()?.iter().collect::<Vec<_>>()))),
    adapter("stack", "hstack", |c| one(Var::hstack(&c.listed()?.iter().collect::<Vec<_>>()))),
    adapter("stack", "vstack", |c| one(Var::vstack(&c.listed()?.iter().collect::<Vec<_>>()))),
    adapter("stack", "meshgrid_list_of_tensors", meshgrid),
    adapter("stack", "meshgrid_variadic_tensors", meshgrid),
];

fn along(c: &Call, join: impl Fn(&[&Var], isize) -> Result<Var>) -> Replayed {
    let vars = c.input.vars()?;
    if vars.windows(2).any(|pair| pair[0].dtype() != pair[1].dtype()) {
        return unsupported("several dtypes");
    }
    one(join(&vars.iter().collect::<Vec<_>>(), c.arg(0, "dim").int_or(0)?))
}

/// The dimension after the parts.
fn dim(c: &Call) -> Asked<isize> {
    c.arg(1, "dim").int_or(0)
}

fn split(c: &Call) -> Replayed {
    let sizes = if c.args.is_empty() && c.kwarg("split_size_or_sections").is_none() {
        c.kwarg("split_sizes")
    } else {
        c.arg(0, "split_size_or_sections")
    };
    Ok(match sizes {
        Value::Int(size) => c.x()?.split(size as usize, dim(c)?)?,
        sizes => c.x()?.split_with_sizes(&sizes.shape()?, dim(c)?)?,
    })
}

fn meshgrid(c: &Call) -> Replayed {
    let indexing = if c.kwarg("indexing").text_or("ij")? == "xy" { Indexing::Xy } else { Indexing::Ij };
    Ok(Var::meshgrid(&c.listed()?.iter().collect::<Vec<_>>(), indexing)?)
}
