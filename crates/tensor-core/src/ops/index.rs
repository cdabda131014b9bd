//! Elements chosen by indices.

use crate::dtype::{dispatch_all, dispatch_number};
use crate::ops::binary::Arithmetic;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

/// The indices of a 1-d or wider i64 tensor, each within `size` of dimension `dim`; negative ones count from the end.
#[track_caller]
fn checked_indices(op: &'static str, index: &Tensor, dim: usize, size: usize) -> Result<Vec<usize>> {
    if index.dtype() != DType::I64 {
        let found = index.dtype();
        return Err(Error::new(op, ErrorKind::DType { argument: "index", found, expected: "i64" }));
    }
    let dense = index.contiguous()?;
    let mut checked = Vec::with_capacity(dense.numel());
    for &i in dense.dense::<i64>() {
        let wrapped = if i < 0 { i + size as i64 } else { i };
        if !(0..size as i64).contains(&wrapped) {
            return Err(Error::new(op, ErrorKind::IndexOutOfRange { index: i, dim, size }));
        }
        checked.push(wrapped as usize);
    }
    Ok(checked)
}

impl Tensor {
    /// The slices of dimension `dim` that `index` (1-d, i64) names, in its order: `torch.index_select`.
    ///
    /// # Errors
    /// If an index is out of range or `index` is not a 1-d i64 tensor.
    #[track_caller]
    pub fn index_select(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "index_select";
        let at = self.indexed_dim(OP, dim, index)?;
        let indices = checked_indices(OP, index, at, self.shape()[at])?;
        let x = self.contiguous()?;
        let mut shape = self.shape().clone();
        shape.sizes_mut()[at] = indices.len();
        let inner: usize = self.shape()[at + 1..].iter().product();
        let plane = self.shape()[at] * inner;
        dispatch_all!(self.dtype(), T => Tensor::build::<T>(OP, shape, |out| {
            if inner == 0 {
                return;
            }
            let x = x.dense::<T>();
            crate::kernel::parallel::for_each_chunk(out, inner * (4096 / inner).max(1), |start, out| {
                for (i, row) in out.chunks_exact_mut(inner).enumerate() {
                    let r = start / inner + i;
                    let from = r / indices.len() * plane + indices[r % indices.len()] * inner;
                    row.copy_from_slice(&x[from..from + inner]);
                }
            });
        }))
    }

    /// This tensor with the slices of `source` added at the places of dimension `dim` that `index` (1-d, i64) names;
    /// a place named twice receives both, in order: `torch.index_add`.
    ///
    /// # Errors
    /// If an index is out of range, or shapes or dtypes do not fit.
    #[track_caller]
    pub fn index_add(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "index_add";
        self.same_dtype(OP, source)?;
        let at = self.indexed_dim(OP, dim, index)?;
        let indices = checked_indices(OP, index, at, self.shape()[at])?;
        let mut fitting = self.shape().clone();
        fitting.sizes_mut()[at] = indices.len();
        if *source.shape() != fitting {
            let (found, expected) = (source.shape().clone(), fitting.to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "source", found, expected }));
        }
        let inner: usize = self.shape()[at + 1..].iter().product();
        let plane = self.shape()[at] * inner;
        let (base, source) = (self.contiguous()?, source.contiguous()?);
        dispatch_number!(OP, [base, source], T => Tensor::build::<T>(OP, self.shape().clone(), |out| {
            out.copy_from_slice(base.dense::<T>());
            if inner == 0 || indices.is_empty() {
                return;
            }
            for (r, row) in source.dense::<T>().chunks_exact(inner).enumerate() {
                let to = r / indices.len() * plane + indices[r % indices.len()] * inner;
                out[to..to + inner].iter_mut().zip(row).for_each(|(y, &v)| *y = y.plus(v));
            }
        }))
    }

    #[track_caller]
    fn indexed_dim(&self, op: &'static str, dim: isize, index: &Tensor) -> Result<usize> {
        let at = self.shape().dim(op, dim)?;
        if self.rank() == 0 {
            return Err(Error::new(op, ErrorKind::DimOutOfRange { dim, shape: self.shape().clone() }));
        }
        if index.rank() != 1 {
            let (found, expected) = (index.shape().clone(), "1 dimension".to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "index", found, expected }));
        }
        Ok(at)
    }

    /// `out[i][j] = self[index[i][j]][j]` for `dim` 0, and alike along other dimensions: `torch.gather`.
    /// `index` (i64) has as many dimensions as the tensor and is no larger than it beyond `dim`.
    ///
    /// # Errors
    /// If an index is out of range or the shapes do not fit.
    #[track_caller]
    pub fn gather(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "gather";
        let at = self.shape().dim(OP, dim)?;
        self.gather_fits(OP, at, index)?;
        let size = self.shape().get(at).copied().unwrap_or(1);
        let indices = checked_indices(OP, index, at, size)?;
        let x = self.contiguous()?;
        let steps = x.shape().contiguous_strides();
        dispatch_all!(self.dtype(), T => Tensor::build::<T>(OP, index.shape().clone(), |out| {
            let x = x.dense::<T>();
            for_each_target(index.shape(), &steps, at, &indices, |i, to| out[i] = x[to]);
        }))
    }

    /// This tensor with `source` added where `index` points, `out[index[i][j]][j] += source[i][j]` for `dim` 0;
    /// a place named twice receives both, in order: `torch.scatter_add`.
    ///
    /// # Errors
    /// If an index is out of range or shapes or dtypes do not fit.
    #[track_caller]
    pub fn scatter_add(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "scatter_add";
        self.same_dtype(OP, source)?;
        let at = self.shape().dim(OP, dim)?;
        self.gather_fits(OP, at, index)?;
        if !index.shape().iter().zip(source.shape().iter()).all(|(i, s)| i <= s)
            || index.rank() != source.rank()
        {
            let (found, expected) = (source.shape().clone(), format!("at least {}", index.shape()));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "source", found, expected }));
        }
        let size = self.shape().get(at).copied().unwrap_or(1);
        let indices = checked_indices(OP, index, at, size)?;
        let mut source = source.clone();
        for (d, &n) in index.shape().iter().enumerate() {
            source = source.narrow(d as isize, 0, n)?;
        }
        let (base, source) = (self.contiguous()?, source.contiguous()?);
        let steps = self.shape().contiguous_strides();
        dispatch_number!(OP, [base, source], T => Tensor::build::<T>(OP, self.shape().clone(), |out| {
            out.copy_from_slice(base.dense::<T>());
            let source = source.dense::<T>();
            for_each_target(index.shape(), &steps, at, &indices, |i, to| out[to] = out[to].plus(source[i]));
        }))
    }

    #[track_caller]
    fn gather_fits(&self, op: &'static str, at: usize, index: &Tensor) -> Result<()> {
        let fits = index.rank() == self.rank()
            && index.shape().iter().zip(self.shape().iter()).enumerate().all(|(d, (i, s))| d == at || i <= s);
        if fits {
            return Ok(());
        }
        let expected =
            format!("{} dimensions, no larger than {} but for dimension {at}", self.rank(), self.shape());
        Err(Error::new(
            op,
            ErrorKind::ShapeMismatch { argument: "index", found: index.shape().clone(), expected },
        ))
    }
}

/// Calls `visit(i, place)` for each index in order, `place` being where it points in a row-major tensor of `steps`.
fn for_each_target(
    shape: &Shape,
    steps: &[usize],
    at: usize,
    indices: &[usize],
    mut visit: impl FnMut(usize, usize),
) {
    let mut position = vec![0usize; shape.len()];
    for (i, &index) in indices.iter().enumerate() {
        let place: usize = position
            .iter()
            .zip(steps)
            .enumerate()
            .map(|(d, (&p, &s))| if d == at { index * s } else { p * s })
            .sum();
        visit(i, place);
        for d in (0..shape.len()).rev() {
            position[d] += 1;
            if position[d] < shape[d] {
                break;
            }
            position[d] = 0;
        }
    }
}
