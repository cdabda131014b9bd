//! Running results along a dimension: sums, products, extremes.

use crate::dtype::{dispatch_all, dispatch_float, dispatch_number};
use crate::kernel::math::Float;
use crate::kernel::parallel::{Matrix, for_each_chunk, for_each_rows, rows_per_task};
use crate::kernel::simd::Baseline;
use crate::ops::binary::Arithmetic;
use crate::storage::Storage;
use crate::{DType, Element, Error, ErrorKind, Result, Tensor};

/// Size of dimension `at`, and the elements inside it.
fn size_and_inner(x: &Tensor, at: usize) -> (usize, usize) {
    match x.shape().get(at..) {
        Some([size, inner @ ..]) => (*size, inner.iter().product()),
        _ => (1, 1),
    }
}

/// `y[i] = next(y[i − 1], x[i], i)` along dimension `at` of a dense `x`, or from its end, with i the place in the whole
/// tensor; the first element stays.
#[track_caller]
fn scan<T: Element>(
    op: &'static str,
    x: &Tensor,
    at: usize,
    from_end: bool,
    next: impl Fn(T, T, usize) -> T + Sync,
) -> Result<Tensor> {
    let (size, inner) = size_and_inner(x, at);
    let plane = size * inner;
    Tensor::build::<T>(op, x.shape().clone(), |out| {
        for_each_chunk(out, rows_per_task(plane) * plane, |start, out| {
            out.copy_from_slice(&x.dense::<T>()[start..start + out.len()]);
            for (p, plane) in out.chunks_exact_mut(plane.max(1)).enumerate() {
                let first = start + p * plane.len();
                let mut step = |to: usize, from: usize| plane[to] = next(plane[from], plane[to], first + to);
                if from_end {
                    (0..(size - 1) * inner).rev().for_each(|i| step(i, i + inner));
                } else {
                    (inner..size * inner).for_each(|i| step(i, i - inner));
                }
            }
        });
    })
}

/// log(eᵃ + eᵇ) without overflow; NaN if either is NaN.
fn log_add_exp<F: Float>(a: F, b: F) -> F {
    let (low, high) = if a > b { (b, a) } else { (a, b) };
    // Equal infinities, whose difference would be NaN.
    if low == high && high.to_f64().is_infinite() {
        high
    } else {
        high + (low - high).exp::<Baseline>().log1p::<Baseline>()
    }
}

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
        self.running_sum("cumsum", dim, false)
    }

    /// `yᵢ = xᵢ + … + xₙ` along `dim`, to the last element n: the gradient of [`cumsum`](Tensor::cumsum).
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn cumsum_backward(&self, dim: isize) -> Result<Tensor> {
        self.running_sum("cumsum_backward", dim, true)
    }

    #[track_caller]
    fn running_sum(&self, op: &'static str, dim: isize, from_end: bool) -> Result<Tensor> {
        let at = self.shape().dim(op, dim)?;
        let x = self.summed_dtype()?.contiguous()?;
        dispatch_number!(op, [x], T => scan(op, &x, at, from_end, |y: T, x: T, _| y.plus(x)))
    }

    /// In the dtype of its sums and products: integers and bools as i64.
    #[track_caller]
    fn summed_dtype(&self) -> Result<Tensor> {
        if self.dtype().is_float() { Ok(self.clone()) } else { self.to_dtype(DType::I64) }
    }

    /// `yᵢ = x₀ · … · xᵢ` along `dim`: `torch.cumprod`. Integers and bools multiply to i64.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn cumprod(&self, dim: isize) -> Result<Tensor> {
        const OP: &str = "cumprod";
        let at = self.shape().dim(OP, dim)?;
        let x = self.summed_dtype()?.contiguous()?;
        dispatch_number!(OP, [x], T => scan(OP, &x, at, false, |y: T, x: T, _| y.times(x)))
    }

    /// `yᵢ = log(exp(x₀) + … + exp(xᵢ))` along `dim`, computed without overflow: `torch.logcumsumexp`.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn logcumsumexp(&self, dim: isize) -> Result<Tensor> {
        const OP: &str = "logcumsumexp";
        let at = self.shape().dim(OP, dim)?;
        let x = self.contiguous()?;
        dispatch_float!(OP, [x], T => scan(OP, &x, at, false, |y: T, x: T, _| log_add_exp(y, x)))
    }

    /// `yᵢ = xᵢ + fᵢ yᵢ₋₁` along `dim`, or with yᵢ₊₁ from its end: the linear recurrence that the gradients of running
    /// products are. `factor` has this shape; its element beside the first y is not used.
    ///
    /// # Errors
    /// If there is no such dimension, or shapes or dtypes differ.
    #[track_caller]
    pub fn linear_scan(&self, factor: &Tensor, dim: isize, from_end: bool) -> Result<Tensor> {
        const OP: &str = "linear_scan";
        self.same_dtype(OP, factor)?;
        if self.shape() != factor.shape() {
            let (found, expected) = (factor.shape().clone(), self.shape().to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "factor", found, expected }));
        }
        let at = self.shape().dim(OP, dim)?;
        let (x, factor) = (self.contiguous()?, factor.contiguous()?);
        dispatch_number!(OP, [x, factor], T => {
            let f = factor.dense::<T>();
            scan(OP, &x, at, from_end, |y: T, x: T, i| x.plus(f[i].times(y)))
        })
    }

    /// The largest of `x₀ … xᵢ` along `dim` and its index (i64); the last of equals, and NaN wins: `torch.cummax`.
    ///
    /// # Errors
    /// If there is no such dimension.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1i64, 3, 2, 3], [4])?;
    /// let (values, indices) = x.cummax(0)?;
    /// assert_eq!(values.to_vec::<i64>()?, [1, 3, 3, 3]);
    /// assert_eq!(indices.to_vec::<i64>()?, [0, 1, 1, 3]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn cummax(&self, dim: isize) -> Result<(Tensor, Tensor)> {
        self.running_extreme("cummax", dim, true)
    }

    /// The smallest of `x₀ … xᵢ` along `dim` and its index (i64); the last of equals, and NaN wins: `torch.cummin`.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn cummin(&self, dim: isize) -> Result<(Tensor, Tensor)> {
        self.running_extreme("cummin", dim, false)
    }

    #[track_caller]
    #[expect(clippy::eq_op, reason = "a float that differs from itself is NaN; an integer never does")]
    fn running_extreme(&self, op: &'static str, dim: isize, largest: bool) -> Result<(Tensor, Tensor)> {
        let at = self.shape().dim(op, dim)?;
        let (size, inner) = size_and_inner(self, at);
        let (plane, x) = (size * inner, self.contiguous()?);
        let planes = self.numel().checked_div(plane).unwrap_or(0);
        let mut indices = Storage::recycled(op, DType::I64, self.numel())?;
        let values = dispatch_all!(self.dtype(), T => Tensor::build::<T>(op, self.shape().clone(), |values| {
            let out = (Matrix(values, plane), Matrix(indices.slice_mut::<i64>(), plane));
            for_each_rows(out, planes, rows_per_task(plane), |first, (values, indices)| {
                let x = &x.dense::<T>()[first * plane..][..values.0.len()];
                for (i, &v) in x.iter().enumerate() {
                    let k = i % plane / inner;
                    let best = if k == 0 { v } else { values.0[i - inner] };
                    let wins = if largest { v >= best } else { v <= best };
                    let chosen = k == 0 || v != v || (wins && best == best);
                    (values.0[i], indices.0[i]) =
                        if chosen { (v, k as i64) } else { (best, indices.0[i - inner]) };
                }
            });
        }))?;
        Ok((values, Tensor::from_storage(indices, self.shape().clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_extremes_keep_nan_and_name_the_last_of_equals() {
        let x = Tensor::from_vec(vec![1.0f32, 1.0, f32::NAN, 2.0, f32::NAN], [5]).unwrap();
        let (values, indices) = x.cummax(0).unwrap();
        // torch.cummax(torch.tensor([1., 1., nan, 2., nan]), 0)
        assert_eq!(indices.to_vec::<i64>().unwrap(), [0, 1, 2, 2, 4]);
        let values = values.to_vec::<f32>().unwrap();
        assert!(values[0] == 1.0 && values[2..].iter().all(|v| v.is_nan()));
    }

    #[test]
    fn logcumsumexp_holds_infinities() {
        let inf = f64::INFINITY;
        let of = |x: Vec<f64>| {
            let n = x.len();
            Tensor::from_vec(x, [n]).unwrap().logcumsumexp(0).unwrap().to_vec::<f64>().unwrap()
        };
        assert_eq!(of(vec![-inf, -inf, 1.0, inf, inf]), [-inf, -inf, 1.0, inf, inf]);
        assert!(of(vec![f64::NAN, 1.0])[1].is_nan());
        assert!(of(vec![1.0, f64::NAN, inf])[2].is_nan());
        assert!((of(vec![1000.0, 1000.0])[1] - (1000.0 + 2f64.ln())).abs() < 1e-12);
    }

    #[test]
    fn empty_and_0d_tensors_have_running_results() {
        for shape in [vec![], vec![0], vec![2, 0], vec![0, 3]] {
            let x = Tensor::full(&shape, 2.0, DType::F32).unwrap();
            for dim in 0..shape.len().max(1) as isize {
                assert_eq!(x.cumprod(dim).unwrap().shape()[..], shape[..]);
                assert_eq!(x.cummin(dim).unwrap().1.shape()[..], shape[..]);
                assert_eq!(x.linear_scan(&x, dim, true).unwrap().shape()[..], shape[..]);
            }
        }
    }
}
