//! From a recorded call of PyTorch to a call of this crate: the one place that knows both spellings.

use crate::replay::{Call, Outcome, Replayed, Value, unsupported};
use autograd::{
    Approximate, AttentionOptions, AvgPoolOptions, ConvOptions, CrossEntropyOptions, MaxPoolOptions,
    Reduction, Result, Shape, Tensor, Var,
};
use tensor_core::Activation;

/// How the recorded calls of one PyTorch operation are made here.
pub struct Adapter {
    /// The row of the table that they test.
    pub row: &'static str,
    /// The name in `fixtures/ops`.
    pub recorded: &'static str,
    /// The recorded calls whose form this crate does not have.
    pub unsupported: usize,
    pub call: fn(&Call) -> Replayed,
}

const fn adapter(row: &'static str, recorded: &'static str, call: fn(&Call) -> Replayed) -> Adapter {
    Adapter { row, recorded, unsupported: 0, call }
}

const fn partial(
    row: &'static str,
    recorded: &'static str,
    unsupported: usize,
    call: fn(&Call) -> Replayed,
) -> Adapter {
    Adapter { row, recorded, unsupported, call }
}

/// One result.
fn one(y: Result<Var>) -> Replayed {
    Ok(vec![y?])
}

/// A number or a tensor beside the input.
fn beside(
    call: &Call,
    with_tensor: impl Fn(&Var, &Var) -> Result<Var>,
    with_number: impl Fn(&Var, f64) -> Result<Var>,
) -> Replayed {
    let x = call.x()?;
    match call.arg(0, "other") {
        Value::Tensor(other) => {
            let alpha = call.arg(1, "alpha").float_or(1.0)?;
            one(with_tensor(&x, &if alpha == 1.0 { other } else { other.mul_scalar(alpha)? }))
        }
        other => one(with_number(&x, other.float()?)),
    }
}

pub const ADAPTERS: &[Adapter] = &[
    adapter("abs", "abs", |c| one(c.x()?.abs())),
    adapter("adaptive_avg_pool2d", "nn_functional_adaptive_avg_pool2d", adaptive_avg_pool2d),
    adapter("add", "add", |c| beside(c, Var::add, |x, n| x.add_scalar(n))),
    adapter("add", "__radd__", |c| beside(c, Var::add, |x, n| x.add_scalar(n))),
    adapter("amax", "amax", |c| one(c.x()?.amax(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("amax", "amin", |c| one(c.x()?.amin(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("amax", "max_reduction_no_dim", |c| one(c.x()?.amax(&[][..], false))),
    adapter("amax", "min_reduction_no_dim", |c| one(c.x()?.amin(&[][..], false))),
    adapter("avg_pool2d", "nn_functional_avg_pool2d", avg_pool2d),
    partial("batch_norm", "nn_functional_batch_norm", 1, batch_norm),
    adapter("cat", "cat", |c| {
        let vars = c.input.vars()?;
        one(Var::cat(&vars.iter().collect::<Vec<_>>(), c.arg(0, "dim").int_or(0)?))
    }),
    adapter("cat", "stack", |c| {
        let vars = c.input.vars()?;
        one(Var::stack(&vars.iter().collect::<Vec<_>>(), c.arg(0, "dim").int_or(0)?))
    }),
    adapter("clamp", "nn_functional_relu6", |c| one(c.x()?.clamp(Some(0.0), Some(6.0)))),
    adapter("clamp", "nn_functional_hardtanh", |c| {
        let (min, max) = (c.arg(0, "min_val").float_or(-1.0)?, c.arg(1, "max_val").float_or(1.0)?);
        one(c.x()?.clamp(Some(min), Some(max)))
    }),
    adapter("conv2d", "nn_functional_conv2d", conv2d),
    adapter("cross_entropy", "nn_functional_cross_entropy", |c| {
        let weight = c.arg(1, "weight").optional_var()?.map(|w| w.detach());
        one(c.x()?.cross_entropy_with(c.arg(0, "target").var()?, weight.as_ref(), loss_options(c)?))
    }),
    adapter("cumsum", "cumsum", |c| one(c.x()?.cumsum(c.arg(0, "dim").int()?))),
    adapter("div", "div_no_rounding_mode", |c| beside(c, Var::div, |x, n| x.div_scalar(n))),
    adapter("div", "__rdiv__", |c| {
        beside(c, |x, other| other.div(x), |x, n| x.pow_scalar(-1)?.mul_scalar(n))
    }),
    adapter("embedding", "nn_functional_embedding", |c| {
        let padding = c.arg(1, "padding_idx");
        let padding = if padding.is_none() { None } else { Some(padding.int()?) };
        one(c.x()?.embedding(&index(c, 0, "input")?, padding))
    }),
    adapter("erf", "erf", |c| one(c.x()?.erf())),
    adapter("exp", "exp", |c| one(c.x()?.exp())),
    adapter("expm1", "expm1", |c| one(c.x()?.expm1())),
    partial("gather", "gather", 1, |c| one(c.x()?.gather(c.arg(0, "dim").int()?, &index(c, 1, "index")?))),
    adapter("gelu", "nn_functional_gelu", |c| {
        let tanh = c.arg(0, "approximate").text_or("none")? == "tanh";
        one(c.x()?.gelu(if tanh { Approximate::Tanh } else { Approximate::None }))
    }),
    partial("index_add", "index_add", 2, |c| {
        let x = c.x()?;
        if x.rank() == 0 {
            return unsupported("a 0-d tensor has no slices here");
        }
        let source = c.arg(2, "source").var()?.mul_scalar(c.arg(3, "alpha").float_or(1.0)?)?;
        one(x.index_add(c.arg(0, "dim").int()?, &index(c, 1, "index")?, &source))
    }),
    partial("index_select", "index_select", 1, |c| {
        let x = c.x()?;
        if x.rank() == 0 {
            return unsupported("a 0-d tensor has no slices here");
        }
        one(x.index_select(c.arg(0, "dim").int()?, &index(c, 1, "index")?))
    }),
    adapter("layer_norm", "nn_functional_layer_norm", |c| {
        let shape = shape_of(&c.arg(0, "normalized_shape"))?;
        let (weight, bias) = (c.arg(1, "weight").optional_var()?, c.arg(2, "bias").optional_var()?);
        one(c.x()?.layer_norm(shape, weight.as_ref(), bias.as_ref(), c.arg(3, "eps").float_or(1e-5)?))
    }),
    partial("linear", "nn_functional_linear", 3, |c| {
        let (weight, bias) = (c.arg(0, "weight").var()?, c.arg(1, "bias").optional_var()?);
        if weight.rank() == 1 {
            return unsupported("a weight without output features; matmul takes it");
        }
        one(c.x()?.linear(&weight, bias.as_ref(), Activation::Identity))
    }),
    adapter("log", "log", |c| one(c.x()?.log())),
    adapter("log1p", "log1p", |c| one(c.x()?.log1p())),
    adapter("log_softmax", "log_softmax", |c| one(c.x()?.log_softmax(c.arg(0, "dim").int()?))),
    adapter("logsumexp", "logsumexp", |c| one(c.x()?.logsumexp(&dims(c, 0)?[..], keepdim(c, 1)?))),
    partial("masked_fill", "masked_fill", 2, |c| {
        let (x, mask) = (c.x()?, c.arg(0, "mask").var()?.detach());
        match c.arg(1, "value") {
            Value::Tensor(_) => unsupported("a tensor as the value; where_cond takes it"),
            value => one(x.masked_fill(&mask, value.float()?)),
        }
    }),
    adapter("matmul", "matmul", |c| one(c.x()?.matmul(&c.arg(0, "other").var()?))),
    adapter("matmul", "mm", |c| one(c.x()?.matmul(&c.arg(0, "mat2").var()?))),
    adapter("matmul", "bmm", |c| one(c.x()?.matmul(&c.arg(0, "mat2").var()?))),
    adapter("max_dim", "max_reduction_with_dim", |c| {
        let (values, indices) = c.x()?.max_dim(c.arg(0, "dim").int()?, keepdim(c, 1)?)?;
        Ok(vec![values, indices.into()])
    }),
    adapter("max_dim", "min_reduction_with_dim", |c| {
        let (values, indices) = c.x()?.min_dim(c.arg(0, "dim").int()?, keepdim(c, 1)?)?;
        Ok(vec![values, indices.into()])
    }),
    adapter("max_pool2d", "nn_functional_max_pool2d", max_pool2d),
    adapter("maximum", "maximum", |c| one(c.x()?.maximum(&c.arg(0, "other").var()?))),
    adapter("maximum", "minimum", |c| one(c.x()?.minimum(&c.arg(0, "other").var()?))),
    adapter("maximum", "clamp_min", |c| one(c.x()?.maximum(&c.arg(0, "min").var()?))),
    adapter("maximum", "clamp_max", |c| one(c.x()?.minimum(&c.arg(0, "max").var()?))),
    adapter("mse_loss", "nn_functional_mse_loss", |c| {
        one(c.x()?.mse_loss(c.arg(0, "target").var()?, loss_options(c)?.reduction))
    }),
    adapter("mul", "mul", |c| beside(c, Var::mul, |x, n| x.mul_scalar(n))),
    adapter("mul", "__rmul__", |c| beside(c, Var::mul, |x, n| x.mul_scalar(n))),
    adapter("neg", "neg", |c| one(c.x()?.neg())),
    adapter("nll_loss", "nn_functional_nll_loss", |c| {
        let weight = c.arg(1, "weight").optional_var()?.map(|w| w.detach());
        one(c.x()?.nll_loss(&index(c, 0, "target")?, weight.as_ref(), loss_options(c)?))
    }),
    adapter("pow_scalar", "square", |c| one(c.x()?.pow_scalar(2))),
    adapter("pow_scalar", "rsqrt", |c| one(c.x()?.pow_scalar(-0.5))),
    adapter("pow_scalar", "reciprocal", |c| one(c.x()?.pow_scalar(-1))),
    adapter("relu", "nn_functional_relu", |c| one(c.x()?.relu())),
    adapter("rms_norm", "nn_functional_rms_norm", |c| {
        let shape = shape_of(&c.arg(0, "normalized_shape"))?;
        let weight = c.arg(1, "weight").optional_var()?;
        one(c.x()?.rms_norm(shape, weight.as_ref(), c.arg(2, "eps").float_or(f64::EPSILON)?))
    }),
    partial("scaled_dot_product_attention", "nn_functional_scaled_dot_product_attention", 5, |c| {
        if c.arg(3, "dropout_p").float_or(0.0)? > 0.0 {
            return unsupported("random");
        }
        let mask = c.arg(2, "attn_mask").optional_var()?;
        let options = AttentionOptions {
            attn_mask: mask.as_ref(),
            is_causal: c.arg(4, "is_causal").bool_or(false)?,
            enable_gqa: c.arg(6, "enable_gqa").bool_or(false)?,
            ..AttentionOptions::default()
        };
        one(c.x()?.scaled_dot_product_attention(&c.arg(0, "key").var()?, &c.arg(1, "value").var()?, options))
    }),
    adapter("scatter_add", "scatter_add", |c| {
        let source = c.arg(2, "src").var()?;
        one(c.x()?.scatter_add(c.arg(0, "dim").int()?, &index(c, 1, "index")?, &source))
    }),
    adapter("sigmoid", "sigmoid", |c| one(c.x()?.sigmoid())),
    adapter("silu", "nn_functional_silu", |c| one(c.x()?.silu())),
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
    adapter("softmax", "softmax", |c| one(c.x()?.softmax(c.arg(0, "dim").int()?))),
    adapter("sqrt", "sqrt", |c| one(c.x()?.sqrt())),
    adapter("sub", "sub", |c| beside(c, Var::sub, |x, n| x.sub_scalar(n))),
    adapter("sub", "__rsub__", |c| beside(c, |x, other| other.sub(x), |x, n| x.neg()?.add_scalar(n))),
    adapter("sum", "sum", |c| one(c.x()?.sum_dim(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("sum", "mean", |c| one(c.x()?.mean_dim(&dims(c, 0)?[..], keepdim(c, 1)?))),
    adapter("tanh", "tanh", |c| one(c.x()?.tanh())),
    adapter("tril", "tril", |c| one(c.x()?.tril(c.arg(0, "diagonal").int_or(0)?))),
    adapter("tril", "triu", |c| one(c.x()?.triu(c.arg(0, "diagonal").int_or(0)?))),
    adapter("var_dim", "var", |c| one(c.x()?.var_dim(&dims(c, 0)?[..], correction(c)?, keepdim(c, 3)?))),
    adapter("var_dim", "std", |c| one(c.x()?.std_dim(&dims(c, 0)?[..], correction(c)?, keepdim(c, 3)?))),
    adapter("view", "broadcast_to", |c| one(c.x()?.expand(c.arg(0, "size").ints()?))),
    adapter("view", "expand", |c| one(c.x()?.expand(c.arg(0, "size").ints()?))),
    adapter("view", "flatten", |c| {
        one(c.x()?.flatten(c.arg(0, "start_dim").int_or(0)?, c.arg(1, "end_dim").int_or(-1)?))
    }),
    adapter("view", "permute", |c| one(c.x()?.permute(c.arg(0, "dims").ints()?))),
    adapter("view", "reshape", |c| one(c.x()?.reshape(c.arg(0, "shape").ints()?))),
    partial("view", "squeeze", 1, |c| {
        let dim = c.arg(0, "dim");
        if dim.is_none() {
            return unsupported("all dimensions at once");
        }
        one(c.x()?.squeeze(dim.int()?))
    }),
    partial("view", "sum_to_size", 2, |c| match c.args[..] {
        [Value::List(_)] => one(c.x()?.sum_to(&shape_of(&c.args[0])?)),
        _ => unsupported("sizes as single arguments"),
    }),
    adapter("view", "t", |c| one(c.x()?.t())),
    adapter("view", "transpose", |c| one(c.x()?.transpose(c.arg(0, "dim0").int()?, c.arg(1, "dim1").int()?))),
    adapter("view", "unsqueeze", |c| one(c.x()?.unsqueeze(c.arg(0, "dim").int()?))),
    adapter("where_cond", "where", |c| {
        one(c.x()?.where_cond(&c.arg(0, "condition").var()?.detach(), &c.arg(1, "other").var()?))
    }),
];

/// The reduced dimensions; all, if none are named.
fn dims(c: &Call, at: usize) -> std::result::Result<Vec<isize>, Outcome> {
    c.arg(at, "dim").ints()
}

fn keepdim(c: &Call, at: usize) -> std::result::Result<bool, Outcome> {
    c.arg(at, "keepdim").bool_or(false)
}

/// `torch.var`'s correction, or its older form `unbiased`.
fn correction(c: &Call) -> std::result::Result<f64, Outcome> {
    let unbiased = c.arg(1, "unbiased").bool_or(true)?;
    c.arg(2, "correction").float_or(f64::from(u8::from(unbiased)))
}

fn shape_of(value: &Value) -> std::result::Result<Shape, Outcome> {
    Ok(value.ints()?.into_iter().map(|n| n as usize).collect())
}

/// An index tensor: this crate takes i64 alone.
fn index(c: &Call, at: usize, name: &str) -> std::result::Result<Tensor, Outcome> {
    let index = c.arg(at, name).var()?.detach();
    if index.dtype() == autograd::DType::I64 {
        Ok(index)
    } else {
        unsupported("an index of another dtype than i64")
    }
}

fn loss_options(c: &Call) -> std::result::Result<CrossEntropyOptions, Outcome> {
    let reduction = match c.arg(usize::MAX, "reduction").text_or("mean")?.as_str() {
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        "none" => Reduction::None,
        _ => return unsupported("reduction"),
    };
    Ok(CrossEntropyOptions {
        ignore_index: c.arg(usize::MAX, "ignore_index").int_or(-100)? as i64,
        label_smoothing: c.arg(usize::MAX, "label_smoothing").float_or(0.0)?,
        reduction,
    })
}

fn adaptive_avg_pool2d(c: &Call) -> Replayed {
    let size = |value: &Value| if value.is_none() { Ok(None) } else { value.int().map(|n| Some(n as usize)) };
    let output = match c.arg(0, "output_size") {
        Value::List(pair) => [size(&pair[0])?, size(&pair[1])?],
        one => [size(&one)?; 2],
    };
    one(c.x()?.adaptive_avg_pool2d(output))
}

fn avg_pool2d(c: &Call) -> Replayed {
    let kernel = c.arg(0, "kernel_size").pair_or([1; 2])?;
    let divisor = c.arg(5, "divisor_override");
    one(c.x()?.avg_pool2d(AvgPoolOptions {
        kernel,
        stride: c.arg(1, "stride").pair_or(kernel)?,
        padding: c.arg(2, "padding").pair_or([0; 2])?,
        ceil_mode: c.arg(3, "ceil_mode").bool_or(false)?,
        count_include_pad: c.arg(4, "count_include_pad").bool_or(true)?,
        divisor_override: if divisor.is_none() { None } else { Some(divisor.int()? as i64) },
    }))
}

fn batch_norm(c: &Call) -> Replayed {
    let x = c.x()?;
    if x.rank() < 2 {
        return unsupported("no channels");
    }
    let (weight, bias) = (c.arg(2, "weight").optional_var()?, c.arg(3, "bias").optional_var()?);
    let (weight, bias, eps) = (weight.as_ref(), bias.as_ref(), c.arg(6, "eps").float_or(1e-5)?);
    if c.arg(4, "training").bool_or(false)? {
        return Ok(vec![x.batch_norm(weight, bias, eps)?.0]);
    }
    let (mean, var) = (c.arg(0, "running_mean").var()?.detach(), c.arg(1, "running_var").var()?.detach());
    one(x.batch_norm_eval(&mean, &var, weight, bias, eps))
}

/// `padding='same'` by zeros put beside the input: the reach of a kernel may be odd, and options pad both sides alike.
fn conv2d(c: &Call) -> Replayed {
    let (mut x, weight, bias) = (c.x()?, c.arg(0, "weight").var()?, c.arg(1, "bias").optional_var()?);
    let (stride, dilation) = (c.arg(2, "stride").pair_or([1; 2])?, c.arg(4, "dilation").pair_or([1; 2])?);
    let padding = match c.arg(3, "padding") {
        Value::Text(text) if text == "valid" => [0; 2],
        Value::Text(_) => {
            for (d, dilation) in dilation.iter().enumerate() {
                let total = (weight.shape()[d + 2] - 1) * dilation;
                let dim = x.rank() - 2 + d;
                let zeros = |length: usize| -> Result<Var> {
                    let mut shape = x.shape().to_vec();
                    shape[dim] = length;
                    Ok(Tensor::zeros(shape, x.dtype())?.into())
                };
                x = Var::cat(&[&zeros(total / 2)?, &x, &zeros(total - total / 2)?], dim as isize)?;
            }
            [0; 2]
        }
        padding => padding.pair_or([0; 2])?,
    };
    let options = ConvOptions { stride, padding, dilation, groups: c.arg(5, "groups").int_or(1)? as usize };
    one(x.conv2d(&weight, bias.as_ref(), options))
}

fn max_pool2d(c: &Call) -> Replayed {
    let kernel = c.arg(0, "kernel_size").pair_or([1; 2])?;
    let options = MaxPoolOptions {
        kernel,
        stride: c.arg(1, "stride").pair_or(kernel)?,
        padding: c.arg(2, "padding").pair_or([0; 2])?,
        dilation: c.arg(3, "dilation").pair_or([1; 2])?,
        ceil_mode: c.arg(4, "ceil_mode").bool_or(false)?,
    };
    let (y, indices) = c.x()?.max_pool2d_with_indices(options)?;
    Ok(if c.arg(5, "return_indices").bool_or(false)? { vec![y, indices.into()] } else { vec![y] })
}
