//! Slices of one dimension, named by a list of indices.

use super::index::no_memory;
use crate::dtype::dispatch_all;
use crate::kernel::pick::Picks;
use crate::{DType, Error, ErrorKind, Result, Scalar, Shape, Tensor};

/// The indices of an i64 or i32 tensor as dense i64 from 0 on, each below `size` of dimension `dim`; negative ones count
/// from the end.
#[track_caller]
pub(super) fn checked_indices(op: &'static str, index: &Tensor, dim: usize, size: usize) -> Result<Tensor> {
    if !matches!(index.dtype(), DType::I64 | DType::I32) {
        let found = index.dtype();
        let expected = "i64 or i32; convert with to_dtype(DType::I64), a mask with to_dtype(DType::Bool)";
        return Err(Error::new(op, ErrorKind::DType { argument: "index", found, expected }));
    }
    let dense = index.to_dtype(DType::I64)?.contiguous()?;
    let indices = dense.dense::<i64>();
    let wrapped = |i: i64| if i < 0 { i.saturating_add(size as i64) } else { i };
    if let Some(&index) = indices.iter().find(|&&i| !(0..size as i64).contains(&wrapped(i))) {
        return Err(Error::new(op, ErrorKind::IndexOutOfRange { index, dim, size }));
    }
    if indices.iter().all(|&i| i >= 0) {
        return Ok(dense);
    }
    Tensor::build_like::<i64>(op, &dense, |out| {
        out.iter_mut().zip(indices).for_each(|(y, &i)| *y = wrapped(i));
    })
}

/// Slices of a dimension: where they are, and the shape of all of them together.
struct Slices {
    picks: Picks,
    shape: Shape,
}

impl Slices {
    /// Those of `x` that `index` names. A 0-d tensor has one slice, itself.
    #[track_caller]
    fn new(op: &'static str, x: &Tensor, dim: isize, index: &Tensor, origin: usize) -> Result<Slices> {
        let at = x.shape().dim(op, dim)?;
        if index.rank() > 1 || (x.rank() == 0 && index.numel() != 1) {
            let expected = if x.rank() == 0 { "one element" } else { "at most 1 dimension" }.to_string();
            let found = index.shape().clone();
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "index", found, expected }));
        }
        let (sizes, steps) = (x.shape(), x.strides());
        let size = sizes.get(at).copied().unwrap_or(1);
        let step = steps.get(at).copied().unwrap_or(0);
        let places = checked_indices(op, index, at, size)?;
        let picked: Vec<usize> = places.dense::<i64>().iter().map(|&place| place as usize * step).collect();
        let mut shape = sizes.clone();
        if let Some(size) = shape.sizes_mut().get_mut(at) {
            *size = picked.len();
        }
        let after = (at + 1).min(x.rank());
        let (before, after) = ((&sizes[..at], &steps[..at]), (&sizes[after..], &steps[after..]));
        let offset = x.layout.offset.saturating_sub(origin);
        let picks = Picks::new(offset, before, picked, after).ok_or_else(|| no_memory(op, before.0))?;
        Ok(Slices { picks, shape })
    }

    /// `source`, if it has as many elements as the slices, in their shape but for sizes of 1.
    #[track_caller]
    fn fitting(&self, op: &'static str, source: &Tensor) -> Result<()> {
        let same = *source.shape() == self.shape;
        // One slice of a 0-d tensor may come as [1], and the other way round.
        if same || (source.numel() == 1 && self.shape.numel() == 1 && source.rank() + self.shape.len() <= 1) {
            return Ok(());
        }
        let (found, expected) = (source.shape().clone(), self.shape.to_string());
        Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "source", found, expected }))
    }
}

impl Tensor {
    /// The slices of dimension `dim` that `index` (1-d, i64 or i32) names, in its order: `torch.index_select`.
    ///
    /// # Errors
    /// If an index is out of range or `index` has more than one dimension or another dtype.
    #[track_caller]
    pub fn index_select(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "index_select";
        let slices = Slices::new(OP, self, dim, index, 0)?;
        dispatch_all!(self.dtype(), T => {
            Tensor::build::<T>(OP, slices.shape, |out| slices.picks.take(self.storage.slice::<T>(), out))
        })
    }

    /// This tensor with the slices of `source` added at the places of dimension `dim` that `index` (1-d, i64 or i32)
    /// names; a place named twice receives both, in order: `torch.index_add`. (PyTorch's `alpha` is a factor on
    /// `source`.)
    ///
    /// # Errors
    /// If an index is out of range, or shapes or dtypes do not fit.
    #[track_caller]
    pub fn index_add(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.put_slices("index_add", dim, index, source, true)
    }

    /// This tensor with the slices of dimension `dim` that `index` (1-d, i64 or i32) names replaced by those of
    /// `source`; of a place named twice the last stays: `torch.index_copy`.
    ///
    /// # Errors
    /// If an index is out of range, or shapes or dtypes do not fit.
    #[track_caller]
    pub fn index_copy(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.put_slices("index_copy", dim, index, source, false)
    }

    /// This tensor with `value` in the slices of dimension `dim` that `index` (1-d, i64 or i32) names:
    /// `torch.index_fill`.
    ///
    /// # Errors
    /// If an index is out of range or `index` has more than one dimension or another dtype.
    #[track_caller]
    pub fn index_fill(&self, dim: isize, index: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        const OP: &str = "index_fill";
        let base = self.contiguous()?;
        let slices = Slices::new(OP, &base, dim, index, base.layout.offset)?;
        let value = dispatch_all!(self.dtype(), T => Tensor::scalar::<T>(value.into().to()))?;
        base.put(OP, &slices.picks, &value.broadcast_to(&slices.shape)?, false)
    }

    #[track_caller]
    fn put_slices(
        &self,
        op: &'static str,
        dim: isize,
        index: &Tensor,
        source: &Tensor,
        accumulate: bool,
    ) -> Result<Tensor> {
        self.same_dtype(op, source)?;
        let base = self.contiguous()?;
        let slices = Slices::new(op, &base, dim, index, base.layout.offset)?;
        slices.fitting(op, source)?;
        base.put(op, &slices.picks, source, accumulate)
    }

    /// The elements at the places that `index` (i64 or i32) names, counted in row-major order, in its shape:
    /// `torch.take`.
    ///
    /// # Errors
    /// If an index is out of range or `index` is not i64 or i32.
    #[track_caller]
    pub fn take(&self, index: &Tensor) -> Result<Tensor> {
        let flat = self.reshape([-1])?;
        let picked = flat.index_select(0, &index.reshape([-1])?).map_err(|e| e.of("take"))?;
        picked.view_as(index.shape())
    }
}
