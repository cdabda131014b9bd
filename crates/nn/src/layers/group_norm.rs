//! Normalization over groups of channels, each sample by itself.

use crate::{Layer, Module, Result};
use autograd::{DType, Parameter, Tensor, Var};
use std::panic::Location;

/// Weight and bias of each channel, `[C]`, if affine.
pub(crate) fn affine_pair(channels: usize, affine: bool, dtype: DType) -> Result<[Option<Parameter>; 2]> {
    if !affine {
        return Ok([None, None]);
    }
    let (ones, zeros) = (Tensor::ones([channels], dtype)?, Tensor::zeros([channels], dtype)?);
    Ok([Some(Parameter::new(ones)?), Some(Parameter::new(zeros)?)])
}

/// `(x − mean) / √(var + eps) · weight + bias` over `num_groups` groups of the channels of each sample `[N, C, ..]`,
/// with the biased variance, weight and bias of each channel: `nn.GroupNorm`.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor};
///
/// let norm = GroupNorm::new(2, 6)?;
/// let x = Tensor::ones([4, 6, 8, 8], DType::F32)?;
/// assert_eq!(norm.forward(&x.into())?.shape().to_string(), "[4, 6, 8, 8]");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct GroupNorm {
    /// `[C]`, starts as ones; None if not affine.
    pub weight: Option<Parameter>,
    /// `[C]`, starts as zeros; None if not affine.
    pub bias: Option<Parameter>,
    num_groups: usize,
    num_channels: usize,
    eps: f64,
}

impl GroupNorm {
    /// Eps 1e-5, affine, in f32.
    ///
    /// # Errors
    /// If the groups do not divide the channels or memory does not suffice.
    pub fn new(num_groups: usize, num_channels: usize) -> Result<Self> {
        Self::options(num_groups, num_channels).build()
    }

    /// Settings beyond the common ones.
    pub fn options(num_groups: usize, num_channels: usize) -> GroupNormOptions {
        GroupNormOptions { num_groups, num_channels, eps: 1e-5, affine: true, dtype: DType::F32 }
    }

    fn settings(&self) -> String {
        let Self { num_groups, num_channels, eps, weight, .. } = self;
        format!("{num_groups}, {num_channels}, eps={eps:e}, affine={}", weight.is_some())
    }
}

impl Layer for GroupNorm {
    fn compute(&self, x: &Var) -> Result<Var> {
        if x.shape().get(1) != Some(&self.num_channels) {
            return refused("group_norm", x, "[N, C, ..] with C = num_channels");
        }
        let (weight, bias) =
            (self.weight.as_ref().map(Parameter::var), self.bias.as_ref().map(Parameter::var));
        Ok(x.group_norm(self.num_groups, weight.as_ref(), bias.as_ref(), self.eps)?)
    }
}

#[track_caller]
pub(crate) fn refused(op: &'static str, x: &Var, expected: &'static str) -> Result<Var> {
    let (value, location) = (x.shape().to_string(), Location::caller());
    Err(autograd::Error::Argument { op, argument: "the input's shape", value, expected, location }.into())
}

/// Settings of a [`GroupNorm`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct GroupNormOptions {
    num_groups: usize,
    num_channels: usize,
    eps: f64,
    affine: bool,
    dtype: DType,
}

impl GroupNormOptions {
    /// Added to the variance; default 1e-5.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// Whether there are weight and bias; default true.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// The dtype of the parameters; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Makes the layer; nothing is drawn.
    ///
    /// # Errors
    /// If the groups do not divide the channels, the dtype is not floating-point or memory does not suffice.
    pub fn build(self) -> Result<GroupNorm> {
        let Self { num_groups, num_channels, eps, affine, dtype } = self;
        if num_channels.checked_rem(num_groups) != Some(0) {
            return Err(crate::Error::Argument {
                op: "GroupNorm",
                argument: "num_groups",
                value: num_groups.to_string(),
                expected: "a divisor of num_channels",
            });
        }
        let [weight, bias] = affine_pair(num_channels, affine, dtype)?;
        Ok(GroupNorm { weight, bias, num_groups, num_channels, eps })
    }
}
