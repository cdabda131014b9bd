//! Elements turned round and repeated.

use crate::dtype::dispatch_all;
use crate::kernel::parallel::{for_each_chunk, rows_per_task};
use crate::{DType, Dims, Error, ErrorKind, Result, Shape, Tensor};

impl Tensor {
    /// The elements of each of `dims` in reverse: `torch.flip`. An empty list turns nothing.
    ///
    /// # Errors
    /// If there is no such dimension or one is named twice.
    #[track_caller]
    pub fn flip(&self, dims: impl AsRef<[isize]>) -> Result<Tensor> {
        let dims = dims.as_ref();
        let flags = dims.flags("flip", self.shape())?;
        let x = self.contiguous()?;
        if dims.is_empty() || self.rank() == 0 {
            return Ok(x);
        }
        let (sizes, width) = (self.shape(), self.shape()[self.rank() - 1]);
        let turned = flags[self.rank() - 1];
        // The row that stands in the place of row `r`.
        let row_of = |r: usize| {
            let (mut rest, mut row, mut step) = (r, 0, 1);
            for (&size, &turned) in sizes.iter().zip(&flags).rev().skip(1) {
                let at = rest % size;
                rest /= size;
                row += step * if turned { size - 1 - at } else { at };
                step *= size;
            }
            row
        };
        dispatch_all!(self.dtype(), T => Tensor::build::<T>("flip", sizes.clone(), |out| {
            for_each_chunk(out, width * rows_per_task(width), |start, out| {
                for (i, to) in out.chunks_exact_mut(width.max(1)).enumerate() {
                    let from = &x.dense::<T>()[row_of(start / width + i) * width..][..width];
                    to.copy_from_slice(from);
                    if turned {
                        to.reverse();
                    }
                }
            });
        }))
    }

    /// The elements of each of `dims` moved on by the shift beside it, those pushed out at the end coming in at the
    /// start: `torch.roll`. Without `dims`, one shift rolls all elements in row-major order.
    ///
    /// # Errors
    /// If there is not one shift for each dimension.
    #[track_caller]
    pub fn roll(&self, shifts: impl AsRef<[isize]>, dims: impl AsRef<[isize]>) -> Result<Tensor> {
        const OP: &str = "roll";
        let (shifts, dims) = (shifts.as_ref(), dims.as_ref());
        if dims.is_empty() && shifts.len() == 1 {
            return self.reshape([-1])?.roll(shifts, [0])?.view_as(self.shape());
        }
        if dims.len() != shifts.len() {
            let value = format!("{shifts:?} for dimensions {dims:?}");
            let expected = "one for each dimension";
            return Err(Error::new(OP, ErrorKind::Argument { argument: "shifts", value, expected }));
        }
        let mut y = self.clone();
        for (&shift, &dim) in shifts.iter().zip(dims) {
            let size = self.size(dim).map_err(|e| e.of(OP))?;
            let moved = shift.rem_euclid(size.max(1) as isize) as usize;
            if moved > 0 {
                let (head, tail) =
                    (y.narrow(dim, 0, size - moved)?, y.narrow(dim, (size - moved) as isize, moved)?);
                y = Tensor::cat(&[&tail, &head], dim)?;
            }
        }
        Ok(y)
    }

    /// The tensor one after another `repeats[d]` times along each dimension; more repeats than dimensions add leading
    /// ones: `torch.Tensor.repeat`.
    ///
    /// # Errors
    /// If there are fewer repeats than dimensions.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1i64, 2], [2])?;
    /// assert_eq!(x.repeat([2, 2])?.to_vec::<i64>()?, [1, 2, 1, 2, 1, 2, 1, 2]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn repeat(&self, repeats: impl AsRef<[usize]>) -> Result<Tensor> {
        const OP: &str = "repeat";
        let repeats = repeats.as_ref();
        let Some(lead) = repeats.len().checked_sub(self.rank()) else {
            let value = format!("{repeats:?} for shape {}", self.shape());
            let expected = "at least one for each dimension";
            return Err(Error::new(OP, ErrorKind::Argument { argument: "repeats", value, expected }));
        };
        let sizes: Vec<usize> = std::iter::repeat_n(1, lead).chain(self.shape().iter().copied()).collect();
        let pairs = || repeats.iter().zip(&sizes);
        let wide: Shape = pairs().flat_map(|(&r, &n)| [r, n]).collect();
        wide.checked_numel(OP, self.dtype().size())?;
        let lifted = self.view_as(&pairs().flat_map(|(_, &n)| [1, n]).collect())?;
        lifted.broadcast_to(&wide)?.view_as(&pairs().map(|(&r, &n)| r * n).collect())
    }

    /// [`repeat`](Tensor::repeat) where fewer repeats than dimensions leave the leading ones: `torch.tile`.
    #[track_caller]
    pub fn tile(&self, repeats: impl AsRef<[usize]>) -> Result<Tensor> {
        self.repeat(self.shape().tiled(repeats.as_ref())).map_err(|e| e.of("tile"))
    }

    /// Each slice of dimension `dim` `repeats` times, next to itself; without `dim` each element of the flattened
    /// tensor: `torch.repeat_interleave`.
    #[track_caller]
    pub fn repeat_interleave(&self, repeats: usize, dim: Option<isize>) -> Result<Tensor> {
        let repeats = Tensor::full([1], i64::try_from(repeats).unwrap_or(i64::MAX), DType::I64)?;
        self.repeat_interleave_each(&repeats, dim)
    }

    /// Slice `i` of dimension `dim` `repeats[i]` times (i64, 1-d, of one element for all or as long as the dimension);
    /// without `dim` each element of the flattened tensor: `torch.repeat_interleave` with a tensor.
    ///
    /// # Errors
    /// If `repeats` has another length or dtype or a negative element.
    #[track_caller]
    pub fn repeat_interleave_each(&self, repeats: &Tensor, dim: Option<isize>) -> Result<Tensor> {
        let x = if dim.is_none() || self.rank() == 0 { self.reshape([-1])? } else { self.clone() };
        let dim = dim.unwrap_or(0);
        let index = repeats.interleaved(x.size(dim).map_err(|e| e.of("repeat_interleave"))?)?;
        x.index_select(dim, &index)
    }

    /// Each number below `size` as often as this tensor says at its place (or its only place), as i64:
    /// `torch.repeat_interleave(repeats)`, the index that [`repeat_interleave_each`](Tensor::repeat_interleave_each)
    /// selects by.
    ///
    /// # Errors
    /// If there are neither 1 nor `size` elements in one dimension, or one is negative, or they are not i64.
    #[track_caller]
    pub fn interleaved(&self, size: usize) -> Result<Tensor> {
        const OP: &str = "repeat_interleave";
        if self.rank() > 1 || ![1, size].contains(&self.numel()) {
            let (found, expected) = (self.shape().clone(), format!("[1] or [{size}]"));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "repeats", found, expected }));
        }
        let counts = self.reshape([-1])?.broadcast_to(&Shape::from([size]))?.to_vec::<i64>()?;
        if let Some(count) = counts.iter().find(|&&n| n < 0) {
            let (value, expected) = (count.to_string(), "at least 0");
            return Err(Error::new(OP, ErrorKind::Argument { argument: "repeats", value, expected }));
        }
        let total = counts.iter().fold(0usize, |sum, &n| sum.saturating_add(n as usize));
        Tensor::build::<i64>(OP, Shape::from([total]), |out| {
            let mut rest = out;
            for (i, &count) in counts.iter().enumerate() {
                let (head, tail) = rest.split_at_mut(count as usize);
                head.fill(i as i64);
                rest = tail;
            }
        })
    }
}

impl Shape {
    /// Repeats for every dimension, where some may be missing in front: what `tile` makes of its argument.
    pub fn tiled(&self, repeats: &[usize]) -> Vec<usize> {
        let missing = self.len().saturating_sub(repeats.len());
        std::iter::repeat_n(1, missing).chain(repeats.iter().copied()).collect()
    }
}
