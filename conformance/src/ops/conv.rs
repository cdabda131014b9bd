//! Convolutions.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{ConvOptions, ConvTransposeOptions, Padding, Result, Var};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("conv", "nn_functional_conv1d", |c| conv(c, Var::conv1d)),
    adapter("conv", "nn_functional_conv2d", |c| conv(c, Var::conv2d)),
    adapter("conv", "nn_functional_conv3d", |c| conv(c, Var::conv3d)),
    adapter("conv_transpose", "nn_functional_conv_transpose1d", |c| conv_transpose(c, Var::conv_transpose1d)),
    adapter("conv_transpose", "nn_functional_conv_transpose2d", |c| conv_transpose(c, Var::conv_transpose2d)),
    adapter("conv_transpose", "nn_functional_conv_transpose3d", |c| conv_transpose(c, Var::conv_transpose3d)),
];

type Conv<const N: usize> = fn(&Var, &Var, Option<&Var>, ConvOptions<N>) -> Result<Var>;
type ConvTranspose<const N: usize> = fn(&Var, &Var, Option<&Var>, ConvTransposeOptions<N>) -> Result<Var>;

fn conv<const N: usize>(c: &Call, method: Conv<N>) -> Replayed {
    let (weight, bias) = (c.arg(0, "weight").var()?, c.arg(1, "bias").optional(Value::var)?);
    let padding = match c.arg(3, "padding") {
        Value::Text(text) if text == "same" => Padding::Same,
        Value::Text(_) => Padding::Zeros([0; N]),
        zeros => Padding::Zeros(zeros.sizes_or([0; N])?),
    };
    let options = ConvOptions {
        stride: c.arg(2, "stride").sizes_or([1; N])?,
        padding,
        dilation: c.arg(4, "dilation").sizes_or([1; N])?,
        groups: c.arg(5, "groups").int_or(1)? as usize,
    };
    one(method(&c.x()?, &weight, bias.as_ref(), options))
}

fn conv_transpose<const N: usize>(c: &Call, method: ConvTranspose<N>) -> Replayed {
    let (weight, bias) = (c.arg(0, "weight").var()?, c.arg(1, "bias").optional(Value::var)?);
    let options = ConvTransposeOptions {
        stride: c.arg(2, "stride").sizes_or([1; N])?,
        padding: c.arg(3, "padding").sizes_or([0; N])?,
        output_padding: c.arg(4, "output_padding").sizes_or([0; N])?,
        groups: c.arg(5, "groups").int_or(1)? as usize,
        dilation: c.arg(6, "dilation").sizes_or([1; N])?,
    };
    one(method(&c.x()?, &weight, bias.as_ref(), options))
}
