//! Running sums.

use crate::dtype::dispatch_number;
use crate::ops::binary::Arithmetic;
use crate::{DType, Result, Tensor};

impl Tensor {
    /// `yᵢ = x₀ + … + xᵢ` along `dim`: `torch.cumsum`. Integers and bools sum to i64.
    ///
    /// # Errors
    /// If there is no such dimension.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1i64, 2, 3], [3])?;
    /// assert_eq!(x.cumsum(0)?.to_vec::<i64>()?, [1, 3, 6]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn cumsum(&self, dim: isize) -> Result<Tensor> {
        self.scan("cumsum", dim, false)
    }

    /// `yᵢ = xᵢ + … + xₙ` along `dim`, to the last element n: the gradient of [`cumsum`](Tensor::cumsum).
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn cumsum_backward(&self, dim: isize) -> Result<Tensor> {
        self.scan("cumsum_backward", dim, true)
    }

    #[track_caller]
    fn scan(&self, op: &'static str, dim: isize, from_end: bool) -> Result<Tensor> {
        let at = self.shape().dim(op, dim)?;
        let x = if self.dtype().is_float() {
            self.contiguous()?
        } else {
            self.to_dtype(DType::I64)?.contiguous()?
        };
        let (size, inner) = match self.shape().get(at..) {
            Some([size, inner @ ..]) => (*size, inner.iter().product::<usize>()),
            _ => (1, 1),
        };
        dispatch_number!(op, [x], T => Tensor::build::<T>(op, x.shape().clone(), |out| {
            let planes = (4096 / (size * inner).max(1)).max(1) * size * inner;
            crate::kernel::parallel::for_each_chunk(out, planes, |start, out| {
                out.copy_from_slice(&x.dense::<T>()[start..start + out.len()]);
                for plane in out.chunks_exact_mut((size * inner).max(1)) {
                    let mut add = |to: usize, from: usize| plane[to] = plane[to].plus(plane[from]);
                    if from_end {
                        (0..(size - 1) * inner).rev().for_each(|i| add(i, i + inner));
                    } else {
                        (inner..size * inner).for_each(|i| add(i, i - inner));
                    }
                }
            });
        }))
    }
}
