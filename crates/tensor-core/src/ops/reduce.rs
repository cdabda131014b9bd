//! Folding dimensions away: sums, means, extremes.

use crate::dtype::{dispatch_all, dispatch_float, no_float};
use crate::kernel::reduce::{fold_rows, select_rows, sum_columns, sum_rows};
use crate::{DType, Dims, Element, Error, ErrorKind, Result, Shape, Tensor};
use smallvec::SmallVec;

/// A tensor rearranged for a reduction over some of its dimensions.
pub(super) struct Plan {
    /// The elements in row-major order: kept × reduced, or outer × reduced × inner.
    dense: Tensor,
    /// Elements folded into one.
    pub reduced: usize,
    /// Kept dimensions that lie inside the reduced ones; 1 where the reduced ones are innermost.
    inner: usize,
    /// The result's shape with the reduced dimensions as 1.
    keepdim: Shape,
    /// The result's shape without them.
    dropped: Shape,
}

impl Plan {
    #[track_caller]
    pub fn new(op: &'static str, x: &Tensor, dims: &impl Dims) -> Result<Plan> {
        let flags = dims.flags(op, x.shape())?;
        let keepdim = x.shape().iter().zip(&flags).map(|(&n, &r)| if r { 1 } else { n }).collect();
        let dropped = x.shape().iter().zip(&flags).filter(|(_, r)| !**r).map(|(&n, _)| n).collect();
        let reduced = x.shape().iter().zip(&flags).filter(|(_, r)| **r).map(|(&n, _)| n).product();
        // One run of reduced dimensions is folded where it lies; scattered ones are first moved to the end.
        let runs = flags.iter().enumerate().filter(|&(i, &f)| f && (i == 0 || !flags[i - 1])).count();
        if runs <= 1 {
            let last = flags.iter().rposition(|&f| f).map_or(x.rank(), |i| i + 1);
            let inner = x.shape()[last..].iter().product();
            return Ok(Plan { dense: x.contiguous()?, reduced, inner, keepdim, dropped });
        }
        let order: SmallVec<[isize; 4]> = (0..x.rank() as isize)
            .filter(|&i| !flags[i as usize])
            .chain((0..x.rank() as isize).filter(|&i| flags[i as usize]))
            .collect();
        Ok(Plan { dense: x.permute(&order[..])?.contiguous()?, reduced, inner: 1, keepdim, dropped })
    }

    pub fn shape(&self, keepdim: bool) -> Shape {
        if keepdim { self.keepdim.clone() } else { self.dropped.clone() }
    }

    /// The dense elements with the reduced dimensions innermost.
    #[track_caller]
    pub fn rows(&self) -> Result<Tensor> {
        if self.inner == 1 {
            return Ok(self.dense.clone());
        }
        let outer = self.dense.numel().checked_div(self.reduced * self.inner).unwrap_or(0);
        let planes = self.dense.reshape_to("reduce", Shape::from([outer, self.reduced, self.inner]))?;
        planes.transpose(1, 2)?.contiguous()
    }
}

/// Whether an element replaces the best so far: a NaN anything but a NaN, a number only a worse number.
#[expect(clippy::eq_op, reason = "a float that differs from itself is NaN; an integer never does")]
pub(super) fn replaces<T: Element>(largest: bool) -> impl Fn(T, T) -> bool + Copy {
    move |a, b| (if largest { a > b } else { a < b }) || (a != a && b == b)
}

impl Tensor {
    /// The sum of all elements. Integers and bools sum to i64; no elements sum to 0.
    #[track_caller]
    pub fn sum(&self) -> Result<Tensor> {
        self.sum_scaled("sum", &[], false, |_| 1.0)
    }

    /// Sums over `dims` (all, if empty). With `keepdim` the reduced dimensions stay with size 1.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
    /// assert_eq!(x.sum_dim(0, false)?.to_vec::<f32>()?, [4.0, 6.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn sum_dim(&self, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        dims.with(|dims| self.sum_scaled("sum", dims, keepdim, |_| 1.0)).map_err(|e| e.at(location))
    }

    /// The mean of all elements; NaN where there are none.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn mean(&self) -> Result<Tensor> {
        self.mean_dim(&[][..], false)
    }

    /// Means over `dims` (all, if empty). With `keepdim` the reduced dimensions stay with size 1.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn mean_dim(&self, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        self.float_only("mean")?;
        dims.with(|dims| self.sum_scaled("mean", dims, keepdim, |n| 1.0 / n as f64))
            .map_err(|e| e.at(location))
    }

    /// Refuses a dtype that is not floating-point.
    #[track_caller]
    pub(super) fn float_only(&self, op: &'static str) -> Result<()> {
        let found = self.dtype();
        if found.is_float() { Ok(()) } else { Err(Error::new(op, no_float(found))) }
    }

    #[track_caller]
    fn sum_scaled(
        &self,
        op: &'static str,
        dims: &[isize],
        keepdim: bool,
        scale: impl Fn(usize) -> f64,
    ) -> Result<Tensor> {
        if !self.dtype().is_float() {
            return self.sum_integers(op, dims, keepdim);
        }
        let plan = Plan::new(op, self, &dims)?;
        let x = &plan.dense;
        dispatch_float!(op, [x], T => Tensor::build::<T>(op, plan.shape(keepdim), |out| {
            let (x, scale) = (x.dense::<T>(), scale(plan.reduced));
            if plan.reduced == 0 {
                // 0 · 1 for a sum, 0 · ∞ = NaN for a mean.
                out.fill((0.0 * scale) as T);
            } else if plan.inner == 1 {
                sum_rows(x, plan.reduced, scale, out);
            } else {
                sum_columns(x, plan.reduced, plan.inner, scale, out);
            }
        }))
    }

    #[track_caller]
    fn sum_integers(&self, op: &'static str, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        let plan = Plan::new(op, &self.to_dtype(DType::I64)?, &dims)?;
        let rows = plan.rows()?;
        Tensor::build::<i64>(op, plan.shape(keepdim), |out| {
            fold_rows(rows.dense::<i64>(), plan.reduced, out, |row| {
                row.iter().fold(0, |s, &v| s.wrapping_add(v))
            });
        })
    }

    /// The product of all elements: `torch.prod`. Integers and bools multiply to i64, wrapping; no elements to 1.
    #[track_caller]
    pub fn prod(&self) -> Result<Tensor> {
        self.product(&[], false)
    }

    /// Products along `dim`: `torch.prod`. Integers and bools multiply to i64, wrapping; no elements to 1.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn prod_dim(&self, dim: isize, keepdim: bool) -> Result<Tensor> {
        self.product(&[dim], keepdim)
    }

    #[track_caller]
    fn product(&self, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        const OP: &str = "prod";
        let x = if self.dtype().is_float() { self.clone() } else { self.to_dtype(DType::I64)? };
        let plan = Plan::new(OP, &x, &dims)?;
        let (rows, shape) = (plan.rows()?, plan.shape(keepdim));
        if x.dtype() == DType::I64 {
            return Tensor::build::<i64>(OP, shape, |out| {
                fold_rows(rows.dense::<i64>(), plan.reduced, out, |row| {
                    row.iter().fold(1, |p: i64, &v| p.wrapping_mul(v))
                });
            });
        }
        dispatch_float!(OP, [rows], T => Tensor::build::<T>(OP, shape, |out| {
            // In f64, where a product of f32 neither overflows nor vanishes on its way.
            fold_rows(rows.dense::<T>(), plan.reduced, out, |row| {
                <T as Element>::from_f64(row.iter().fold(1.0, |p, v| p * Element::to_f64(*v)))
            });
        }))
    }

    /// The largest elements over `dims` (all, if empty); NaN wins.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    #[track_caller]
    pub fn amax(&self, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        dims.with(|dims| self.extreme("amax", dims, keepdim, true))
            .map(|(v, _)| v)
            .map_err(|e| e.at(location))
    }

    /// The smallest elements over `dims` (all, if empty); NaN wins.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    #[track_caller]
    pub fn amin(&self, dims: impl Dims, keepdim: bool) -> Result<Tensor> {
        let location = std::panic::Location::caller();
        dims.with(|dims| self.extreme("amin", dims, keepdim, false))
            .map(|(v, _)| v)
            .map_err(|e| e.at(location))
    }

    /// The largest elements along `dim` and their indices (i64); the first of equals, and NaN wins: `torch.max(dim)`.
    #[track_caller]
    pub fn max_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        self.extreme("max", &[dim], keepdim, true)
    }

    /// The smallest elements along `dim` and their indices (i64); the first of equals, and NaN wins:
    /// `torch.min(dim)`.
    #[track_caller]
    pub fn min_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        self.extreme("min", &[dim], keepdim, false)
    }

    /// The indices (i64) of the largest elements along `dim`, for `None` of the whole tensor in row-major order; the
    /// first of equals, and the first NaN wins: `torch.argmax`.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1.0f32, 5.0, 4.0, 2.0], [2, 2])?;
    /// assert_eq!(x.argmax(1, false)?.to_vec::<i64>()?, [1, 0]);
    /// assert_eq!(x.argmax(None, false)?.item::<i64>()?, 1);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn argmax(&self, dim: impl Into<Option<isize>>, keepdim: bool) -> Result<Tensor> {
        self.extreme("argmax", dim.into().as_slice(), keepdim, true).map(|(_, i)| i)
    }

    /// The indices (i64) of the smallest elements along `dim`, for `None` of the whole tensor in row-major order; the
    /// first of equals, and the first NaN wins: `torch.argmin`.
    ///
    /// # Errors
    /// If there is nothing to reduce.
    #[track_caller]
    pub fn argmin(&self, dim: impl Into<Option<isize>>, keepdim: bool) -> Result<Tensor> {
        self.extreme("argmin", dim.into().as_slice(), keepdim, false).map(|(_, i)| i)
    }

    #[track_caller]
    fn extreme(
        &self,
        op: &'static str,
        dims: &[isize],
        keepdim: bool,
        largest: bool,
    ) -> Result<(Tensor, Tensor)> {
        let plan = Plan::new(op, self, &dims)?;
        let shape = plan.shape(keepdim);
        if plan.reduced == 0 && shape.numel() > 0 {
            return Err(Error::new(op, ErrorKind::EmptyReduction { shape: self.shape().clone() }));
        }
        let rows = plan.rows()?;
        dispatch_all!(self.dtype(), T => {
            let mut indices = crate::storage::Storage::recycled(op, DType::I64, shape.numel())?;
            let values = Tensor::build::<T>(op, shape.clone(), |values| {
                let (x, indices) = (rows.dense::<T>(), indices.slice_mut::<i64>());
                select_rows(x, plan.reduced, values, indices, replaces::<T>(largest));
            })?;
            Ok((values, Tensor::from_storage(indices, shape)))
        })
    }

    /// Sums the tensor down to `shape`, which broadcasts to this tensor's: what undoes a broadcast.
    ///
    /// # Errors
    /// If `shape` does not broadcast to this tensor's shape.
    #[track_caller]
    pub fn sum_to(&self, shape: &Shape) -> Result<Tensor> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        if !shape.broadcasts_to(self.shape()) {
            let (left, right) = (self.shape().clone(), shape.clone());
            return Err(Error::new("sum_to", ErrorKind::Broadcast { left, right }));
        }
        let lead = self.rank() - shape.len();
        let repeated = |i: &isize| {
            let i = *i as usize;
            i < lead || (shape[i - lead] == 1 && self.shape()[i] != 1)
        };
        let dims: SmallVec<[isize; 4]> = (0..self.rank() as isize).filter(repeated).collect();
        // An empty list would name all dimensions; here it means that none is repeated.
        let summed = if dims.is_empty() { self.clone() } else { self.sum_dim(&dims[..], true)? };
        summed.reshape_to("sum_to", shape.clone())
    }

    /// Whether every element is true (nonzero).
    #[track_caller]
    pub fn all(&self) -> Result<bool> {
        let x = self.contiguous()?;
        Ok(dispatch_all!(x.dtype(), T => x.dense::<T>().iter().all(|&v| v != T::default())))
    }

    /// Whether any element is true (nonzero).
    #[track_caller]
    pub fn any(&self) -> Result<bool> {
        let x = self.contiguous()?;
        Ok(dispatch_all!(x.dtype(), T => x.dense::<T>().iter().any(|&v| v != T::default())))
    }

    /// Whether no element is infinite or NaN.
    #[track_caller]
    pub fn is_finite(&self) -> Result<bool> {
        let x = self.contiguous()?;
        dispatch_all!(x.dtype(), T => Ok(x.dense::<T>().iter().all(|v| Element::to_f64(*v).is_finite())))
    }
}
