//! Reading and writing by index and by mask.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{BagMode, DType, EmbeddingBagOptions, Index, ScatterReduce, Tensor, Var};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("", "bincount", |c| {
        let weights = c.arg(0, "weights").optional(Value::tensor)?;
        let minlength = c.arg(1, "minlength").int_or(0)? as usize;
        Ok(vec![c.x()?.detach().bincount(weights.as_ref(), minlength)?.into()])
    }),
    adapter("", "histc", |c| {
        let (bins, min, max) = (c.arg(0, "bins").int_or(100)?, c.arg(1, "min"), c.arg(2, "max"));
        let y = c.x()?.detach().histc(bins as usize, min.float_or(0.0)?, max.float_or(0.0)?)?;
        Ok(vec![y.into()])
    }),
    adapter("", "nn_functional_one_hot", |c| {
        let classes = c.arg(0, "num_classes").int_or(-1)?;
        Ok(vec![c.x()?.detach().one_hot(usize::try_from(classes).ok())?.into()])
    }),
    adapter("", "nonzero", |c| {
        let x = c.x()?.detach();
        Ok(match c.arg(0, "as_tuple").bool_or(false)? {
            true => x.nonzero_tuple()?.into_iter().map(Var::from).collect(),
            false => vec![x.nonzero()?.into()],
        })
    }),
    adapter("embedding", "nn_functional_embedding", |c| {
        let padding = c.arg(1, "padding_idx");
        let padding = if padding.is_none() { None } else { Some(padding.int()?) };
        one(c.x()?.embedding(&c.arg(0, "input").index()?, padding))
    }),
    adapter("gather", "gather", |c| one(c.x()?.gather(c.arg(0, "dim").int()?, &c.arg(1, "index").tensor()?))),
    adapter("gather", "take_along_dim", |c| {
        let (x, index, dim) = (c.x()?, c.arg(0, "indices").tensor()?, c.arg(1, "dim"));
        if dim.is_none() {
            one(x.take(&index.reshape([-1])?))
        } else {
            one(x.take_along_dim(&index, dim.int()?))
        }
    }),
    adapter("index", "__getitem__", |c| {
        let (x, at) = (c.x()?, c.arg(0, "index"));
        // Integers alone are a list, one index, or a tuple, one for each dimension; the record does not say which, but
        // a list keeps the rank.
        let integers = matches!(&at, Value::List(items) if items.iter().all(|i| matches!(i, Value::Int(_))));
        let list = integers && c.out.first().is_some_and(|y| y.rank() == x.rank());
        if list { one(x.index(index(&at)?)) } else { one(x.index(&indices(&at)?[..])) }
    }),
    adapter("index", "index_put", |c| {
        let (places, values) = (indices(&c.arg(0, "indices"))?, c.arg(1, "values").var()?);
        one(c.x()?.index_put(&places[..], &values, c.arg(2, "accumulate").bool_or(false)?))
    }),
    adapter("index_add", "index_add", |c| {
        let source = c.arg(2, "source").var()?.mul_scalar(c.arg(3, "alpha").float_or(1.0)?)?;
        one(c.x()?.index_add(c.arg(0, "dim").int()?, &c.arg(1, "index").tensor()?, &source))
    }),
    adapter("index_copy", "index_copy", |c| {
        let (dim, index) = (c.arg(0, "dim").int()?, c.arg(1, "index").tensor()?);
        one(c.x()?.index_copy(dim, &index, &c.arg(2, "source").var()?))
    }),
    adapter("index_copy", "index_fill", |c| {
        let (x, dim, index) = (c.x()?, c.arg(0, "dim").int()?, c.arg(1, "index").tensor()?);
        match c.arg(2, "value") {
            Value::Tensor(value) => {
                let mask = Tensor::zeros(x.shape(), DType::Bool)?.index_fill(dim, &index, true)?;
                one(value.where_cond(&mask, &x))
            }
            value => one(x.index_fill(dim, &index, value.float()?)),
        }
    }),
    adapter("index_copy", "masked_scatter", |c| {
        one(c.x()?.masked_scatter(&c.arg(0, "mask").tensor()?, &c.arg(1, "source").var()?))
    }),
    adapter("index_select", "index_select", |c| {
        one(c.x()?.index_select(c.arg(0, "dim").int()?, &c.arg(1, "index").tensor()?))
    }),
    adapter("index_select", "masked_select", |c| one(c.x()?.masked_select(&c.arg(0, "mask").tensor()?))),
    adapter("index_select", "take", |c| one(c.x()?.take(&c.arg(0, "index").tensor()?))),
    adapter("masked_fill", "masked_fill", |c| {
        let (x, mask) = (c.x()?, c.arg(0, "mask").tensor()?);
        match c.arg(1, "value") {
            Value::Tensor(value) => one(value.where_cond(&mask, &x)),
            value => one(x.masked_fill(&mask, value.float()?)),
        }
    }),
    adapter("scatter", "scatter", |c| {
        let (x, dim, index) = (c.x()?, c.arg(0, "dim").int()?, c.arg(1, "index").tensor()?);
        let reduce = c.kwarg("reduce").text_or("")?;
        match (reduce.as_str(), c.args.get(2).cloned().unwrap_or(c.kwarg("src"))) {
            ("", Value::Tensor(source)) => one(x.scatter(dim, &index, &source)),
            ("", Value::None) => one(x.scatter_value(dim, &index, c.kwarg("value").float()?)),
            ("", value) => one(x.scatter_value(dim, &index, value.float()?)),
            (_, source) => {
                let source = match source {
                    Value::Tensor(source) => source,
                    value => Tensor::full(index.shape(), value.float()?, x.dtype())?.into(),
                };
                let reduce = if reduce == "add" { ScatterReduce::Sum } else { ScatterReduce::Prod };
                one(x.scatter_reduce(dim, &index, &source, reduce, true))
            }
        }
    }),
    adapter("scatter", "scatter_add", |c| {
        let source = c.arg(2, "src").var()?;
        one(c.x()?.scatter_add(c.arg(0, "dim").int()?, &c.arg(1, "index").tensor()?, &source))
    }),
    adapter("scatter_reduce", "scatter_reduce_amax", scatter_reduce),
    adapter("scatter_reduce", "scatter_reduce_amin", scatter_reduce),
    adapter("scatter_reduce", "scatter_reduce_mean", scatter_reduce),
    adapter("scatter_reduce", "scatter_reduce_prod", scatter_reduce),
    adapter("scatter_reduce", "scatter_reduce_sum", scatter_reduce),
    adapter("slice", "narrow", |c| {
        let (dim, length) = (c.arg(0, "dim").int()?, c.arg(2, "length").int()?);
        let start = match c.arg(1, "start") {
            Value::Tensor(start) => start.detach().to_dtype(DType::I64)?.item::<i64>()? as isize,
            start => start.int()?,
        };
        one(c.x()?.narrow(dim, start, length as usize))
    }),
    adapter("slice", "select", |c| one(c.x()?.select(c.arg(0, "dim").int()?, c.arg(1, "index").int()?))),
    adapter("slice", "slice", |c| {
        let (start, end) = (c.arg(1, "start").int_or(0)?, c.arg(2, "end").int_or(isize::MAX)?);
        one(c.x()?.slice(c.arg(0, "dim").int_or(0)?, start, end, c.arg(3, "step").int_or(1)? as usize))
    }),
    adapter("where_cond", "where", |c| {
        let condition = c.arg(0, "condition").tensor()?;
        match (&c.input, c.arg(1, "other")) {
            (Value::Tensor(x), Value::Tensor(other)) => one(x.where_cond(&condition, &other)),
            (Value::Tensor(x), other) => one(x.masked_fill(&condition.eq_scalar(false)?, other.float()?)),
            (x, Value::Tensor(other)) => one(other.masked_fill(&condition, x.float()?)),
            _ => unsupported("two numbers"),
        }
    }),
    adapter("embedding_bag", "nn_functional_embedding_bag", embedding_bag),
];

fn scatter_reduce(c: &Call) -> Replayed {
    let (dim, index, source) = (c.arg(0, "dim").int()?, c.arg(1, "index").tensor()?, c.arg(2, "src").var()?);
    let reduce = match c.arg(3, "reduce").text_or("")?.as_str() {
        "sum" => ScatterReduce::Sum,
        "prod" => ScatterReduce::Prod,
        "mean" => ScatterReduce::Mean,
        "amax" => ScatterReduce::Amax,
        "amin" => ScatterReduce::Amin,
        _ => return unsupported("another reduction"),
    };
    one(c.x()?.scatter_reduce(dim, &index, &source, reduce, c.arg(4, "include_self").bool_or(true)?))
}

/// What stands between the brackets: one index, or a tuple of them.
fn indices(value: &Value) -> Asked<Vec<Index>> {
    match value {
        Value::List(items) => items.iter().map(index).collect(),
        one => Ok(vec![index(one)?]),
    }
}

fn index(value: &Value) -> Asked<Index> {
    Ok(match value {
        Value::None => Index::NewAxis,
        Value::Int(at) => Index::At(*at as isize),
        Value::Bool(taken) => Index::from(Tensor::scalar(*taken)?),
        Value::Slice([start, end, step]) => {
            let bound = |bound: &Option<i64>, open: isize| bound.map_or(open, |bound| bound as isize);
            Index::from(bound(start, 0)..bound(end, isize::MAX)).step(step.unwrap_or(1) as usize)
        }
        Value::Text(text) if text == "..." || text == "Ellipsis" => Index::Ellipsis,
        Value::Tensor(places) => Index::from(places.detach()),
        Value::List(items) => {
            let items = items.iter().map(Value::int).collect::<Asked<Vec<_>>>()?;
            Index::from(Tensor::from_vec(items.iter().map(|&i| i as i64).collect(), [items.len()])?)
        }
        _ => return unsupported("another kind of index"),
    })
}

fn embedding_bag(c: &Call) -> Replayed {
    let offsets = c.arg(1, "offsets").optional(Value::index)?;
    let weights = c.arg(6, "per_sample_weights").optional(Value::var)?;
    if !c.arg(2, "max_norm").is_none() {
        return unsupported("weights that are scaled down in place");
    }
    let options = EmbeddingBagOptions {
        offsets: offsets.as_ref(),
        mode: match c.arg(5, "mode").text_or("mean")?.as_str() {
            "sum" => BagMode::Sum,
            "max" => BagMode::Max,
            _ => BagMode::Mean,
        },
        per_sample_weights: weights.as_ref(),
        include_last_offset: c.arg(7, "include_last_offset").bool_or(false)?,
        padding_idx: c.arg(8, "padding_idx").optional(Value::int)?,
    };
    // The record has the weight first.
    one(c.x()?.embedding_bag(&c.arg(0, "input").index()?, options))
}
