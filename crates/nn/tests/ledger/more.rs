//! Modules of several inputs, of settings by side, and made of other modules.

use super::build::{Config, layer, of, transformer_activation};
use super::{Built, Inputs};
use autograd::tensor_core::Rng;
use autograd::{AttentionOptions, DType, Var};
use nn::prelude::*;
use nn::{AttentionMasks, Weighted};

macro_rules! plain_pads {
    ($c:ident, $name:ident: $($pad:ident),*) => {
        match $name {
            $(stringify!($pad) => return Some(layer($pad::new($c.sides(0)))),)*
            _ => {}
        }
    };
}

macro_rules! constant_pads {
    ($c:ident, $name:ident: $($pad:ident),*) => {
        match $name {
            $(stringify!($pad) => return Some(layer($pad::new($c.sides(0), $c.json["arguments"][1].as_f64().unwrap()))),)*
            _ => {}
        }
    };
}

fn padding(name: &str, c: &Config) -> Option<Built> {
    plain_pads!(c, name: ZeroPad1d, ZeroPad2d, ZeroPad3d, ReflectionPad1d, ReflectionPad2d, ReflectionPad3d);
    plain_pads!(c, name: ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, CircularPad1d, CircularPad2d);
    plain_pads!(c, name: CircularPad3d);
    constant_pads!(c, name: ConstantPad1d, ConstantPad2d, ConstantPad3d);
    None
}

macro_rules! windows {
    ($c:ident, $fold:expr) => {
        layer(
            $fold
                .dilation($c.each("dilation", [1; 2]))
                .padding($c.each("padding", [0; 2]))
                .stride($c.each("stride", [1; 2])),
        )
    };
}

pub fn build(name: &str, c: &Config, rng: &Rng) -> Option<Built> {
    Some(match name {
        "CosineSimilarity" => {
            let measure = CosineSimilarity::new().dim(c.dim().unwrap_or(1)).eps(c.number("eps", 1e-8));
            of(measure, |measure, inputs| Ok(vec![measure.forward(&inputs["x1"], &inputs["x2"])?]))
        }
        "PairwiseDistance" => {
            let measure = PairwiseDistance::new().p(c.number("p", 2.0)).eps(c.number("eps", 1e-6));
            let measure = measure.keepdim(c.flag("keepdim", false));
            of(measure, |measure, inputs| Ok(vec![measure.forward(&inputs["x1"], &inputs["x2"])?]))
        }
        "Unfold" => windows!(c, Unfold::new(c.argument_each::<2>(0))),
        "Fold" => windows!(c, Fold::new(c.argument_each::<2>(0), c.argument_each::<2>(1))),
        "CTCLoss" => ctc(c),
        "ScaledDotProductAttention" => attention(c),
        "WeightNorm" | "SpectralNorm" => parametrized(name, c, rng),
        "TransformerEncoder" | "TransformerDecoder" => transformer(name, c, rng),
        _ => return padding(name, c),
    })
}

fn ctc(c: &Config) -> Built {
    let loss = CTCLoss::new()
        .blank(c.size("blank", 0))
        .reduction(c.reduction())
        .zero_infinity(c.flag("zero_infinity", false));
    of(loss, |loss, inputs| {
        let lengths = |name: &str| -> Vec<usize> {
            inputs[name].detach().to_vec::<i64>().unwrap().into_iter().map(|length| length as usize).collect()
        };
        let (x, targets) = (inputs["input"].log_softmax(-1)?, inputs["targets"].detach());
        Ok(vec![loss.forward(&x, &targets, &lengths("input_lengths"), &lengths("target_lengths"))?])
    })
}

fn attention(c: &Config) -> Built {
    let (is_causal, enable_gqa) = (c.flag("is_causal", false), c.flag("enable_gqa", false));
    let scale = c.json["config"]["scale"].as_f64();
    of(Identity, move |_, inputs| {
        let options = AttentionOptions {
            attn_mask: inputs.get("attn_mask"),
            is_causal,
            scale,
            enable_gqa,
            ..AttentionOptions::default()
        };
        Ok(vec![inputs["query"].scaled_dot_product_attention(&inputs["key"], &inputs["value"], options)?])
    })
}

/// The layer named by the first argument, made of the others, then normed.
fn parametrized(name: &str, c: &Config, rng: &Rng) -> Built {
    let [inputs, outputs] = [1, 2].map(|i| c.argument(i));
    match c.json["arguments"][0].as_str().unwrap() {
        "Linear" => {
            normed(name, Linear::options(inputs, outputs).dtype(DType::F64).build(rng).unwrap(), c, rng)
        }
        "Conv2d" => {
            let options = Conv2d::options(inputs, outputs, c.argument(3)).dtype(DType::F64);
            normed(name, options.build(rng).unwrap(), c, rng)
        }
        _ => {
            let options = ConvTranspose2d::options(inputs, outputs, c.argument(3)).dtype(DType::F64);
            normed(name, options.build(rng).unwrap(), c, rng)
        }
    }
}

fn normed<L: Weighted>(name: &str, inner: L, c: &Config, rng: &Rng) -> Built {
    let dim = c.json["config"].get("dim").map(|dim| dim.as_u64().map(|dim| dim as usize));
    if name == "WeightNorm" {
        return layer(match dim {
            None => WeightNorm::new(inner).unwrap(),
            Some(dim) => WeightNorm::with_dim(inner, dim).unwrap(),
        });
    }
    let options = SpectralNorm::options(inner).n_power_iterations(c.size("n_power_iterations", 1));
    let options = options.eps(c.number("eps", 1e-12));
    let options = match dim.flatten() {
        Some(dim) => options.dim(dim),
        None => options,
    };
    layer(options.build(rng).unwrap())
}

fn masks<'a>(inputs: &'a Inputs, attn_mask: &str, key_padding_mask: &str) -> AttentionMasks<'a> {
    AttentionMasks {
        attn_mask: inputs.get(attn_mask),
        key_padding_mask: inputs.get(key_padding_mask),
        is_causal: false,
    }
}

macro_rules! stack {
    ($c:ident, $stack:ident, $layer:ident, $rng:ident) => {{
        let options = $layer::options($c.argument(0), $c.argument(1))
            .dim_feedforward($c.size("dim_feedforward", 2048))
            .dropout($c.number("dropout", 0.1))
            .activation(transformer_activation($c))
            .batch_first($c.flag("batch_first", false))
            .norm_first($c.flag("norm_first", false))
            .bias($c.flag("bias", true))
            .dtype(DType::F64);
        let last = LayerNorm::options($c.argument(0)).dtype(DType::F64).build().unwrap();
        $stack::new(options, 2, ($c.json["norm"] == true).then_some(last), $rng).unwrap()
    }};
}

fn transformer(name: &str, c: &Config, rng: &Rng) -> Built {
    if name == "TransformerEncoder" {
        let module = stack!(c, TransformerEncoder, TransformerEncoderLayer, rng);
        return of(module, |stack, inputs| {
            Ok(vec![stack.forward(&inputs["src"], masks(inputs, "mask", "src_key_padding_mask"))?])
        });
    }
    let module = stack!(c, TransformerDecoder, TransformerDecoderLayer, rng);
    of(module, |stack, inputs| -> nn::Result<Vec<Var>> {
        let tgt = masks(inputs, "tgt_mask", "tgt_key_padding_mask");
        let memory = masks(inputs, "memory_mask", "memory_key_padding_mask");
        Ok(vec![stack.forward(&inputs["tgt"], &inputs["memory"], tgt, memory)?])
    })
}
