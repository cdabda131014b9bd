//! Layer norm, RMS norm and batch norm, and their gradients.

use crate::dtype::dispatch_float;
use crate::kernel::batch_norm::{self, Channels, Geometry, gradient};
use crate::kernel::layer_norm::{self, Affine, KEPT, Norm};
use crate::ops::softmax::alike;
use crate::storage::Storage;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

/// `tensor`, row-major, if it has the dtype of `x` and `shape`.
#[track_caller]
pub(super) fn fitting(
    op: &'static str,
    argument: &'static str,
    x: &Tensor,
    tensor: &Tensor,
    shape: &[usize],
) -> Result<Tensor> {
    x.same_dtype(op, tensor)?;
    if *tensor.shape() != *shape {
        let (found, expected) = (tensor.shape().clone(), format!("{shape:?}"));
        return Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found, expected }));
    }
    tensor.contiguous()
}

/// Rows and columns of `x` when its trailing dimensions `normalized_shape` make up a row.
#[track_caller]
fn rows_and_columns(op: &'static str, x: &Tensor, normalized_shape: &[usize]) -> Result<(usize, usize)> {
    match x.rank().checked_sub(normalized_shape.len()) {
        Some(lead) if !normalized_shape.is_empty() && x.shape()[lead..] == *normalized_shape => {
            Ok((x.shape()[..lead].iter().product(), normalized_shape.iter().product()))
        }
        _ => {
            let found = x.shape().clone();
            let expected = format!("[.., {}]", format!("{normalized_shape:?}").trim_matches(['[', ']']));
            Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found, expected }))
        }
    }
}

/// The gradients that a norm gives: of the input, of the weight and of the bias.
pub type NormGradients = (Tensor, Tensor, Tensor);

impl Tensor {
    /// `(x − mean) / √(var + eps) · weight + bias` over the trailing dimensions `normalized_shape`, with the biased
    /// variance: `torch.nn.functional.layer_norm`. `weight` and `bias` have that shape.
    ///
    /// Returned beside it is what [`layer_norm_backward`](Tensor::layer_norm_backward) needs: `[rows, 2]`, mean and
    /// 1 / √(var + eps).
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn layer_norm(
        &self,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Result<(Tensor, Tensor)> {
        self.normalized("layer_norm", Norm::Layer, normalized_shape, weight, bias, eps)
    }

    /// `x / √(mean(x²) + eps) · weight` over the trailing dimensions `normalized_shape`:
    /// `torch.nn.functional.rms_norm`. Returned beside it is what
    /// [`rms_norm_backward`](Tensor::rms_norm_backward) needs.
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn rms_norm(
        &self,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        eps: f64,
    ) -> Result<(Tensor, Tensor)> {
        self.normalized("rms_norm", Norm::Rms, normalized_shape, weight, None, eps)
    }

    #[track_caller]
    fn normalized(
        &self,
        op: &'static str,
        norm: Norm,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Result<(Tensor, Tensor)> {
        let (rows, cols) = rows_and_columns(op, self, normalized_shape)?;
        let weight = weight.map(|w| fitting(op, "weight", self, w, normalized_shape)).transpose()?;
        let bias = bias.map(|b| fitting(op, "bias", self, b, normalized_shape)).transpose()?;
        let x = self.contiguous()?;
        let (y, kept) = dispatch_float!(op, [x, weight, bias], T => {
            let mut kept = Storage::recycled(op, x.dtype(), rows * KEPT)?;
            let y = Tensor::build::<T>(op, x.shape().clone(), |y| {
                let weight = weight.as_ref().map(|w| w.dense::<T>());
                let affine = Affine { weight, bias: bias.as_ref().map(|b| b.dense::<T>()) };
                layer_norm::norm(norm, x.dense::<T>(), cols, affine, eps, y, kept.slice_mut());
            })?;
            Ok((y, kept))
        })?;
        Ok((y, Tensor::from_storage(kept, Shape::from([rows, KEPT]))))
    }

    /// The gradients of [`layer_norm`](Tensor::layer_norm) of `input`, with this tensor as the gradient of its output
    /// and `kept` as it returned.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn layer_norm_backward(
        &self,
        input: &Tensor,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        kept: &Tensor,
    ) -> Result<NormGradients> {
        self.norm_backward("layer_norm_backward", Norm::Layer, input, normalized_shape, weight, kept)
    }

    /// The gradients of [`rms_norm`](Tensor::rms_norm), as for
    /// [`layer_norm_backward`](Tensor::layer_norm_backward); the last, of a bias, is the sum of the gradients.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn rms_norm_backward(
        &self,
        input: &Tensor,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        kept: &Tensor,
    ) -> Result<NormGradients> {
        self.norm_backward("rms_norm_backward", Norm::Rms, input, normalized_shape, weight, kept)
    }

    #[track_caller]
    fn norm_backward(
        &self,
        op: &'static str,
        norm: Norm,
        input: &Tensor,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        kept: &Tensor,
    ) -> Result<NormGradients> {
        let (g, x) = alike(op, self, input)?;
        let (rows, cols) = rows_and_columns(op, &x, normalized_shape)?;
        let weight = weight.map(|w| fitting(op, "weight", &x, w, normalized_shape)).transpose()?;
        if x.numel() == 0 {
            // Empty rows may be wider than memory, which this refuses.
            let zeros = Tensor::zeros(normalized_shape, x.dtype())?;
            return Ok((x.zeros_like()?, zeros.clone(), zeros));
        }
        dispatch_float!(op, [x, g, weight], T => {
            let kept = fitting(op, "kept", &x, kept, &[rows, KEPT])?;
            let mut sums = None;
            let dx = Tensor::build::<T>(op, x.shape().clone(), |dx| {
                let weight = weight.as_ref().map(|w| w.dense::<T>());
                let (g, x) = (g.dense::<T>(), x.dense::<T>());
                sums = Some(layer_norm::norm_backward(norm, g, x, cols, weight, kept.dense::<T>(), dx));
            })?;
            let (dweight, dbias) = sums.map_or_else(Default::default, |sums| (sums.weight, sums.bias));
            Ok((dx, Tensor::from_vec(dweight, normalized_shape)?, Tensor::from_vec(dbias, normalized_shape)?))
        })
    }

    /// `(x − mean) / √(var + eps) · weight + bias` for each channel of `[N, C, ..]`, with mean and biased variance of
    /// the batch: `torch.nn.functional.batch_norm` with `training=True`. `weight` and `bias` are `[C]`.
    ///
    /// # Errors
    /// If the shapes do not fit, the dtypes are not one float dtype, or a channel has fewer than two elements.
    #[track_caller]
    pub fn batch_norm(&self, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64) -> Result<BatchNorm> {
        const OP: &str = "batch_norm";
        let geometry = channels_of(OP, self)?;
        if geometry.channels > 0 && geometry.batch.saturating_mul(geometry.len) < 2 {
            let found = self.shape().clone();
            let expected = "more than 1 value per channel when training".to_string();
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let x = self.contiguous()?;
        let (mean, var, kept) = dispatch_float!(OP, [x], T => {
            let moments = batch_norm::moments(x.dense::<T>(), geometry);
            let unbiased: Vec<T> = moments.squares.iter().map(|s| (s / (moments.count - 1.0)) as T).collect();
            let mean: Vec<T> = moments.mean.iter().map(|&m| m as T).collect();
            let (channels, rstd) = ([geometry.channels], moments.rstd(eps));
            let kept = Tensor::from_vec([moments.mean, rstd].concat(), [2, geometry.channels])?;
            Ok((Tensor::from_vec(mean, channels)?, Tensor::from_vec(unbiased, channels)?, kept))
        })?;
        let output = x.normed(OP, geometry, &kept, weight, bias)?;
        Ok(BatchNorm { output, mean, var, kept })
    }

    /// [`batch_norm`](Tensor::batch_norm) with `mean` and `var` `[C]` given: `training=False`. Returned beside the
    /// output is what the gradient needs, as [`BatchNorm::kept`].
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn batch_norm_eval(
        &self,
        mean: &Tensor,
        var: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Result<(Tensor, Tensor)> {
        const OP: &str = "batch_norm";
        let geometry = channels_of(OP, self)?;
        let mut kept = Vec::new();
        for (argument, tensor) in [("mean", mean), ("var", var)] {
            let tensor = fitting(OP, argument, self, tensor, &[geometry.channels])?;
            kept.extend(tensor.to_dtype(DType::F64)?.to_vec::<f64>()?);
        }
        kept[geometry.channels..].iter_mut().for_each(|var| *var = 1.0 / (*var + eps).sqrt());
        let kept = Tensor::from_vec(kept, [2, geometry.channels])?;
        Ok((self.contiguous()?.normed(OP, geometry, &kept, weight, bias)?, kept))
    }

    #[track_caller]
    fn normed(
        &self,
        op: &'static str,
        geometry: Geometry,
        kept: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        let shape = [geometry.channels];
        let weight = weight.map(|w| fitting(op, "weight", self, w, &shape)).transpose()?;
        let bias = bias.map(|b| fitting(op, "bias", self, b, &shape)).transpose()?;
        let x = self;
        dispatch_float!(op, [x, weight, bias], T => Tensor::build::<T>(op, x.shape().clone(), |y| {
            let (mean, rstd) = kept.dense::<f64>().split_at(geometry.channels);
            let channels = Channels { mean, rstd, weight: weight.as_ref().map(|w| w.dense::<T>()) };
            batch_norm::batch_norm(x.dense::<T>(), geometry, channels, bias.as_ref().map(|b| b.dense::<T>()), y);
        }))
    }

    /// The gradients of [`batch_norm`](Tensor::batch_norm) (`training`) or
    /// [`batch_norm_eval`](Tensor::batch_norm_eval) of `input`, with this tensor as the gradient of the output.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn batch_norm_backward(
        &self,
        input: &Tensor,
        weight: Option<&Tensor>,
        kept: &Tensor,
        training: bool,
    ) -> Result<NormGradients> {
        const OP: &str = "batch_norm_backward";
        let (g, x) = alike(OP, self, input)?;
        let geometry = channels_of(OP, &x)?;
        let shape = [geometry.channels];
        let weight = weight.map(|w| fitting(OP, "weight", &x, w, &shape)).transpose()?;
        if *kept.shape() != [2, geometry.channels] || kept.dtype() != DType::F64 {
            let (found, expected) = (kept.shape().clone(), format!("[2, {}] of f64", geometry.channels));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "kept", found, expected }));
        }
        let kept = kept.contiguous()?;
        let (mean, rstd) = kept.dense::<f64>().split_at(geometry.channels);
        dispatch_float!(OP, [x, g, weight], T => {
            let channels = Channels { mean, rstd, weight: weight.as_ref().map(|w| w.dense::<T>()) };
            let (g, x_data) = (g.dense::<T>(), x.dense::<T>());
            let sums = gradient::batch_norm_channel_gradient(g, x_data, geometry, channels);
            let dx = Tensor::build::<T>(OP, x.shape().clone(), |dx| match training {
                true => gradient::batch_norm_input_gradient(g, x_data, geometry, channels, &sums, dx),
                false => gradient::batch_norm_input_gradient_eval(g, geometry, channels, dx),
            })?;
            let narrow = |sums: Vec<f64>| Tensor::from_vec(sums.into_iter().map(|s| s as T).collect(), shape);
            Ok((dx, narrow(sums.weight)?, narrow(sums.bias)?))
        })
    }
}

/// What [`Tensor::batch_norm`] gives.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    /// The normed input.
    pub output: Tensor,
    /// The mean of each channel, `[C]`.
    pub mean: Tensor,
    /// The unbiased variance of each channel, `[C]`: what a running variance takes.
    pub var: Tensor,
    /// Mean and 1 / √(var + eps) in f64, `[2, C]`: what the gradient needs.
    pub kept: Tensor,
}

#[track_caller]
fn channels_of(op: &'static str, x: &Tensor) -> Result<Geometry> {
    match **x.shape() {
        [batch, channels, ref rest @ ..] => Ok(Geometry { batch, channels, len: rest.iter().product() }),
        // PyTorch takes an empty vector too: no samples of no channels.
        [0] => Ok(Geometry { batch: 0, channels: 0, len: 1 }),
        _ => {
            let (found, expected) = (x.shape().clone(), "[N, C, ..]".to_string());
            Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found, expected }))
        }
    }
}
