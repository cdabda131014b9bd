//! Variance and standard deviation.

use crate::half::{Widen, narrow};
use crate::{Dims, Result, Tensor};

impl Tensor {
    /// The variance over `dims` (all, if empty), `Σ (x − mean)² / max(0, n − correction)`: `torch.var`, whose default
    /// correction is 1, the unbiased estimate.
    ///
    /// # Errors
    /// If a dimension does not exist or the dtype is not floating-point.
    #[track_caller]
    pub fn var_dim(&self, dims: impl Dims, correction: f64, keepdim: bool) -> Result<Tensor> {
        Ok(self.var_mean(dims, correction, keepdim)?.0)
    }

    /// The standard deviation over `dims`, the root of [`var_dim`](Tensor::var_dim): `torch.std`.
    ///
    /// # Errors
    /// As for `var_dim`.
    #[track_caller]
    pub fn std_dim(&self, dims: impl Dims, correction: f64, keepdim: bool) -> Result<Tensor> {
        self.var_dim(dims, correction, keepdim)?.sqrt()
    }

    /// The variance and the mean over `dims`: `torch.var_mean`.
    ///
    /// # Errors
    /// As for [`var_dim`](Tensor::var_dim).
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0], [3])?;
    /// let (variance, mean) = x.var_mean(0, 1.0, false)?;
    /// assert_eq!((variance.item::<f32>()?, mean.item::<f32>()?), (1.0, 2.0));
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn var_mean(&self, dims: impl Dims, correction: f64, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let location = std::panic::Location::caller();
        self.float_only("var")?;
        let x = Widen::widen(&self)?;
        let moments = dims.with(|dims| {
            let center = x.mean_dim(dims, true)?;
            let mean = if keepdim { center.clone() } else { x.mean_dim(dims, false)? };
            let count = x.numel() as f64 / center.numel().max(1) as f64;
            let distance = x.sub(&center)?;
            let squares = distance.mul(&distance)?.sum_dim(dims, keepdim)?;
            Ok((squares.div_scalar((count - correction).max(0.0))?, mean))
        });
        narrow(moments, self.dtype()).map_err(|e| e.of("var").at(location))
    }

    /// The standard deviation and the mean over `dims`: `torch.std_mean`.
    ///
    /// # Errors
    /// As for [`var_dim`](Tensor::var_dim).
    #[track_caller]
    pub fn std_mean(&self, dims: impl Dims, correction: f64, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let (variance, mean) = self.var_mean(dims, correction, keepdim)?;
        Ok((variance.sqrt()?, mean))
    }
}
