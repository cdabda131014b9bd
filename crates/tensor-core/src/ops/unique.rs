//! The different elements of a tensor, and the different slices of a dimension.

use crate::dtype::dispatch_all;
use crate::kernel::order;
use crate::{Element, Error, ErrorKind, Result, Tensor};

/// What [`Tensor::unique`] finds.
#[derive(Clone, Debug)]
pub struct Unique {
    /// The different elements or slices.
    pub values: Tensor,
    /// For each element (in the shape of the input) or slice, the place of its value (i64).
    pub inverse: Tensor,
    /// How often each value occurs (i64).
    pub counts: Tensor,
}

/// Equal neighbours of `count` rows of `cols` elements, taken in an order: the first of each group, the group of each
/// row, and the sizes of the groups.
struct Groups {
    first: Vec<i64>,
    inverse: Vec<i64>,
    counts: Vec<i64>,
}

impl Groups {
    fn new<T: Element>(x: &[T], (count, cols): (usize, usize), sorted: bool) -> Groups {
        let row = |r: usize| &x[r * cols..(r + 1) * cols];
        let order: Vec<usize> = if !sorted {
            (0..count).collect()
        } else if cols == 1 {
            let mut ranked = order::ranked(x, false);
            order::sort(&mut ranked);
            ranked.into_iter().map(order::index).collect()
        } else {
            let keys: Vec<u64> = x.iter().map(|&x| order::key(x)).collect();
            let mut order: Vec<usize> = (0..count).collect();
            order.sort_by_key(|&r| &keys[r * cols..(r + 1) * cols]);
            order
        };
        let mut groups = Groups { first: Vec::new(), inverse: vec![0; count], counts: Vec::new() };
        let mut before = None;
        for r in order {
            match groups.counts.last_mut() {
                Some(last) if before.is_some_and(|before| row(before) == row(r)) => *last += 1,
                _ => {
                    groups.first.push(r as i64);
                    groups.counts.push(1);
                }
            }
            groups.inverse[r] = groups.counts.len() as i64 - 1;
            before = Some(r);
        }
        groups
    }
}

impl Tensor {
    /// The different elements in ascending order, for `Some(dim)` the different slices of that dimension in
    /// lexicographic order: `torch.unique`, always sorted, with all that it can return. Each NaN differs from each other.
    ///
    /// # Errors
    /// If there is no such dimension, or its slices are empty.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![3i64, 1, 1, 2], [4])?;
    /// let unique = x.unique(None)?;
    /// assert_eq!(unique.values.to_vec::<i64>()?, [1, 2, 3]);
    /// assert_eq!(unique.inverse.to_vec::<i64>()?, [2, 0, 0, 1]);
    /// assert_eq!(unique.counts.to_vec::<i64>()?, [2, 1, 1]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn unique(&self, dim: impl Into<Option<isize>>) -> Result<Unique> {
        self.grouped("unique", dim.into(), true)
    }

    /// As [`unique`](Tensor::unique), in the given order: only neighbours that are equal become one.
    /// `torch.unique_consecutive`.
    ///
    /// # Errors
    /// As for `unique`.
    #[track_caller]
    pub fn unique_consecutive(&self, dim: impl Into<Option<isize>>) -> Result<Unique> {
        self.grouped("unique_consecutive", dim.into(), false)
    }

    #[track_caller]
    fn grouped(&self, op: &'static str, dim: Option<isize>, sorted: bool) -> Result<Unique> {
        // A 0-d tensor has one slice, itself.
        let (x, at) = match dim {
            Some(dim) if self.rank() > 0 => (self.clone(), self.shape().dim(op, dim)?),
            _ => (self.flatten(0, -1)?, self.shape().dim(op, dim.unwrap_or(0)).unwrap_or(0)),
        };
        let at = if x.rank() == 1 { 0 } else { at };
        let count = x.shape()[at];
        let others = (0..x.rank() as isize).filter(|&d| d != at as isize);
        let order: Vec<isize> = std::iter::once(at as isize).chain(others).collect();
        let rows = x.permute(order)?.contiguous()?;
        let cols = rows.shape()[1..].iter().product();
        if cols == 0 && count > 0 {
            let (found, expected) = (self.shape().clone(), "slices that are not empty".to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let groups = dispatch_all!(x.dtype(), T => Groups::new(rows.dense::<T>(), (count, cols), sorted));
        let found = groups.first.len();
        let inverse = Tensor::from_vec(groups.inverse, [count])?;
        let inverse =
            if x.shape() == self.shape() { inverse } else { inverse.reshape_to(op, self.shape().clone())? };
        Ok(Unique {
            values: x.index_select(at as isize, &Tensor::from_vec(groups.first, [found])?)?,
            inverse,
            counts: Tensor::from_vec(groups.counts, [found])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    #[test]
    fn nan_differs_from_nan_and_zeros_are_equal() {
        let x = Tensor::from_vec(vec![f32::NAN, 0.0, -0.0, f32::NAN, -1.0], [5]).unwrap();
        let unique = x.unique(None).unwrap();
        let values = unique.values.to_vec::<f32>().unwrap();
        assert_eq!(values[..2], [-1.0, 0.0]);
        assert!(values.len() == 4 && values[2..].iter().all(|v| v.is_nan()));
        assert_eq!(unique.counts.to_vec::<i64>().unwrap(), [1, 2, 1, 1]);
        assert_eq!(unique.inverse.to_vec::<i64>().unwrap(), [2, 1, 1, 3, 0]);
    }

    #[test]
    fn slices_are_compared_whole() {
        let x = Tensor::from_vec(vec![2u8, 1, 2, 0, 5, 0], [2, 3]).unwrap();
        let unique = x.unique(1).unwrap();
        assert_eq!(unique.values.to_vec::<u8>().unwrap(), [1, 2, 5, 0]);
        assert_eq!(unique.inverse.to_vec::<i64>().unwrap(), [1, 0, 1]);
        assert_eq!(x.unique_consecutive(-1).unwrap().counts.to_vec::<i64>().unwrap(), [1, 1, 1]);
        let x = Tensor::from_vec(vec![1i64, 1, 2, 1, 1, 3], [2, 3]).unwrap();
        let unique = x.unique_consecutive(1).unwrap();
        assert_eq!(unique.values.to_vec::<i64>().unwrap(), [1, 2, 1, 3]);
        assert_eq!(unique.inverse.to_vec::<i64>().unwrap(), [0, 0, 1]);
    }

    #[test]
    fn empty_and_0d_tensors_follow_pytorch() {
        let none = |shape: &[usize], dim: isize| {
            Tensor::zeros(shape, DType::F32).unwrap().unique(dim).map(|u| u.values.shape().to_vec())
        };
        assert_eq!(none(&[3, 0], 1).unwrap(), [3, 0]);
        assert_eq!(none(&[0, 3], 0).unwrap(), [0, 3]);
        assert!(none(&[0, 3], 1).is_err() && none(&[3, 0], 0).is_err() && none(&[2], 1).is_err());
        let one = Tensor::scalar(2i32).unwrap().unique(None).unwrap();
        assert_eq!((one.values.shape().to_vec(), one.inverse.shape().to_vec()), (vec![1], vec![]));
    }
}
