//! Where values would go in a sorted sequence.

use crate::dtype::dispatch_all;
use crate::kernel::parallel::{CHUNK, for_each_chunk};
use crate::{DType, Element, Error, ErrorKind, Result, Tensor};

/// The number of elements of `sequence`, read in the order of `sorter` where there is one, before the place of `value`.
/// The comparisons are PyTorch's, which put NaN last.
fn place<T: Element>(sequence: &[T], sorter: Option<&[i64]>, value: T, right: bool) -> i64 {
    let (mut start, mut end) = (0, sequence.len());
    while start < end {
        let middle = start + (end - start) / 2;
        let element = sequence[sorter.map_or(middle, |sorter| sorter[middle] as usize)];
        let reached = if right { element > value } else { element >= value };
        if reached { end = middle } else { start = middle + 1 }
    }
    start as i64
}

impl Tensor {
    /// For each of `values` the index (i64) in this sequence, sorted along its last dimension, before which it would
    /// be inserted: the first such place, with `right` the last: `torch.searchsorted`. The sequence has one dimension,
    /// or the leading ones of `values`. `sorter` (i64) sorts a sequence that is not: the indices of
    /// [`argsort`](Tensor::argsort).
    ///
    /// # Errors
    /// If shapes or dtypes do not fit or `sorter` holds what is no index.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let sequence = Tensor::from_vec(vec![1.0f32, 3.0, 3.0], [3])?;
    /// let values = Tensor::from_vec(vec![0.0f32, 3.0], [2])?;
    /// assert_eq!(sequence.searchsorted(&values, false, None)?.to_vec::<i64>()?, [0, 1]);
    /// assert_eq!(sequence.searchsorted(&values, true, None)?.to_vec::<i64>()?, [0, 3]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn searchsorted(&self, values: &Tensor, right: bool, sorter: Option<&Tensor>) -> Result<Tensor> {
        const OP: &str = "searchsorted";
        self.same_dtype(OP, values)?;
        let mismatch = |argument, found: &Tensor, expected: String| {
            Error::new(OP, ErrorKind::ShapeMismatch { argument, found: found.shape().clone(), expected })
        };
        let [lead @ .., size] = &self.shape()[..] else {
            return Err(mismatch("sequence", self, "at least 1 dimension".to_string()));
        };
        let row = match &values.shape()[..] {
            _ if lead.is_empty() => values.numel(),
            [theirs @ .., row] if theirs == lead => *row,
            _ => return Err(mismatch("values", values, format!("{lead:?} before its last dimension"))),
        };
        if let Some(sorter) = sorter {
            if sorter.dtype() != DType::I64 {
                let found = sorter.dtype();
                return Err(Error::new(OP, ErrorKind::DType { argument: "sorter", found, expected: "i64" }));
            }
            if sorter.shape() != self.shape() {
                return Err(mismatch("sorter", sorter, self.shape().to_string()));
            }
        }
        let sorter = sorter.map(Tensor::contiguous).transpose()?;
        let sorter = sorter.as_ref().map(|sorter| sorter.dense::<i64>());
        if let Some(&index) = sorter.into_iter().flatten().find(|&&i| i < 0 || i as usize >= *size) {
            return Err(Error::new(OP, ErrorKind::IndexOutOfRange { index, dim: lead.len(), size: *size }));
        }
        let (sequence, values) = (self.contiguous()?, values.contiguous()?);
        dispatch_all!(self.dtype(), T => Tensor::build::<i64>(OP, values.shape().clone(), |out| {
            let (sequence, values) = (sequence.dense::<T>(), values.dense::<T>());
            for_each_chunk(out, CHUNK, |first, out| {
                for (i, y) in (first..).zip(out) {
                    let line = i / row * size..(i / row + 1) * size;
                    *y = place(&sequence[line.clone()], sorter.map(|s| &s[line]), values[i], right);
                }
            });
        }))
    }

    /// For each element the index (i64) of its bucket between the sorted 1-d `boundaries`: `torch.bucketize`. An
    /// element at a boundary belongs to the bucket before it, with `right` to the one after it.
    ///
    /// # Errors
    /// If the dtypes differ or `boundaries` is not 1-d.
    #[track_caller]
    pub fn bucketize(&self, boundaries: &Tensor, right: bool) -> Result<Tensor> {
        if boundaries.rank() != 1 {
            let (found, expected) = (boundaries.shape().clone(), "1 dimension".to_string());
            let kind = ErrorKind::ShapeMismatch { argument: "boundaries", found, expected };
            return Err(Error::new("bucketize", kind));
        }
        boundaries.searchsorted(self, right, None).map_err(|e| e.of("bucketize"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_goes_last_as_in_pytorch() {
        let nan = f32::NAN;
        let sequence = Tensor::from_vec(vec![1.0, 2.0, 2.0, nan], [4]).unwrap();
        let values = Tensor::from_vec(vec![nan, 2.0, 0.0, 5.0], [4]).unwrap();
        assert_eq!(
            sequence.searchsorted(&values, false, None).unwrap().to_vec::<i64>().unwrap(),
            [4, 1, 0, 4]
        );
        assert_eq!(
            sequence.searchsorted(&values, true, None).unwrap().to_vec::<i64>().unwrap(),
            [4, 4, 0, 4]
        );
        let boundaries = sequence.narrow(0, 0, 3).unwrap();
        let values = values.reshape([2, 2]).unwrap();
        assert_eq!(values.bucketize(&boundaries, false).unwrap().to_vec::<i64>().unwrap(), [3, 1, 0, 3]);
    }

    #[test]
    fn a_sorter_is_checked_and_followed() {
        let sequence = Tensor::from_vec(vec![3i64, 1, 2], [3]).unwrap();
        let sorter = sequence.argsort(0, false).unwrap();
        let two = Tensor::scalar(2i64).unwrap();
        let found = sequence.searchsorted(&two, true, Some(&sorter)).unwrap();
        assert_eq!((found.rank(), found.item::<i64>().unwrap()), (0, 2));
        let bad = sorter.add_scalar(1).unwrap();
        assert!(sequence.searchsorted(&two, true, Some(&bad)).is_err());
        assert!(sequence.reshape([1, 3]).unwrap().searchsorted(&two, true, None).is_err());
    }
}
