//! Normalization of each channel of each sample.

use crate::layers::batch_norm::follow;
use crate::layers::group_norm::{affine_pair, refused};
use crate::{Buffer, Layer, Module, Result, Training, Walk};
use autograd::{DType, Parameter, Shape, Tensor, Var};

/// [`InstanceNorm`] over `[N, C, L]` or `[C, L]`: `nn.InstanceNorm1d`.
pub type InstanceNorm1d = InstanceNorm<1>;
/// [`InstanceNorm`] over `[N, C, H, W]` or `[C, H, W]`: `nn.InstanceNorm2d`.
pub type InstanceNorm2d = InstanceNorm<2>;
/// [`InstanceNorm`] over `[N, C, D, H, W]` or `[C, D, H, W]`: `nn.InstanceNorm3d`.
pub type InstanceNorm3d = InstanceNorm<3>;

/// `(x − mean) / √(var + eps)` for each channel of each sample, with the biased variance, then `· weight + bias` if
/// affine: [`InstanceNorm1d`], [`InstanceNorm2d`], [`InstanceNorm3d`].
///
/// Training and evaluation are the same without running statistics, PyTorch's default. With them, they follow the mean
/// over the batch of mean and unbiased variance in training, as in [`BatchNorm`](crate::BatchNorm), and take their place in
/// evaluation.
#[derive(Debug)]
pub struct InstanceNorm<const DIMS: usize> {
    /// `[C]`, starts as ones; None if not affine.
    pub weight: Option<Parameter>,
    /// `[C]`, starts as zeros; None if not affine.
    pub bias: Option<Parameter>,
    running: Option<Running>,
    training: Training,
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
}

#[derive(Debug)]
struct Running {
    mean: Buffer,
    var: Buffer,
    /// Saved, and never counted up, as in PyTorch.
    num_batches_tracked: Buffer,
}

impl<const DIMS: usize> Module for InstanceNorm<DIMS> {
    fn visit(&self, walk: &mut Walk<'_>) {
        // Every field is named, so that a new one cannot be left out unseen.
        let Self { weight, bias, running, training, num_features: _, eps: _, momentum: _ } = self;
        walk.module(self, |walk| {
            walk.child("weight", weight);
            walk.child("bias", bias);
            if let Some(Running { mean, var, num_batches_tracked }) = running {
                walk.child("running_mean", mean);
                walk.child("running_var", var);
                walk.child("num_batches_tracked", num_batches_tracked);
                walk.child("training", training);
            }
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
        let (affine, track) = (self.weight.is_some(), self.running.is_some());
        format!("{}, eps={:e}, affine={affine}, track_running_stats={track}", self.num_features, self.eps)
    }
}

impl<const DIMS: usize> InstanceNorm<DIMS> {
    /// Eps 1e-5, not affine, without running statistics.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(num_features: usize) -> Result<Self> {
        Self::options(num_features).build()
    }

    /// Settings beyond the common ones.
    pub fn options(num_features: usize) -> InstanceNormOptions<DIMS> {
        const { assert!(DIMS >= 1 && DIMS <= 3, "instance norm is over 1, 2 or 3 dimensions") };
        InstanceNormOptions {
            num_features,
            eps: 1e-5,
            momentum: Some(0.1),
            affine: false,
            track_running_stats: false,
            dtype: DType::F32,
        }
    }

    /// The input `[N, C, ..]`, normalized.
    #[track_caller]
    fn normalized(&self, x: &Var) -> Result<Var> {
        let (weight, bias) =
            (self.weight.as_ref().map(Parameter::var), self.bias.as_ref().map(Parameter::var));
        let (weight, bias) = (weight.as_ref(), bias.as_ref());
        match &self.running {
            Some(running) if !self.training.get() => {
                let (mean, var) = (running.mean.value(), running.var.value());
                Ok(x.batch_norm_eval(&mean, &var, weight, bias, self.eps)?)
            }
            running => {
                let y = x.instance_norm(weight, bias, self.eps)?;
                running.as_ref().map_or(Ok(()), |running| self.follow(running, &x.detach()))?;
                Ok(y)
            }
        }
    }

    fn follow(&self, running: &Running, x: &Tensor) -> Result<()> {
        let each = x.flatten(2, -1)?;
        let mean = each.mean_dim(-1, false)?.mean_dim(0, false)?;
        let var = each.var_dim(-1, 1.0, false)?.mean_dim(0, false)?;
        follow([&running.mean, &running.var], [&mean, &var], self.momentum.unwrap_or(0.0))
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
        Ok(if batched { self.normalized(x)? } else { self.normalized(&x.unsqueeze(0)?)?.squeeze(0)? })
    }
}

/// Settings of an [`InstanceNorm`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct InstanceNormOptions<const DIMS: usize> {
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
    affine: bool,
    track_running_stats: bool,
    dtype: DType,
}

impl<const DIMS: usize> InstanceNormOptions<DIMS> {
    /// Added to the variance; default 1e-5.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// Share of a batch in the running statistics; default 0.1. None: they stay as they are, as in PyTorch.
    pub fn momentum(self, momentum: Option<f64>) -> Self {
        Self { momentum, ..self }
    }

    /// Whether there are weight and bias; default false.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// Whether there are running statistics; default false.
    pub fn track_running_stats(self, track_running_stats: bool) -> Self {
        Self { track_running_stats, ..self }
    }

    /// The dtype of parameters and statistics; default f32.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Makes the layer; nothing is drawn.
    ///
    /// # Errors
    /// If the dtype is not floating-point or memory does not suffice.
    pub fn build(self) -> Result<InstanceNorm<DIMS>> {
        let Self { num_features, eps, momentum, affine, track_running_stats, dtype } = self;
        let [weight, bias] = affine_pair(num_features, affine, dtype)?;
        let shape = Shape::from([num_features]);
        let running = if track_running_stats {
            Some(Running {
                mean: Buffer::new(Tensor::zeros(&shape, dtype)?),
                var: Buffer::new(Tensor::ones(&shape, dtype)?),
                num_batches_tracked: Buffer::new(Tensor::scalar(0i64)?),
            })
        } else {
            None
        };
        Ok(InstanceNorm { weight, bias, running, training: Training::default(), num_features, eps, momentum })
    }
}
