//! Batch normalization.

use crate::{Buffer, Layer, Module, Result, Training, Walk};
use autograd::{DType, Parameter, Tensor, Var};
use std::panic::Location;
use std::sync::{PoisonError, RwLock};

/// [`BatchNorm`] over `[N, C]` or `[N, C, L]`: `nn.BatchNorm1d`.
pub type BatchNorm1d = BatchNorm<1>;
/// [`BatchNorm`] over images `[N, C, H, W]`: `nn.BatchNorm2d`.
pub type BatchNorm2d = BatchNorm<2>;
/// [`BatchNorm`] over volumes `[N, C, D, H, W]`: `nn.BatchNorm3d`.
pub type BatchNorm3d = BatchNorm<3>;

/// `(x − mean) / √(var + eps) · weight + bias` for each channel: [`BatchNorm1d`], [`BatchNorm2d`],
/// [`BatchNorm3d`].
///
/// In training mean and variance are the batch's, and the running statistics follow them by
/// `running = (1 − momentum) running + momentum batch`, with the unbiased variance there and the biased one here, as in
/// PyTorch. In evaluation they are the running statistics; without such, the batch's.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor};
///
/// let norm = BatchNorm2d::new(1)?;
/// let x = Tensor::from_vec(vec![0.0f32, 2.0, 4.0, 6.0], [1, 1, 2, 2])?.into();
/// let y = norm.forward(&x)?.detach();
/// assert!((y.to_vec::<f32>()?[3] - 1.3416).abs() < 1e-4);
/// // 0.9 · 0 + 0.1 · 3
/// let running_mean = norm.running_mean.as_ref().unwrap().value();
/// assert!((running_mean.to_vec::<f32>()?[0] - 0.3).abs() < 1e-6);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug)]
pub struct BatchNorm<const DIMS: usize> {
    /// `[C]`, starts as ones; None if not affine.
    pub weight: Option<Parameter>,
    /// `[C]`, starts as zeros; None if not affine.
    pub bias: Option<Parameter>,
    /// `[C]`, starts as zeros; None without running statistics.
    pub running_mean: Option<Buffer>,
    /// `[C]`, starts as ones; None without running statistics.
    pub running_var: Option<Buffer>,
    /// The number of batches in the running statistics, i64; None without such.
    pub num_batches_tracked: Option<Buffer>,
    training: Training,
    num_features: usize,
    eps: f64,
    momentum: RwLock<Option<f64>>,
}

impl<const DIMS: usize> Module for BatchNorm<DIMS> {
    fn visit(&self, walk: &mut Walk<'_>) {
        // Every field is named, so that a new one cannot be left out unseen.
        let Self {
            weight,
            bias,
            running_mean,
            running_var,
            num_batches_tracked,
            training,
            num_features: _,
            eps: _,
            momentum: _,
        } = self;
        walk.module(self, |walk| {
            walk.child("weight", weight);
            walk.child("bias", bias);
            walk.child("running_mean", running_mean);
            walk.child("running_var", running_var);
            walk.child("num_batches_tracked", num_batches_tracked);
            walk.child("training", training);
        });
    }

    fn type_name(&self) -> &'static str {
        match DIMS {
            1 => "BatchNorm1d",
            2 => "BatchNorm2d",
            _ => "BatchNorm3d",
        }
    }

    fn extra_repr(&self) -> String {
        let Self { num_features, eps, .. } = self;
        let momentum = self.momentum().map_or_else(|| "None".to_string(), |momentum| momentum.to_string());
        let (affine, track) = (self.weight.is_some(), self.running_mean.is_some());
        format!(
            "{num_features}, eps={eps:e}, momentum={momentum}, affine={affine}, track_running_stats={track}"
        )
    }
}

impl<const DIMS: usize> BatchNorm<DIMS> {
    /// Eps 1e-5, momentum 0.1, affine, with running statistics, in f32.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(num_features: usize) -> Result<Self> {
        Self::options(num_features).build()
    }

    /// Settings beyond the common ones.
    pub fn options(num_features: usize) -> BatchNormOptions<DIMS> {
        const { assert!(DIMS >= 1 && DIMS <= 3, "batch norm is over 1, 2 or 3 dimensions") };
        BatchNormOptions {
            num_features,
            eps: 1e-5,
            momentum: Some(0.1),
            affine: true,
            track_running_stats: true,
            dtype: DType::F32,
        }
    }

    /// Share of a batch in the running statistics; None: the average of all batches since the last reset.
    pub fn momentum(&self) -> Option<f64> {
        *self.momentum.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the momentum.
    pub fn set_momentum(&self, momentum: Option<f64>) {
        *self.momentum.write().unwrap_or_else(PoisonError::into_inner) = momentum;
    }

    /// Forgets the running statistics: mean 0, variance 1, no batch seen.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn reset_running_stats(&self) -> Result<()> {
        let shape = [self.num_features];
        if let Some(mean) = &self.running_mean {
            mean.set_value(Tensor::zeros(shape, mean.value().dtype())?)?;
        }
        if let Some(var) = &self.running_var {
            var.set_value(Tensor::ones(shape, var.value().dtype())?)?;
        }
        self.num_batches_tracked.as_ref().map_or(Ok(()), |batches| batches.set_value(Tensor::scalar(0i64)?))
    }

    #[track_caller]
    fn check(&self, x: &Var) -> autograd::Result<()> {
        let (ranks, expected) = match DIMS {
            1 => (2..=3, "[N, C] or [N, C, L] with C = num_features"),
            2 => (4..=4, "[N, C, H, W] with C = num_features"),
            _ => (5..=5, "[N, C, D, H, W] with C = num_features"),
        };
        if ranks.contains(&x.rank()) && x.shape()[1] == self.num_features {
            return Ok(());
        }
        Err(autograd::Error::Argument {
            op: "batch_norm",
            argument: "the input's shape",
            value: x.shape().to_string(),
            expected,
            location: Location::caller(),
        })
    }

    /// Lets the running statistics follow those of one batch.
    fn follow(&self, mean: &Tensor, var: &Tensor) -> Result<()> {
        let (Some(running_mean), Some(running_var), Some(batches)) =
            (&self.running_mean, &self.running_var, &self.num_batches_tracked)
        else {
            return Ok(());
        };
        let count = batches.value().item::<i64>()? + 1;
        // Without momentum, the plain average of all batches.
        let momentum = self.momentum().unwrap_or(1.0 / count as f64);
        follow([running_mean, running_var], [mean, var], momentum)?;
        batches.set_value(Tensor::scalar(count)?)
    }
}

/// `running = (1 − momentum) running + momentum batch`, for mean and variance.
pub(crate) fn follow(running: [&Buffer; 2], batch: [&Tensor; 2], momentum: f64) -> Result<()> {
    for (running, batch) in running.into_iter().zip(batch) {
        let kept = running.value().mul_scalar(1.0 - momentum)?;
        running.set_value(kept.add(&batch.mul_scalar(momentum)?)?)?;
    }
    Ok(())
}

impl<const DIMS: usize> Layer for BatchNorm<DIMS> {
    fn compute(&self, x: &Var) -> Result<Var> {
        self.check(x)?;
        let (weight, bias) =
            (self.weight.as_ref().map(Parameter::var), self.bias.as_ref().map(Parameter::var));
        if let (false, Some(mean), Some(var)) = (self.training.get(), &self.running_mean, &self.running_var) {
            let (mean, var) = (mean.value(), var.value());
            return Ok(x.batch_norm_eval(&mean, &var, weight.as_ref(), bias.as_ref(), self.eps)?);
        }
        let (y, mean, var) = x.batch_norm(weight.as_ref(), bias.as_ref(), self.eps)?;
        if self.training.get() {
            self.follow(&mean, &var)?;
        }
        Ok(y)
    }
}

/// Settings of a [`BatchNorm`].
#[derive(Clone, Copy, Debug)]
#[must_use = "build makes the layer"]
pub struct BatchNormOptions<const DIMS: usize> {
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
    affine: bool,
    track_running_stats: bool,
    dtype: DType,
}

impl<const DIMS: usize> BatchNormOptions<DIMS> {
    /// Added to the variance; default 1e-5.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// Share of a batch in the running statistics; default 0.1. None: the average of all batches.
    pub fn momentum(self, momentum: Option<f64>) -> Self {
        Self { momentum, ..self }
    }

    /// Whether there are weight and bias; default true.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// Whether there are running statistics; default true.
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
    pub fn build(self) -> Result<BatchNorm<DIMS>> {
        let Self { num_features, eps, momentum, affine, track_running_stats, dtype } = self;
        let zeros = || Tensor::zeros([num_features], dtype);
        let ones = || Tensor::ones([num_features], dtype);
        let parameter = |value: Tensor| -> Result<Parameter> { Ok(Parameter::new(value)?) };
        let track = |value: Tensor| track_running_stats.then(|| Buffer::new(value));
        Ok(BatchNorm {
            weight: if affine { Some(parameter(ones()?)?) } else { None },
            bias: if affine { Some(parameter(zeros()?)?) } else { None },
            running_mean: track(zeros()?),
            running_var: track(ones()?),
            num_batches_tracked: track(Tensor::scalar(0i64)?),
            training: Training::default(),
            num_features,
            eps,
            momentum: RwLock::new(momentum),
        })
    }
}
