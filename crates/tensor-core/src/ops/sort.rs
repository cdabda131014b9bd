//! Sorting, and picking by rank.

use crate::dtype::dispatch_all;
use crate::kernel::order;
use crate::storage::Storage;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

/// A tensor with the ranked dimension last.
struct Lines {
    dense: Tensor,
    dim: usize,
    /// Elements of the ranked dimension.
    size: usize,
}

impl Lines {
    #[track_caller]
    fn new(op: &'static str, x: &Tensor, dim: isize) -> Result<Lines> {
        let dim = x.shape().dim(op, dim)?;
        // A 0-d tensor is ranked as one element.
        let x = if x.rank() == 0 { x.unsqueeze(0)? } else { x.clone() };
        let size = x.shape()[dim];
        Ok(Lines { dense: x.transpose(dim as isize, -1)?.contiguous()?, dim, size })
    }

    /// `kept` elements of each line and their indices, as `pick` writes them, with the dimension back in its place.
    #[track_caller]
    fn picked(
        &self,
        op: &'static str,
        kept: usize,
        pick: impl FnOnce(&mut Storage) -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let mut indices = Storage::recycled(op, DType::I64, self.shape(kept).numel())?;
        let values = pick(&mut indices)?;
        let indices = Tensor::from_storage(indices, self.shape(kept));
        let back = |x: Tensor| x.transpose(self.dim as isize, -1)?.contiguous();
        Ok((back(values)?, back(indices)?))
    }

    /// The shape with the ranked dimension last, of size `kept`.
    fn shape(&self, kept: usize) -> Shape {
        let mut shape = self.dense.shape().clone();
        if let Some(last) = shape.sizes_mut().last_mut() {
            *last = kept;
        }
        shape
    }
}

impl Tensor {
    /// The elements sorted along `dim` and their indices (i64): `torch.sort`, always stable. NaN counts as the
    /// largest.
    ///
    /// # Errors
    /// If there is no such dimension.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![2.0f32, 3.0, 1.0], [3])?;
    /// let (values, indices) = x.sort(0, false)?;
    /// assert_eq!(values.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
    /// assert_eq!(indices.to_vec::<i64>()?, [2, 0, 1]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn sort(&self, dim: isize, descending: bool) -> Result<(Tensor, Tensor)> {
        const OP: &str = "sort";
        let lines = Lines::new(OP, self, dim)?;
        let (values, indices) = lines.picked(OP, lines.size, |indices| {
            dispatch_all!(self.dtype(), T => Tensor::build::<T>(OP, lines.shape(lines.size), |values| {
                let x = lines.dense.dense::<T>();
                order::sort_rows(x, lines.size, descending, values, indices.slice_mut::<i64>());
            }))
        })?;
        Ok((values.reshape_to(OP, self.shape().clone())?, indices.reshape_to(OP, self.shape().clone())?))
    }

    /// The indices (i64) that sort the tensor along `dim`: `torch.argsort`, always stable. NaN counts as the largest.
    ///
    /// # Errors
    /// If there is no such dimension.
    #[track_caller]
    pub fn argsort(&self, dim: isize, descending: bool) -> Result<Tensor> {
        Ok(self.sort(dim, descending).map_err(|e| e.of("argsort"))?.1)
    }

    /// The `k` largest or smallest elements along `dim` in their order, and their indices (i64): `torch.topk`, always
    /// sorted; the first of equals comes first. NaN counts as the largest.
    ///
    /// # Errors
    /// If there is no such dimension or it has fewer than `k` elements.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![2.0f32, 3.0, 1.0], [3])?;
    /// assert_eq!(x.topk(2, 0, true)?.0.to_vec::<f32>()?, [3.0, 2.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn topk(&self, k: usize, dim: isize, largest: bool) -> Result<(Tensor, Tensor)> {
        const OP: &str = "topk";
        let lines = Lines::new(OP, self, dim)?;
        if k > lines.size {
            let (value, expected) = (format!("{k} of {}", lines.size), "at most the size of the dimension");
            return Err(Error::new(OP, ErrorKind::Argument { argument: "k", value, expected }));
        }
        let picked = lines.picked(OP, k, |indices| {
            dispatch_all!(self.dtype(), T => Tensor::build::<T>(OP, lines.shape(k), |values| {
                let x = (lines.dense.dense::<T>(), lines.size);
                order::top_rows(x, k, largest, values, indices.slice_mut::<i64>());
            }))
        })?;
        if self.rank() == 0 && k == 1 {
            return Ok((picked.0.squeeze(0)?, picked.1.squeeze(0)?));
        }
        Ok(picked)
    }

    /// The `k`-th smallest elements along `dim`, counted from 1, and their indices (i64): `torch.kthvalue`. NaN counts
    /// as the largest.
    ///
    /// # Errors
    /// If there is no such dimension or it has no `k`-th element.
    #[track_caller]
    pub fn kthvalue(&self, k: usize, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        const OP: &str = "kthvalue";
        let size = Lines::new(OP, self, dim)?.size;
        if !(1..=size).contains(&k) {
            let (value, expected) = (format!("{k} of {size}"), "from 1 to the size of the dimension");
            return Err(Error::new(OP, ErrorKind::Argument { argument: "k", value, expected }));
        }
        self.nth(OP, dim, keepdim, |_| k - 1)
    }

    /// The median of all elements, the lower one of an even number; NaN if one is NaN or there are none:
    /// `torch.median`.
    ///
    /// # Errors
    /// If there are no elements and the dtype has no NaN.
    #[track_caller]
    pub fn median(&self) -> Result<Tensor> {
        self.middle("median", Tensor::median_dim)
    }

    /// Medians along `dim`, the lower one of an even number, and their indices (i64); NaN if one is NaN:
    /// `torch.median`.
    ///
    /// # Errors
    /// If there is no such dimension or nothing to reduce.
    #[track_caller]
    pub fn median_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let size = self.size(dim).unwrap_or(1);
        // The first NaN has the rank after the last number.
        let rank = |numbers| if numbers < size { numbers } else { (numbers - 1) / 2 };
        self.nth("median", dim, keepdim, rank)
    }

    /// The median of the elements that are not NaN, the lower one of an even number: `torch.nanmedian`. NaN where there
    /// are none.
    ///
    /// # Errors
    /// If there are no elements and the dtype has no NaN.
    #[track_caller]
    pub fn nanmedian(&self) -> Result<Tensor> {
        self.middle("nanmedian", Tensor::nanmedian_dim)
    }

    /// Medians along `dim` of the elements that are not NaN, and their indices (i64): `torch.nanmedian`.
    ///
    /// # Errors
    /// If there is no such dimension or nothing to reduce.
    #[track_caller]
    pub fn nanmedian_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        self.nth("nanmedian", dim, keepdim, |numbers| numbers.saturating_sub(1) / 2)
    }

    /// A median of the whole tensor.
    #[track_caller]
    fn middle(
        &self,
        op: &'static str,
        along: fn(&Tensor, isize, bool) -> Result<(Tensor, Tensor)>,
    ) -> Result<Tensor> {
        if self.numel() == 0 && self.dtype().is_float() {
            return Tensor::full([], f64::NAN, self.dtype());
        }
        Ok(along(&self.flatten(0, -1)?, 0, false).map_err(|e| e.of(op))?.0)
    }

    /// The element of each line along `dim` that has rank `rank(numbers)`, where `numbers` is how many are not NaN.
    #[track_caller]
    fn nth(
        &self,
        op: &'static str,
        dim: isize,
        keepdim: bool,
        rank: impl Fn(usize) -> usize + Sync + Copy,
    ) -> Result<(Tensor, Tensor)> {
        let lines = Lines::new(op, self, dim)?;
        if lines.size == 0 && lines.shape(1).numel() > 0 {
            return Err(Error::new(op, ErrorKind::EmptyReduction { shape: self.shape().clone() }));
        }
        let (values, indices) = lines.picked(op, 1, |indices| {
            dispatch_all!(self.dtype(), T => Tensor::build::<T>(op, lines.shape(1), |values| {
                let x = (lines.dense.dense::<T>(), lines.size);
                order::nth_rows(x, rank, values, indices.slice_mut::<i64>());
            }))
        })?;
        if keepdim && self.rank() > 0 {
            return Ok((values, indices));
        }
        Ok((values.squeeze(dim)?, indices.squeeze(dim)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    fn tensor() -> Tensor {
        Tensor::from_vec(vec![3.0, NAN, 1.0, NAN, 2.0, f64::INFINITY, -0.0, 0.0], [8]).unwrap()
    }

    #[test]
    fn nan_sorts_last_and_equals_stay_in_order() {
        // torch.sort, torch.sort(descending=True, stable=True)
        assert_eq!(tensor().argsort(0, false).unwrap().to_vec::<i64>().unwrap(), [6, 7, 2, 4, 0, 5, 1, 3]);
        assert_eq!(tensor().argsort(-1, true).unwrap().to_vec::<i64>().unwrap(), [1, 3, 5, 0, 4, 2, 6, 7]);
        assert_eq!(tensor().topk(3, 0, true).unwrap().1.to_vec::<i64>().unwrap(), [1, 3, 5]);
        assert_eq!(tensor().topk(3, 0, false).unwrap().1.to_vec::<i64>().unwrap(), [6, 7, 2]);
    }

    #[test]
    fn medians_follow_pytorch() {
        let (value, index) = tensor().median_dim(0, false).unwrap();
        assert!(value.item::<f64>().unwrap().is_nan());
        assert_eq!(index.item::<i64>().unwrap(), 1);
        assert_eq!(tensor().nanmedian().unwrap().item::<f64>().unwrap(), 1.0);
        let none = Tensor::full([2], NAN, DType::F64).unwrap();
        let (value, index) = none.nanmedian_dim(0, false).unwrap();
        assert!(value.item::<f64>().unwrap().is_nan());
        assert_eq!(index.item::<i64>().unwrap(), 0);
        let even = Tensor::from_vec(vec![4i64, 1, 3, 2], [4]).unwrap();
        assert_eq!(even.median().unwrap().item::<i64>().unwrap(), 2);
        assert!(tensor().kthvalue(7, 0, false).unwrap().0.item::<f64>().unwrap().is_nan());
    }

    #[test]
    fn empty_and_0d_tensors_follow_pytorch() {
        let none = Tensor::zeros([0, 3], DType::F32).unwrap();
        assert!(none.median().unwrap().item::<f32>().unwrap().is_nan());
        assert!(none.median_dim(0, false).is_err());
        assert_eq!(none.median_dim(1, false).unwrap().0.shape()[..], [0]);
        assert_eq!(none.sort(0, true).unwrap().0.shape()[..], [0, 3]);
        assert_eq!(none.topk(2, 1, true).unwrap().0.shape()[..], [0, 2]);
        assert!(none.topk(1, 0, true).is_err() && none.kthvalue(1, 0, true).is_err());
        let one = Tensor::scalar(3.0f32).unwrap();
        assert_eq!(one.sort(0, false).unwrap().1.shape()[..], []);
        assert_eq!(one.kthvalue(1, -1, true).unwrap().0.shape()[..], []);
        assert_eq!(one.topk(1, 0, true).unwrap().0.item::<f32>().unwrap(), 3.0);
    }

    #[test]
    fn other_dimensions_sort_alike() {
        let x = Tensor::from_vec(vec![3, 1, 2, 0, 5, 4i32], [2, 3]).unwrap();
        let (values, indices) = x.sort(0, true).unwrap();
        assert_eq!(values.to_vec::<i32>().unwrap(), [3, 5, 4, 0, 1, 2]);
        assert_eq!(indices.to_vec::<i64>().unwrap(), [0, 1, 1, 1, 0, 0]);
    }
}
