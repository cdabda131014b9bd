//! Initial values of parameters: `torch.nn.init`.
//!
//! Each function draws from `rng` what PyTorch's draws and sets the parameter. Uniform values are bit-equal to
//! PyTorch's after the same seed, normal ones agree within 1e-6.

use crate::Result;
use autograd::tensor_core::Rng;
use autograd::{DType, Parameter, Tensor};

/// Sets `parameter` to values uniform in [low, high).
///
/// # Errors
/// If the bounds are not finite or not in order.
pub fn uniform(parameter: &Parameter, low: f64, high: f64, rng: &Rng) -> Result<()> {
    Ok(parameter.set_value(rng.uniform(parameter.shape(), low, high, parameter.dtype())?)?)
}

/// The weight and bias of a linear or convolution layer as PyTorch's `reset_parameters` draws them: the weight by
/// `kaiming_uniform_(a=sqrt(5))`, the bias uniform in ±1/√fan_in.
pub(crate) fn layer_default(
    shape: &[usize],
    bias: bool,
    dtype: DType,
    rng: &Rng,
) -> Result<(Parameter, Option<Parameter>)> {
    let fan_in: usize = shape[1..].iter().product();
    if fan_in == 0 {
        // PyTorch leaves both uninitialized; an empty sum of inputs has no scale.
        let zeros = |shape: &[usize]| -> Result<Parameter> { Ok(Parameter::new(Tensor::zeros(shape, dtype)?)?) };
        return Ok((zeros(shape)?, bias.then(|| zeros(&shape[..1])).transpose()?));
    }
    let root = (fan_in as f64).sqrt();
    // 1/√fan_in on paper; computed otherwise the last bit can differ from PyTorch's.
    let a = 5f64.sqrt();
    let bound = 3f64.sqrt() * ((2.0 / (1.0 + a * a)).sqrt() / root);
    let draw = |shape: &[usize], bound: f64| -> Result<Parameter> {
        Ok(Parameter::new(rng.uniform(shape, -bound, bound, dtype)?)?)
    };
    let weight = draw(shape, bound)?;
    let bias = bias.then(|| draw(&shape[..1], 1.0 / root)).transpose()?;
    Ok((weight, bias))
}
