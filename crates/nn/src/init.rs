//! Initial values of parameters: `torch.nn.init`.
//!
//! Each function draws from `rng` what PyTorch's draws, and sets the parameter. Uniform values are bit-equal to
//! PyTorch's after the same seed, normal ones agree within 1e-6. The weight of a linear layer is
//! `[fan_out, fan_in]`; further dimensions, the window of a convolution, multiply both.
//!
//! ```
//! use nn::init::{self, FanMode, Nonlinearity};
//! use autograd::{DType, Parameter, Tensor, tensor_core::Rng};
//!
//! let weight = Parameter::new(Tensor::zeros([128, 64], DType::F32)?)?;
//! init::kaiming_normal(&weight, FanMode::FanIn, Nonlinearity::ReLU, &Rng::seed(0))?;
//! let spread = weight.value().mul(&weight.value())?.mean()?.item::<f32>()?;
//! assert!((spread - 2.0 / 64.0).abs() < 2e-3);
//! # Ok::<(), nn::Error>(())
//! ```

use crate::{Error, Result};
use autograd::tensor_core::Rng;
use autograd::{DType, Parameter, Shape, Tensor};

/// Which number of connections keeps its variance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FanMode {
    /// The inputs of an output: the size of the activations is kept in the forward pass.
    #[default]
    FanIn,
    /// The outputs of an input: the size of the gradients is kept in the backward pass.
    FanOut,
}

/// The function that follows a layer, for [`calculate_gain`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// None, or a convolution.
    Linear,
    /// The logistic function.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// max(x, 0).
    ReLU,
    /// x, times the given slope below 0: PyTorch's argument `a`.
    LeakyReLU(f64),
    /// The self-normalizing unit.
    SELU,
}

/// The factor by which weights grow to make up for what `nonlinearity` takes from the variance: 1 for none and the
/// sigmoid, 5/3 for tanh, √2 for ReLU, √(2 / (1 + slope²)) for leaky ReLU, 3/4 for SELU.
pub fn calculate_gain(nonlinearity: Nonlinearity) -> f64 {
    match nonlinearity {
        Nonlinearity::Linear | Nonlinearity::Sigmoid => 1.0,
        Nonlinearity::Tanh => 5.0 / 3.0,
        Nonlinearity::ReLU => 2f64.sqrt(),
        Nonlinearity::LeakyReLU(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
        Nonlinearity::SELU => 3.0 / 4.0,
    }
}

/// Sets every element to `value`.
///
/// # Errors
/// If memory does not suffice.
pub fn constant(parameter: &Parameter, value: f64) -> Result<()> {
    Ok(parameter.set_value(Tensor::full(parameter.shape(), value, parameter.dtype())?)?)
}

/// Sets every element to 0.
///
/// # Errors
/// If memory does not suffice.
pub fn zeros(parameter: &Parameter) -> Result<()> {
    constant(parameter, 0.0)
}

/// Sets every element to 1.
///
/// # Errors
/// If memory does not suffice.
pub fn ones(parameter: &Parameter) -> Result<()> {
    constant(parameter, 1.0)
}

/// Draws uniformly from [low, high).
///
/// # Errors
/// If the bounds are not finite or not in order.
pub fn uniform(parameter: &Parameter, low: f64, high: f64, rng: &Rng) -> Result<()> {
    Ok(parameter.set_value(rng.uniform(parameter.shape(), low, high, parameter.dtype())?)?)
}

/// Draws from the normal distribution of `mean` and standard deviation `std`.
///
/// # Errors
/// If `mean` is not finite, or `std` is negative or not finite.
pub fn normal(parameter: &Parameter, mean: f64, std: f64, rng: &Rng) -> Result<()> {
    Ok(parameter.set_value(rng.normal(parameter.shape(), mean, std, parameter.dtype())?)?)
}

/// Draws uniformly from ±gain · √(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).
///
/// # Errors
/// If the parameter has fewer than two dimensions.
pub fn xavier_uniform(parameter: &Parameter, gain: f64, rng: &Rng) -> Result<()> {
    let bound = 3f64.sqrt() * xavier_std("xavier_uniform", parameter, gain)?;
    uniform_or_empty(parameter, bound, rng)
}

/// Draws normally with standard deviation gain · √(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010).
///
/// # Errors
/// If the parameter has fewer than two dimensions.
pub fn xavier_normal(parameter: &Parameter, gain: f64, rng: &Rng) -> Result<()> {
    let std = xavier_std("xavier_normal", parameter, gain)?;
    if parameter.numel() == 0 { Ok(()) } else { normal(parameter, 0.0, std, rng) }
}

/// Draws uniformly from ±gain · √(3 / fan) (He et al., 2015). PyTorch's defaults are [`FanMode::FanIn`] and
/// `LeakyReLU(0.0)`.
///
/// # Errors
/// If the parameter has fewer than two dimensions.
pub fn kaiming_uniform(
    parameter: &Parameter,
    mode: FanMode,
    nonlinearity: Nonlinearity,
    rng: &Rng,
) -> Result<()> {
    let std = kaiming_std(fan("kaiming_uniform", parameter.shape(), mode)?, nonlinearity);
    uniform_or_empty(parameter, 3f64.sqrt() * std, rng)
}

/// Draws normally with standard deviation gain / √fan (He et al., 2015). PyTorch's defaults are [`FanMode::FanIn`]
/// and `LeakyReLU(0.0)`.
///
/// # Errors
/// If the parameter has fewer than two dimensions.
pub fn kaiming_normal(
    parameter: &Parameter,
    mode: FanMode,
    nonlinearity: Nonlinearity,
    rng: &Rng,
) -> Result<()> {
    let std = kaiming_std(fan("kaiming_normal", parameter.shape(), mode)?, nonlinearity);
    if parameter.numel() == 0 { Ok(()) } else { normal(parameter, 0.0, std, rng) }
}

/// Draws from the normal distribution of `mean` and `std`, anew for each value outside [low, high]. PyTorch's
/// defaults are 0, 1, −2 and 2.
///
/// # Errors
/// If `mean`, `std` or a bound is not finite, `std` is not positive, or `low` is not below `high`.
pub fn trunc_normal(
    parameter: &Parameter,
    mean: f64,
    std: f64,
    low: f64,
    high: f64,
    rng: &Rng,
) -> Result<()> {
    let finite = [mean, std, low, high].iter().all(|x| x.is_finite());
    if !(finite && std > 0.0 && low < high) {
        return Err(Error::Argument {
            op: "trunc_normal",
            argument: "mean, std, low, high",
            value: format!("{mean}, {std}, {low}, {high}"),
            expected: "finite numbers with std > 0 and low < high",
        });
    }
    let below = |x: f64| -> Result<f64> {
        Ok((1.0 + Tensor::scalar((x - mean) / std / 2f64.sqrt())?.erf()?.item::<f64>()?) / 2.0)
    };
    // PyTorch's choice between its two ways, at its figure: the first wastes what falls outside.
    let value = if below(high)? - below(low)? > 0.3 {
        redrawn_normal(parameter, (mean, std), (low, high), rng)
    } else {
        accepted_uniform(parameter, (mean, std), (low, high), rng)
    };
    Ok(parameter.set_value(value?)?)
}

/// Normal values, those outside the bounds replaced by those of further full draws.
fn redrawn_normal(
    parameter: &Parameter,
    (mean, std): (f64, f64),
    (low, high): (f64, f64),
    rng: &Rng,
) -> Result<Tensor> {
    let draw = || rng.normal(parameter.shape(), mean, std, parameter.dtype());
    let mut value = draw()?;
    loop {
        let outside = value.lt_scalar(low)?.maximum(&value.gt_scalar(high)?)?;
        if !outside.any()? {
            return Ok(value);
        }
        value = draw()?.where_cond(&outside, &value)?;
    }
}

/// Uniform values, each accepted with the probability of its density over the largest density within the bounds.
fn accepted_uniform(
    parameter: &Parameter,
    (mean, std): (f64, f64),
    (low, high): (f64, f64),
    rng: &Rng,
) -> Result<Tensor> {
    let (shape, dtype) = (parameter.shape(), parameter.dtype());
    let peak = (mean.clamp(low, high) - mean) / std;
    let refused = |candidates: &Tensor| -> Result<Tensor> {
        let scores = candidates.sub_scalar(mean)?.div_scalar(std)?;
        let log_density = scores.mul(&scores)?.mul_scalar(-0.5)?.add_scalar(0.5 * peak * peak)?;
        Ok(rng.rand(shape, dtype)?.log()?.gt(&log_density)?)
    };
    let mut value = rng.uniform(shape, low, high, dtype)?;
    let mut pending = refused(&value)?;
    while pending.any()? {
        let candidates = rng.uniform(shape, low, high, dtype)?;
        value = candidates.where_cond(&pending, &value)?;
        pending = pending.minimum(&refused(&candidates)?)?;
    }
    Ok(value)
}

/// Sets the parameter, as a matrix of its first dimension by all others, to `gain` times one with orthonormal rows, or
/// columns where those are fewer, uniform among all such (Saxe et al., 2013; Mezzadri, 2006).
///
/// # Errors
/// If the parameter has fewer than two dimensions.
pub fn orthogonal(parameter: &Parameter, gain: f64, rng: &Rng) -> Result<()> {
    fan("orthogonal", parameter.shape(), FanMode::FanIn)?;
    if parameter.numel() == 0 {
        return Ok(());
    }
    let (rows, dtype) = (parameter.shape()[0], parameter.dtype());
    let columns = parameter.numel() / rows;
    let drawn = rng.normal([rows, columns], 0.0, 1.0, dtype)?;
    let wide = rows < columns;
    let vectors = if wide { drawn } else { drawn.t()? };
    let length = rows.max(columns);
    let mut flat = vectors.to_dtype(DType::F64)?.to_vec::<f64>()?;
    orthonormalize(&mut flat, length);
    let vectors = Tensor::from_vec(flat, [rows.min(columns), length])?.mul_scalar(gain)?.to_dtype(dtype)?;
    let matrix = if wide { vectors } else { vectors.t()?.contiguous()? };
    Ok(parameter.set_value(matrix.view_as(parameter.shape())?)?)
}

/// Gram and Schmidt's process on vectors of `length` numbers each, every projection done twice, which is enough for
/// full precision (Giraud et al., 2005). It gives the Q of the QR decomposition whose R has a positive diagonal.
fn orthonormalize(vectors: &mut [f64], length: usize) {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for start in (0..vectors.len()).step_by(length) {
        let (done, rest) = vectors.split_at_mut(start);
        let vector = &mut rest[..length];
        for _ in 0..2 {
            for other in done.chunks_exact(length) {
                let share = dot(other, vector);
                vector.iter_mut().zip(other).for_each(|(x, o)| *x -= share * o);
            }
        }
        let norm = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
    }
}

/// Sets the parameter, a matrix, to the identity: ones where row and column are equal.
///
/// # Errors
/// If the parameter has not two dimensions.
pub fn eye(parameter: &Parameter) -> Result<()> {
    let columns = matrix("eye", parameter)?.1;
    set_elements(parameter, |place| if place / columns == place % columns { 1.0 } else { 0.0 })
}

/// Sets the weight of a convolution so that output channel i of each of `groups` is input channel i, as far as there are
/// both: ones at the window's middle, zeros elsewhere.
///
/// # Errors
/// If the parameter has not 3, 4 or 5 dimensions, or `groups` does not divide its first.
pub fn dirac(parameter: &Parameter, groups: usize) -> Result<()> {
    let shape = parameter.shape();
    if !(3..=5).contains(&shape.len()) || groups == 0 || !shape[0].is_multiple_of(groups) {
        let (value, expected) =
            (format!("{shape} with {groups} groups"), "3, 4 or 5 dimensions, the first divisible by groups");
        return Err(Error::Argument { op: "dirac", argument: "the parameter's shape", value, expected });
    }
    let window: usize = shape[2..].iter().product();
    let middle = shape[2..].iter().fold(0, |place, size| place * size + size / 2);
    let (inputs, outputs) = (shape[1], shape[0] / groups);
    set_elements(parameter, |place| {
        let (channel, at) = (place / window, place % window);
        let (output, input) = (channel / inputs % outputs, channel % inputs);
        if at == middle && output == input { 1.0 } else { 0.0 }
    })
}

/// Draws a matrix from the normal distribution of mean 0 and deviation `std` and sets in each column the share
/// `sparsity` of the elements, rounded up, to 0 (Martens, 2010). PyTorch's default for `std` is 0.01.
///
/// # Errors
/// If the parameter has not two dimensions, or `sparsity` is not from 0 to 1.
pub fn sparse(parameter: &Parameter, sparsity: f64, std: f64, rng: &Rng) -> Result<()> {
    let (rows, columns) = matrix("sparse", parameter)?;
    if !(0.0..=1.0).contains(&sparsity) {
        let value = sparsity.to_string();
        return Err(Error::Argument {
            op: "sparse",
            argument: "sparsity",
            value,
            expected: "a share, 0 to 1",
        });
    }
    let drawn = rng.normal([rows, columns], 0.0, std, parameter.dtype())?;
    let zeros = (sparsity * rows as f64).ceil() as usize;
    let mut mask = vec![false; rows * columns];
    for column in 0..columns {
        for row in rng.randperm(rows)?.to_vec::<i64>()?.into_iter().take(zeros) {
            mask[row as usize * columns + column] = true;
        }
    }
    Ok(parameter.set_value(drawn.masked_fill(&Tensor::from_vec(mask, [rows, columns])?, 0.0)?)?)
}

/// Rows and columns.
fn matrix(op: &'static str, parameter: &Parameter) -> Result<(usize, usize)> {
    match parameter.shape()[..] {
        [rows, columns] => Ok((rows, columns)),
        _ => {
            let value = parameter.shape().to_string();
            Err(Error::Argument { op, argument: "the parameter's shape", value, expected: "two dimensions" })
        }
    }
}

/// Sets each element to the value of its place in row-major order.
fn set_elements(parameter: &Parameter, value: impl Fn(usize) -> f64) -> Result<()> {
    let elements = (0..parameter.numel()).map(value).collect();
    Ok(parameter.set_value(Tensor::from_vec(elements, parameter.shape())?.to_dtype(parameter.dtype())?)?)
}

fn uniform_or_empty(parameter: &Parameter, bound: f64, rng: &Rng) -> Result<()> {
    // A fan of 0 has no scale, and nothing to set.
    if parameter.numel() == 0 { Ok(()) } else { uniform(parameter, -bound, bound, rng) }
}

fn kaiming_std(fan: usize, nonlinearity: Nonlinearity) -> f64 {
    calculate_gain(nonlinearity) / (fan as f64).sqrt()
}

fn xavier_std(op: &'static str, parameter: &Parameter, gain: f64) -> Result<f64> {
    let shape = parameter.shape();
    let fans = fan(op, shape, FanMode::FanIn)? + fan(op, shape, FanMode::FanOut)?;
    Ok(gain * (2.0 / fans as f64).sqrt())
}

fn fan(op: &'static str, shape: &Shape, mode: FanMode) -> Result<usize> {
    if shape.len() < 2 {
        let (value, expected) = (shape.to_string(), "at least two dimensions, [fan_out, fan_in, ..]");
        return Err(Error::Argument { op, argument: "the parameter's shape", value, expected });
    }
    let window: usize = shape[2..].iter().product();
    Ok(window * if mode == FanMode::FanIn { shape[1] } else { shape[0] })
}

/// The weight and, of `bias` numbers, the bias of a linear or convolution layer as PyTorch's `reset_parameters` draws
/// them: the weight by `kaiming_uniform_(a=sqrt(5))`, then the bias uniform in ±1/√fan_in.
pub(crate) fn layer_default(
    shape: &[usize],
    bias: Option<usize>,
    dtype: DType,
    rng: &Rng,
) -> Result<(Parameter, Option<Parameter>)> {
    // A product too large for memory is refused where the weight is drawn.
    let fan_in = shape[1..].iter().fold(1usize, |product, &size| product.saturating_mul(size));
    // Of no inputs, the scale is that of one; PyTorch leaves such a bias uninitialized.
    let scale = fan_in.max(1);
    let draw = |shape: &[usize], bound: f64| -> Result<Parameter> {
        Ok(Parameter::new(rng.uniform(shape, -bound, bound, dtype)?)?)
    };
    // The weight's bound is 1/√fan_in on paper; computed that way the last bit can differ from PyTorch's.
    let weight = draw(shape, 3f64.sqrt() * kaiming_std(scale, Nonlinearity::LeakyReLU(5f64.sqrt())))?;
    let bias = bias.map(|size| draw(&[size], 1.0 / (scale as f64).sqrt())).transpose()?;
    Ok((weight, bias))
}
