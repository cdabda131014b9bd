//! From a recorded configuration to a module and a way to call it.

use super::{Built, Inputs, Tensors, loss, more};
use autograd::tensor_core::Rng;
use autograd::{Approximate, DType, InterpolateMode, Reduction, Tensor, Var};
use nn::prelude::*;
use nn::{AttentionMasks, PaddingMode, TransformerActivation};
use serde_json::Value as Json;
use std::sync::Arc;

/// The keywords of a constructor.
pub struct Config<'a> {
    pub json: &'a Json,
    tensors: &'a Tensors,
}

impl Config<'_> {
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.json["config"][key].as_bool().unwrap_or(default)
    }

    pub fn size(&self, key: &str, default: usize) -> usize {
        self.json["config"][key].as_u64().map_or(default, |x| x as usize)
    }

    /// A size for each dimension: one for all, or one each.
    pub fn each<const N: usize>(&self, key: &str, default: [usize; N]) -> [usize; N] {
        each(&self.json["config"][key]).unwrap_or(default)
    }

    pub fn number(&self, key: &str, default: f64) -> f64 {
        self.json["config"][key].as_f64().unwrap_or(default)
    }

    pub fn dim(&self) -> Option<isize> {
        self.json["config"]["dim"].as_i64().map(|dim| dim as isize)
    }

    pub fn text(&self, key: &str) -> &str {
        self.json["config"][key].as_str().unwrap_or_default()
    }

    pub fn tensor(&self, key: &str) -> Option<Tensor> {
        self.tensors.get(key).cloned()
    }

    /// Positional argument `i`.
    pub fn argument(&self, i: usize) -> usize {
        self.json["arguments"][i].as_u64().unwrap() as usize
    }

    /// Positional argument `i`, one size for all dimensions or one each.
    pub fn argument_each<const N: usize>(&self, i: usize) -> [usize; N] {
        each(&self.json["arguments"][i]).unwrap()
    }

    /// Positional argument `i`, a number for all sides or one each.
    pub fn sides<const N: usize>(&self, i: usize) -> [isize; N] {
        let json = &self.json["arguments"][i];
        std::array::from_fn(|side| json.as_i64().unwrap_or_else(|| json[side].as_i64().unwrap()) as isize)
    }

    pub fn arguments(&self, i: usize) -> Vec<usize> {
        let list = self.json["arguments"][i].as_array().unwrap();
        list.iter().map(|x| x.as_u64().unwrap() as usize).collect()
    }

    /// Positional argument 0, a list of sizes or null.
    pub fn output_size<const N: usize>(&self) -> [Option<usize>; N] {
        let list = self.json["arguments"][0].as_array().unwrap();
        std::array::from_fn(|d| list[d].as_u64().map(|size| size as usize))
    }

    pub fn reduction(&self) -> Reduction {
        match self.text("reduction") {
            "sum" => Reduction::Sum,
            "none" => Reduction::None,
            _ => Reduction::Mean,
        }
    }
}

/// One size for all dimensions, or one each.
fn each<const N: usize>(json: &Json) -> Option<[usize; N]> {
    let size = |json: &Json| json.as_u64().map(|size| size as usize);
    match json.as_array() {
        Some(sizes) => Some(std::array::from_fn(|dim| size(&sizes[dim]).unwrap())),
        None => size(json).map(|size| [size; N]),
    }
}

/// A module called by `call`.
pub fn of<M: Module>(module: M, call: impl Fn(&M, &Inputs) -> nn::Result<Vec<Var>> + 'static) -> Built {
    let module = Arc::new(module);
    let own = Arc::clone(&module);
    Built { module, call: Box::new(move |inputs| call(&own, inputs)) }
}

pub fn layer(layer: impl Layer) -> Built {
    of(layer, |layer, inputs| Ok(vec![layer.forward(&inputs["input"])?]))
}

macro_rules! max_pool {
    ($c:ident, $pool:ident) => {{
        let kernel = $c.argument_each(0);
        let pool = $pool::new(kernel)
            .stride($c.each("stride", kernel))
            .padding($c.each("padding", kernel.map(|_| 0)));
        layer(pool.dilation($c.each("dilation", kernel.map(|_| 1))).ceil_mode($c.flag("ceil_mode", false)))
    }};
}

macro_rules! avg_pool {
    ($c:ident, $pool:ident $(, $divisor:ident)?) => {{
        let kernel = $c.argument(0);
        let pool = $pool::new(kernel).stride($c.size("stride", kernel)).padding($c.size("padding", 0));
        let pool = pool.ceil_mode($c.flag("ceil_mode", false));
        let pool = pool.count_include_pad($c.flag("count_include_pad", true));
        $(let pool = match $c.json["config"]["divisor_override"].as_i64() {
            Some(divisor) => pool.$divisor(divisor),
            None => pool,
        };)?
        layer(pool)
    }};
}

fn upsample(c: &Config) -> Built {
    let layer_of = match c.json["config"]["scale_factor"].as_f64() {
        Some(factor) => Upsample::scale_factor([factor]),
        None => Upsample::size(c.size("size", 0)),
    };
    let mode = match c.text("mode") {
        "linear" => InterpolateMode::Linear,
        "bilinear" => InterpolateMode::Bilinear,
        "trilinear" => InterpolateMode::Trilinear,
        "bicubic" => InterpolateMode::Bicubic,
        _ => InterpolateMode::Nearest,
    };
    layer(layer_of.mode(mode).align_corners(c.flag("align_corners", false)))
}

pub fn build(name: &str, json: &Json, tensors: &Tensors, rng: &Rng) -> Built {
    let c = Config { json, tensors };
    match name {
        "ReLU" => layer(ReLU),
        "Sigmoid" => layer(Sigmoid),
        "Tanh" => layer(Tanh),
        "SiLU" => layer(SiLU),
        "GELU" => {
            let tanh = c.text("approximate") == "tanh";
            layer(GELU::new().approximate(if tanh { Approximate::Tanh } else { Approximate::None }))
        }
        "Identity" => layer(Identity),
        "Flatten" => layer(match json["arguments"][0].as_i64() {
            Some(start) => Flatten::dims(start as isize, json["arguments"][1].as_i64().unwrap() as isize),
            None => Flatten::new(),
        }),
        "Linear" => {
            let options = Linear::options(c.argument(0), c.argument(1)).bias(c.flag("bias", true));
            layer(options.dtype(DType::F64).build(rng).unwrap())
        }
        "Embedding" => embedding(&c, rng),
        "LayerNorm" => {
            let options = LayerNorm::options(&c.arguments(0)[..]).eps(c.number("eps", 1e-5));
            let options =
                options.elementwise_affine(c.flag("elementwise_affine", true)).bias(c.flag("bias", true));
            layer(options.dtype(DType::F64).build().unwrap())
        }
        "LogSoftmax" => layer(LogSoftmax::new(c.dim().unwrap())),
        "Dropout" => layer(Dropout::new(c.number("p", 0.5), rng).unwrap()),
        "RMSNorm" => {
            let mut options = RMSNorm::options(&c.arguments(0)[..]).dtype(DType::F64);
            options = options.elementwise_affine(c.flag("elementwise_affine", true));
            layer(options.eps(c.json["config"]["eps"].as_f64()).build().unwrap())
        }
        "CELU" => layer(CELU::new().alpha(c.number("alpha", 1.0))),
        "ELU" => layer(ELU::new().alpha(c.number("alpha", 1.0))),
        "GLU" => layer(c.dim().map_or_else(GLU::new, |dim| GLU::new().dim(dim))),
        "Hardshrink" => layer(Hardshrink::new().lambd(c.number("lambd", 0.5))),
        "Hardsigmoid" => layer(Hardsigmoid),
        "Hardswish" => layer(Hardswish),
        "Hardtanh" => {
            layer(Hardtanh::new().min_val(c.number("min_val", -1.0)).max_val(c.number("max_val", 1.0)))
        }
        "LeakyReLU" => layer(LeakyReLU::new().negative_slope(c.number("negative_slope", 0.01))),
        "LogSigmoid" => layer(LogSigmoid),
        "Mish" => layer(Mish),
        "PReLU" => {
            let options = PReLU::options().num_parameters(c.size("num_parameters", 1));
            layer(options.init(c.number("init", 0.25)).dtype(DType::F64).build().unwrap())
        }
        "ReLU6" => layer(ReLU6),
        "SELU" => layer(SELU),
        "Softmax" => layer(Softmax::new(c.dim().unwrap())),
        "Softmin" => layer(Softmin::new(c.dim().unwrap())),
        "Softplus" => {
            layer(Softplus::new().beta(c.number("beta", 1.0)).threshold(c.number("threshold", 20.0)))
        }
        "Softshrink" => layer(Softshrink::new().lambd(c.number("lambd", 0.5))),
        "Softsign" => layer(Softsign),
        "Tanhshrink" => layer(Tanhshrink),
        "Threshold" => layer(Threshold::new(c.number("threshold", 0.0), c.number("value", 0.0))),
        "GroupNorm" => {
            let options = GroupNorm::options(c.argument(0), c.argument(1)).affine(c.flag("affine", true));
            layer(options.eps(c.number("eps", 1e-5)).dtype(DType::F64).build().unwrap())
        }
        "InstanceNorm1d" => instance_norm::<1>(&c),
        "InstanceNorm2d" => instance_norm::<2>(&c),
        "InstanceNorm3d" => instance_norm::<3>(&c),
        "BatchNorm1d" => batch_norm::<1>(&c),
        "BatchNorm2d" => batch_norm::<2>(&c),
        "BatchNorm3d" => batch_norm::<3>(&c),
        "AvgPool1d" => avg_pool!(c, AvgPool1d),
        "AvgPool2d" => avg_pool!(c, AvgPool2d, divisor_override),
        "AvgPool3d" => avg_pool!(c, AvgPool3d, divisor_override),
        "MaxPool1d" => max_pool!(c, MaxPool1d),
        "MaxPool2d" => max_pool!(c, MaxPool2d),
        "MaxPool3d" => max_pool!(c, MaxPool3d),
        "AdaptiveAvgPool1d" => layer(AdaptiveAvgPool1d::new(c.argument(0))),
        "AdaptiveAvgPool2d" => layer(AdaptiveAvgPool2d::new(c.output_size())),
        "AdaptiveAvgPool3d" => layer(AdaptiveAvgPool3d::new(c.output_size())),
        "AdaptiveMaxPool1d" => layer(AdaptiveMaxPool1d::new(c.argument(0))),
        "AdaptiveMaxPool2d" => layer(AdaptiveMaxPool2d::new(c.output_size())),
        "AdaptiveMaxPool3d" => layer(AdaptiveMaxPool3d::new(c.output_size())),
        "PixelShuffle" => layer(PixelShuffle::new(c.argument(0))),
        "PixelUnshuffle" => layer(PixelUnshuffle::new(c.argument(0))),
        "Upsample" => upsample(&c),
        "Conv1d" => conv::<1>(&c, rng),
        "Conv2d" => conv::<2>(&c, rng),
        "Conv3d" => conv::<3>(&c, rng),
        "ConvTranspose1d" => conv_transpose::<1>(&c, rng),
        "ConvTranspose2d" => conv_transpose::<2>(&c, rng),
        "ConvTranspose3d" => conv_transpose::<3>(&c, rng),
        "LSTM" | "GRU" | "RNN" | "LSTMCell" | "GRUCell" | "RNNCell" => recurrent(name, &c, rng),
        "MultiheadAttention" => attention(&c, rng),
        "TransformerEncoderLayer" | "TransformerDecoderLayer" => transformer(name, &c, rng),
        _ => more::build(name, &c, rng).unwrap_or_else(|| loss::build(name, &c)),
    }
}

fn embedding(c: &Config, rng: &Rng) -> Built {
    let mut options = Embedding::options(c.argument(0), c.argument(1)).norm_type(c.number("norm_type", 2.0));
    if let Some(padding) = c.json["config"]["padding_idx"].as_i64() {
        options = options.padding_idx(padding as isize);
    }
    if let Some(most) = c.json["config"]["max_norm"].as_f64() {
        options = options.max_norm(most);
    }
    options = options.scale_grad_by_freq(c.flag("scale_grad_by_freq", false));
    layer(options.dtype(DType::F64).build(rng).unwrap())
}

fn instance_norm<const DIMS: usize>(c: &Config) -> Built {
    let mut options = nn::InstanceNorm::<DIMS>::options(c.argument(0)).affine(c.flag("affine", false));
    options = options.track_running_stats(c.flag("track_running_stats", false));
    if let Some(momentum) = c.json["config"].get("momentum") {
        options = options.momentum(momentum.as_f64());
    }
    layer(options.eps(c.number("eps", 1e-5)).dtype(DType::F64).build().unwrap())
}

fn batch_norm<const DIMS: usize>(c: &Config) -> Built {
    let mut options = nn::BatchNorm::<DIMS>::options(c.argument(0)).dtype(DType::F64);
    if let Some(momentum) = c.json["config"].get("momentum") {
        options = options.momentum(momentum.as_f64());
    }
    options = options.affine(c.flag("affine", true)).track_running_stats(c.flag("track_running_stats", true));
    layer(options.eps(c.number("eps", 1e-5)).build().unwrap())
}

fn conv<const DIMS: usize>(c: &Config, rng: &Rng) -> Built {
    let options = nn::Conv::<DIMS>::options(c.argument(0), c.argument(1), c.argument_each::<DIMS>(2))
        .stride(c.each("stride", [1; DIMS]))
        .dilation(c.each("dilation", [1; DIMS]))
        .groups(c.size("groups", 1))
        .bias(c.flag("bias", true))
        .dtype(DType::F64)
        .padding_mode(match c.text("padding_mode") {
            "reflect" => PaddingMode::Reflect,
            "replicate" => PaddingMode::Replicate,
            "circular" => PaddingMode::Circular,
            _ => PaddingMode::Zeros,
        });
    let options = match c.text("padding") {
        "same" => options.padding_same(),
        _ => options.padding(c.each("padding", [0; DIMS])),
    };
    layer(options.build(rng).unwrap())
}

fn conv_transpose<const DIMS: usize>(c: &Config, rng: &Rng) -> Built {
    let options = nn::ConvTranspose::<DIMS>::options(c.argument(0), c.argument(1), c.argument(2))
        .stride(c.size("stride", 1))
        .padding(c.size("padding", 0))
        .output_padding(c.size("output_padding", 0))
        .dilation(c.size("dilation", 1))
        .groups(c.size("groups", 1))
        .bias(c.flag("bias", true))
        .dtype(DType::F64);
    layer(options.build(rng).unwrap())
}

macro_rules! recurrent_layer {
    ($layer:ident, $c:ident) => {
        $layer::options($c.argument(0), $c.argument(1))
            .num_layers($c.size("num_layers", 1))
            .bias($c.flag("bias", true))
            .batch_first($c.flag("batch_first", false))
            .bidirectional($c.flag("bidirectional", false))
            .dtype(DType::F64)
    };
}

fn rnn_cell(c: &Config, rng: &Rng) -> RNNCell {
    let options = RNNCell::options(c.argument(0), c.argument(1)).bias(c.flag("bias", true)).dtype(DType::F64);
    if c.text("nonlinearity") == "relu" { options.relu() } else { options }.build(rng).unwrap()
}

fn recurrent(name: &str, c: &Config, rng: &Rng) -> Built {
    let (input, hidden, bias) = (c.argument(0), c.argument(1), c.flag("bias", true));
    match name {
        "LSTM" => {
            let options = recurrent_layer!(LSTM, c).proj_size(c.size("proj_size", 0));
            of(options.build(rng).unwrap(), |lstm, inputs| {
                let state = inputs.get("h").zip(inputs.get("c"));
                let (y, (h, c)) = lstm.forward(&inputs["input"], state)?;
                Ok(vec![y, h, c])
            })
        }
        "GRU" => of(recurrent_layer!(GRU, c).build(rng).unwrap(), |gru, inputs| {
            let (y, h) = gru.forward(&inputs["input"], inputs.get("h"))?;
            Ok(vec![y, h])
        }),
        "RNN" => {
            let options = recurrent_layer!(RNN, c);
            let options = if c.text("nonlinearity") == "relu" { options.relu() } else { options };
            of(options.build(rng).unwrap(), |rnn, inputs| {
                let (y, h) = rnn.forward(&inputs["input"], inputs.get("h"))?;
                Ok(vec![y, h])
            })
        }
        "LSTMCell" => of(
            LSTMCell::options(input, hidden).bias(bias).dtype(DType::F64).build(rng).unwrap(),
            |cell, inputs| {
                let (h, c) = cell.forward(&inputs["input"], inputs.get("h").zip(inputs.get("c")))?;
                Ok(vec![h, c])
            },
        ),
        "GRUCell" => of(
            GRUCell::options(input, hidden).bias(bias).dtype(DType::F64).build(rng).unwrap(),
            |cell, inputs| Ok(vec![cell.forward(&inputs["input"], inputs.get("h"))?]),
        ),
        _ => of(rnn_cell(c, rng), |cell, inputs| Ok(vec![cell.forward(&inputs["input"], inputs.get("h"))?])),
    }
}

fn attention(c: &Config, rng: &Rng) -> Built {
    let width = c.argument(0);
    let module = MultiheadAttention::options(width, c.argument(1))
        .bias(c.flag("bias", true))
        .add_bias_kv(c.flag("add_bias_kv", false))
        .add_zero_attn(c.flag("add_zero_attn", false))
        .kdim(c.size("kdim", width))
        .vdim(c.size("vdim", width))
        .batch_first(c.flag("batch_first", false))
        .dtype(DType::F64)
        .build(rng)
        .unwrap();
    let weights = c.json["need_weights"] == true;
    let average = c.json["average_attn_weights"] == true;
    of(module, move |attention, inputs| {
        let (query, key, value) = (&inputs["query"], &inputs["key"], &inputs["value"]);
        let (attn_mask, key_padding_mask) = (inputs.get("attn_mask"), inputs.get("key_padding_mask"));
        let masks = AttentionMasks { attn_mask, key_padding_mask, is_causal: false };
        let (y, weights) = match (weights, average) {
            (false, _) => return Ok(vec![attention.forward(query, key, value, masks)?]),
            (true, true) => attention.forward_with_weights(query, key, value, masks)?,
            (true, false) => attention.forward_with_head_weights(query, key, value, masks)?,
        };
        Ok(vec![y, weights])
    })
}

pub fn transformer_activation(c: &Config) -> TransformerActivation {
    match c.text("activation") {
        "gelu" => TransformerActivation::GELU,
        _ => TransformerActivation::ReLU,
    }
}

macro_rules! transformer_layer {
    ($layer:ident, $c:ident) => {
        $layer::options($c.argument(0), $c.argument(1))
            .dim_feedforward($c.size("dim_feedforward", 2048))
            .dropout($c.number("dropout", 0.1))
            .activation(transformer_activation($c))
            .layer_norm_eps($c.number("layer_norm_eps", 1e-5))
            .batch_first($c.flag("batch_first", false))
            .norm_first($c.flag("norm_first", false))
            .bias($c.flag("bias", true))
            .dtype(DType::F64)
    };
}

fn transformer(name: &str, c: &Config, rng: &Rng) -> Built {
    fn masks<'a>(inputs: &'a Inputs, prefix: &str) -> AttentionMasks<'a> {
        AttentionMasks {
            attn_mask: inputs.get(&format!("{prefix}_mask")),
            key_padding_mask: inputs.get(&format!("{prefix}_key_padding_mask")),
            is_causal: false,
        }
    }
    if name == "TransformerEncoderLayer" {
        let module = transformer_layer!(TransformerEncoderLayer, c).build(rng).unwrap();
        let is_causal = c.json["is_causal"] == true;
        return of(module, move |layer, inputs| {
            Ok(vec![layer.forward(&inputs["src"], AttentionMasks { is_causal, ..masks(inputs, "src") })?])
        });
    }
    let module = transformer_layer!(TransformerDecoderLayer, c).build(rng).unwrap();
    of(module, |layer, inputs| {
        let (tgt, memory) = (masks(inputs, "tgt"), masks(inputs, "memory"));
        Ok(vec![layer.forward(&inputs["tgt"], &inputs["memory"], tgt, memory)?])
    })
}
