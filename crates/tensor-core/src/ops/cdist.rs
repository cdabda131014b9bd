//! Distances of every vector of one set to every vector of another.

use crate::dtype::dispatch_float;
use crate::kernel::cdist::{self as kernel, Norm};
use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// Rows beyond which PyTorch computes Euclidean distances by a matrix product.
const FEW: usize = 25;

/// Both sets with their batches broadcast together.
struct Sets {
    x: Tensor,
    y: Tensor,
    batch: Shape,
    /// Vectors of x, vectors of y, elements of a vector.
    sizes: [usize; 3],
}

impl Sets {
    #[track_caller]
    fn new(op: &'static str, x: &Tensor, y: &Tensor, p: f64) -> Result<Sets> {
        x.same_dtype(op, y)?;
        if p.is_nan() || p < 0.0 {
            let (value, expected) = (p.to_string(), "a number from 0");
            return Err(Error::new(op, ErrorKind::Argument { argument: "p", value, expected }));
        }
        let ([x_batch @ .., rows, cols], [y_batch @ .., others, theirs]) = (&x.shape()[..], &y.shape()[..])
        else {
            let short = if x.rank() < 2 { x } else { y };
            let (found, expected) = (short.shape().clone(), "[.., n, m]".to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        };
        if cols != theirs {
            let (found, expected) = (y.shape().clone(), format!("[.., r, {cols}]"));
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "other", found, expected }));
        }
        let sizes = [*rows, *others, *cols];
        let batch = Shape::new(x_batch).broadcast(op, &Shape::new(y_batch))?;
        let (x, y) = (
            x.broadcast_to(&with(&batch, [*rows, *cols]))?,
            y.broadcast_to(&with(&batch, [*others, *cols]))?,
        );
        Ok(Sets { x, y, batch, sizes })
    }
}

/// `batch` and a matrix behind it.
fn with(batch: &Shape, matrix: [usize; 2]) -> Shape {
    batch.iter().copied().chain(matrix).collect()
}

impl Tensor {
    /// The p-norms of the differences of each vector of `self` `[.., n, m]` and each of `other` `[.., r, m]`, as
    /// `[.., n, r]`: `torch.cdist`. Batches broadcast. Euclidean distances of more than 25 vectors are computed by a matrix
    /// product, as PyTorch does, which costs accuracy where a distance is much smaller than the vectors.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit, or `p` is negative.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![0.0f32, 0.0, 3.0, 4.0], [2, 2])?;
    /// assert_eq!(x.cdist(&x, 2.0)?.to_vec::<f32>()?, [0.0, 5.0, 5.0, 0.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn cdist(&self, other: &Tensor, p: f64) -> Result<Tensor> {
        const OP: &str = "cdist";
        let Sets { x, y, batch, sizes } = Sets::new(OP, self, other, p)?;
        if p == 2.0 && sizes[0].max(sizes[1]) > FEW {
            return x.euclidean(&y).map_err(|e| e.of(OP));
        }
        let (x, y) = (x.contiguous()?, y.contiguous()?);
        let shape = with(&batch, [sizes[0], sizes[1]]);
        dispatch_float!(OP, [x, y], T => Tensor::build::<T>(OP, shape, |out| {
            kernel::cdist((x.dense::<T>(), y.dense::<T>()), sizes, Norm::new(p), out);
        }))
    }

    /// `√(‖x‖² + ‖y‖² − 2 x · y)`, rounded up to 0.
    #[track_caller]
    fn euclidean(&self, other: &Tensor) -> Result<Tensor> {
        let squares = |x: &Tensor| x.mul(x)?.sum_dim(-1, true);
        let products = self.matmul(&other.transpose(-2, -1)?)?.mul_scalar(-2)?;
        let sums = products.add(&squares(self)?)?.add(&squares(other)?.transpose(-2, -1)?)?;
        sums.relu()?.sqrt()
    }

    /// The gradient of [`cdist`](Tensor::cdist) for `x`, with this tensor as the gradient of the `distances` of `x` and
    /// `other`. A distance of 0 passes none. The shape is that of `x` with the batches broadcast.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit.
    #[track_caller]
    pub fn cdist_backward(&self, x: &Tensor, other: &Tensor, distances: &Tensor, p: f64) -> Result<Tensor> {
        const OP: &str = "cdist_backward";
        let Sets { x, y, batch, sizes } = Sets::new(OP, x, other, p)?;
        let shape = with(&batch, [sizes[0], sizes[1]]);
        for (argument, tensor) in [("gradient", self), ("distances", distances)] {
            x.same_dtype(OP, tensor)?;
            if *tensor.shape() != shape {
                let (found, expected) = (tensor.shape().clone(), shape.to_string());
                return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument, found, expected }));
            }
        }
        let (x, y, g, d) = (x.contiguous()?, y.contiguous()?, self.contiguous()?, distances.contiguous()?);
        dispatch_float!(OP, [x, y, g, d], T => Tensor::build::<T>(OP, x.shape().clone(), |dx| {
            let (sets, line) = ((x.dense::<T>(), y.dense::<T>()), (g.dense::<T>(), d.dense::<T>()));
            kernel::cdist_backward(line, sets, sizes, Norm::new(p), dx);
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    #[test]
    fn empty_sets_and_empty_vectors_have_distances() {
        for (x, y, p) in
            [([0, 3], [2, 3], 2.0), ([2, 3], [0, 3], 1.5), ([2, 0], [3, 0], 2.0), ([30, 0], [3, 0], 2.0)]
        {
            let (x, y) = (Tensor::ones(x, DType::F64).unwrap(), Tensor::ones(y, DType::F64).unwrap());
            let d = x.cdist(&y, p).unwrap();
            assert_eq!(d.shape()[..], [x.shape()[0], y.shape()[0]]);
            assert!(d.to_vec::<f64>().unwrap().iter().all(|&d| d == 0.0));
            assert_eq!(d.cdist_backward(&x, &y, &d, p).unwrap().shape(), x.shape());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let x = |shape: &[usize]| Tensor::ones(shape, DType::F32).unwrap();
        assert!(x(&[3]).cdist(&x(&[2, 3]), 2.0).is_err());
        assert!(x(&[2, 2]).cdist(&x(&[2, 3]), 2.0).is_err());
        assert!(x(&[2, 2, 3]).cdist(&x(&[3, 2, 3]), 2.0).is_err());
        assert!(x(&[2, 3]).cdist(&x(&[2, 3]), -1.0).is_err());
        assert!(x(&[2, 3]).cdist(&x(&[2, 3]).to_dtype(DType::F64).unwrap(), 2.0).is_err());
    }

    #[test]
    fn nan_is_kept_by_every_norm() {
        let x = Tensor::from_vec(vec![f64::NAN, 1.0], [1, 2]).unwrap();
        for p in [0.5, 1.0, 2.0, 3.0, f64::INFINITY] {
            let d = x.cdist(&Tensor::zeros([1, 2], DType::F64).unwrap(), p).unwrap();
            assert!(d.item::<f64>().unwrap().is_nan(), "{p}");
        }
    }
}
