//! Normalization over groups of channels, each sample by itself.

use crate::{Layer, Module, Result, Walk};
use autograd::{DType, Parameter, Tensor, Var};
use std::panic::Location;

/// Weight and bias of each channel, `[C]`, if affine.
fn affine_pair(channels: usize, affine: bool, dtype: DType) -> Result<[Option<Parameter>; 2]> {
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
fn refused(op: &'static str, x: &Var, expected: &'static str) -> Result<Var> {
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

/// [`InstanceNorm`] over `[N, C, L]` or `[C, L]`: `nn.InstanceNorm1d`.
pub type InstanceNorm1d = InstanceNorm<1>;
/// [`InstanceNorm`] over `[N, C, H, W]` or `[C, H, W]`: `nn.InstanceNorm2d`.
pub type InstanceNorm2d = InstanceNorm<2>;
/// [`InstanceNorm`] over `[N, C, D, H, W]` or `[C, D, H, W]`: `nn.InstanceNorm3d`.
pub type InstanceNorm3d = InstanceNorm<3>;

/// `(x − mean) / √(var + eps)` for each channel of each sample, with the biased variance, then `· weight + bias` if
/// affine: [`InstanceNorm1d`], [`InstanceNorm2d`], [`InstanceNorm3d`]. Training and evaluation are the same: there are no
/// running statistics, PyTorch's default.
#[derive(Debug)]
pub struct InstanceNorm<const DIMS: usize> {
    /// `[C]`, starts as ones; None if not affine.
    pub weight: Option<Parameter>,
    /// `[C]`, starts as zeros; None if not affine.
    pub bias: Option<Parameter>,
    num_features: usize,
    eps: f64,
}

impl<const DIMS: usize> Module for InstanceNorm<DIMS> {
    fn visit(&self, walk: &mut Walk<'_>) {
        // Every field is named, so that a new one cannot be left out unseen.
        let Self { weight, bias, num_features: _, eps: _ } = self;
        walk.module(self, |walk| {
            walk.child("weight", weight);
            walk.child("bias", bias);
        });
    }

    fn type_name(&self) -> &'static str {
        match DIMS {
            1 => "InstanceNorm1d",
            2 => "InstanceNorm2d",
            _ => "InstanceNorm3d",
        }
    }

    fn extra_repr(&self) -> String {
        format!("{}, eps={:e}, affine={}", self.num_features, self.eps, self.weight.is_some())
    }
}

impl<const DIMS: usize> InstanceNorm<DIMS> {
    /// Eps 1e-5, not affine.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(num_features: usize) -> Result<Self> {
        Self::options(num_features).build()
    }

    /// Settings beyond the common ones.
    pub fn options(num_features: usize) -> InstanceNormOptions<DIMS> {
        const { assert!(DIMS >= 1 && DIMS <= 3, "instance norm is over 1, 2 or 3 dimensions") };
        InstanceNormOptions { num_features, eps: 1e-5, affine: false, dtype: DType::F32 }
    }
}

impl<const DIMS: usize> Layer for InstanceNorm<DIMS> {
    fn compute(&self, x: &Var) -> Result<Var> {
        let batched = x.rank() == DIMS + 2;
        if !batched && x.rank() != DIMS + 1 || x.shape()[usize::from(batched)] != self.num_features {
            return refused(
                "instance_norm",
                x,
                "[N, C, ..] or [C, ..] of the layer's dimensions, C = num_features",
            );
        }
        let (weight, bias) =
            (self.weight.as_ref().map(Parameter::var), self.bias.as_ref().map(Parameter::var));
        let norm = |x: &Var| x.instance_norm(weight.as_ref(), bias.as_ref(), self.eps);
        Ok(if batched { norm(x)? } else { norm(&x.unsqueeze(0)?)?.squeeze(0)? })
    }
}

/// Settings of an [`InstanceNorm`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct InstanceNormOptions<const DIMS: usize> {
    num_features: usize,
    eps: f64,
    affine: bool,
    dtype: DType,
}

impl<const DIMS: usize> InstanceNormOptions<DIMS> {
    /// Added to the variance; default 1e-5.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// Whether there are weight and bias; default false.
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
    /// If the dtype is not floating-point or memory does not suffice.
    pub fn build(self) -> Result<InstanceNorm<DIMS>> {
        let Self { num_features, eps, affine, dtype } = self;
        let [weight, bias] = affine_pair(num_features, affine, dtype)?;
        Ok(InstanceNorm { weight, bias, num_features, eps })
    }
}
