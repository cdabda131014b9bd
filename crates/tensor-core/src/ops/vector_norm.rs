//! Norms of vectors.

use crate::half::{Widen, narrow};
use crate::{Dims, Error, ErrorKind, Result, Tensor};

impl Tensor {
    /// The norm `(Σ |x|ᵖ)^(1/p)` over `dims` (all, if empty) for p = `ord`; the largest |x| for ∞, the smallest for −∞,
    /// the number of nonzero elements for 0: `torch.linalg.vector_norm`.
    ///
    /// # Errors
    /// If a dimension does not exist, the dtype is not floating-point, or there is nothing to reduce and `ord` is
    /// negative or infinite.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![3.0f32, -4.0], [2])?;
    /// assert_eq!(x.vector_norm(2.0, 0, false)?.item::<f32>()?, 5.0);
    /// assert_eq!(x.vector_norm(f64::INFINITY, 0, false)?.item::<f32>()?, 4.0);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn vector_norm(&self, ord: f64, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        const OP: &str = "vector_norm";
        let location = std::panic::Location::caller();
        self.float_only(OP)?;
        let x = Widen::widen(&self)?;
        let norm = dims.with(|dims| x.full_norm(ord, dims, keepdim));
        narrow(norm, self.dtype()).map_err(|e| e.of(OP).at(location))
    }

    /// The norm of a dtype that is computed in itself.
    fn full_norm(&self, ord: f64, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        match ord {
            f64::INFINITY => self.abs()?.amax(dims, keepdim),
            f64::NEG_INFINITY => self.abs()?.amin(dims, keepdim),
            0.0 => self.ne_scalar(0)?.sum_dim(dims, keepdim)?.to_dtype(self.dtype()),
            1.0 => self.abs()?.sum_dim(dims, keepdim),
            2.0 => self.mul(self)?.sum_dim(dims, keepdim)?.sqrt(),
            _ => {
                let sum = self.abs()?.pow_scalar(ord)?.sum_dim(dims, keepdim)?;
                if ord < 0.0 && self.numel() == 0 && sum.numel() > 0 {
                    let shape = self.shape().clone();
                    return Err(Error::new("vector_norm", ErrorKind::EmptyReduction { shape }));
                }
                sum.pow_scalar(1.0 / ord)
            }
        }
    }

    /// The p-norm over `dims` (all, if empty): `torch.norm`, which is
    /// [`vector_norm`](Tensor::vector_norm) with its first argument so named.
    ///
    /// # Errors
    /// As for `vector_norm`.
    #[track_caller]
    pub fn norm(&self, p: f64, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        self.vector_norm(p, dims, keepdim)
    }

    /// The sum of the diagonal of a matrix: `torch.trace`. Integers and bools sum to i64.
    ///
    /// # Errors
    /// If this is no matrix.
    #[track_caller]
    pub fn trace(&self) -> Result<Tensor> {
        let [rows, cols] = self.shape()[..] else {
            let (found, expected) = (self.shape().clone(), "[m, n]".to_string());
            return Err(Error::new("trace", ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        };
        let end = rows.min(cols) * (cols + 1);
        self.contiguous()?.flatten(0, -1)?.slice(0, 0, end as isize, cols + 1)?.sum()
    }
}
