//! Convolutions.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{ConvOptions, Result, Tensor, Var};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[adapter("conv2d", "nn_functional_conv2d", conv2d)];

/// `padding='same'` by zeros put beside the input: the reach of a kernel may be odd, and options pad both sides alike.
fn conv2d(c: &Call) -> Replayed {
    let (mut x, weight, bias) = (c.x()?, c.arg(0, "weight").var()?, c.arg(1, "bias").optional(Value::var)?);
    let (stride, dilation) = (c.arg(2, "stride").sizes_or([1; 2])?, c.arg(4, "dilation").sizes_or([1; 2])?);
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
        padding => padding.sizes_or([0; 2])?,
    };
    let options = ConvOptions { stride, padding, dilation, groups: c.arg(5, "groups").int_or(1)? as usize };
    one(x.conv2d(&weight, bias.as_ref(), options))
}
