//! Softmax and log-softmax over one dimension, and their gradients.

use crate::dtype::dispatch_float;
use crate::kernel::softmax::{self, Extent};
use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// The dimension `dim` of `shape` with what lies inside it; a 0-d tensor counts as one element.
#[track_caller]
fn extent(op: &'static str, shape: &Shape, dim: isize) -> Result<Extent> {
    let at = shape.dim(op, dim)?;
    let inner = shape.get(at + 1..).map_or(1, |inner| inner.iter().product());
    Ok(Extent { dim: shape.get(at).copied().unwrap_or(1), inner })
}

/// The gradient and the output that it belongs to, row-major, in one shape and dtype.
#[track_caller]
pub(super) fn alike(op: &'static str, g: &Tensor, y: &Tensor) -> Result<(Tensor, Tensor)> {
    g.same_dtype(op, y)?;
    if g.shape() != y.shape() {
        let (found, expected) = (g.shape().clone(), y.shape().to_string());
        return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "the gradient", found, expected }));
    }
    Ok((g.contiguous()?, y.contiguous()?))
}

impl Tensor {
    /// `exp(xᵢ) / Σⱼ exp(xⱼ)` along `dim`: `torch.softmax`. A row of −∞ alone gives NaN.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![0.0f64, 3.0f64.ln()], [2])?;
    /// let y = x.softmax(-1)?.to_vec::<f64>()?;
    /// assert!((y[0] - 0.25).abs() < 1e-12 && (y[1] - 0.75).abs() < 1e-12);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn softmax(&self, dim: isize) -> Result<Tensor> {
        const OP: &str = "softmax";
        let extent = extent(OP, self.shape(), dim)?;
        let x = self.contiguous()?;
        dispatch_float!(OP, [x], T => Tensor::build::<T>(OP, x.shape().clone(), |y| {
            softmax::softmax(x.dense::<T>(), y, extent);
        }))
    }

    /// The logarithm of the [`softmax`](Tensor::softmax), computed without overflow: `torch.log_softmax`.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn log_softmax(&self, dim: isize) -> Result<Tensor> {
        const OP: &str = "log_softmax";
        let extent = extent(OP, self.shape(), dim)?;
        let x = self.contiguous()?;
        dispatch_float!(OP, [x], T => Tensor::build::<T>(OP, x.shape().clone(), |y| {
            softmax::log_softmax(x.dense::<T>(), y, extent);
        }))
    }

    /// The gradient of [`softmax`](Tensor::softmax): `y (g − Σ g y)` with this tensor as g and `output` as y.
    ///
    /// # Errors
    /// If the shapes or dtypes differ.
    #[track_caller]
    pub fn softmax_backward(&self, output: &Tensor, dim: isize) -> Result<Tensor> {
        const OP: &str = "softmax_backward";
        let extent = extent(OP, output.shape(), dim)?;
        let (g, y) = alike(OP, self, output)?;
        dispatch_float!(OP, [g, y], T => Tensor::build::<T>(OP, y.shape().clone(), |dx| {
            softmax::softmax_backward(g.dense::<T>(), y.dense::<T>(), dx, extent);
        }))
    }

    /// The gradient of [`log_softmax`](Tensor::log_softmax): `g − exp(y) Σ g` with this tensor as g and `output` as y.
    ///
    /// # Errors
    /// If the shapes or dtypes differ.
    #[track_caller]
    pub fn log_softmax_backward(&self, output: &Tensor, dim: isize) -> Result<Tensor> {
        const OP: &str = "log_softmax_backward";
        let extent = extent(OP, output.shape(), dim)?;
        let (g, y) = alike(OP, self, output)?;
        dispatch_float!(OP, [g, y], T => Tensor::build::<T>(OP, y.shape().clone(), |dx| {
            softmax::log_softmax_backward(g.dense::<T>(), y.dense::<T>(), dx, extent);
        }))
    }
}
